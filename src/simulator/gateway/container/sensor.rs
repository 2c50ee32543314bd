//! Sensor profiles: known for what is said to users who may not see them ("Role-based Access to Sensor Profiles").

use super::page;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome};
use crate::simulator::options::SensorProfiles;

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    check(call, "VIEW")?;
    page(call, &[])
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    nothing(call, "VIEW")
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    nothing(call, "CREATE")
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    nothing(call, "UPDATE")
}

pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    nothing(call, "DELETE")
}

fn nothing(call: &Call<'_>, permission: &str) -> Outcome {
    check(call, permission)?;
    Err(Refusal::not_found("The simulator has no sensor profiles."))
}

fn check(call: &Call<'_>, permission: &str) -> Result<(), Refusal> {
    if call.world.options.sensor_profiles == SensorProfiles::Allowed {
        return Ok(());
    }
    // Reads speak of the user, writes name it.
    let user = match permission {
        "VIEW" => "The user".to_owned(),
        _ => format!("The {} user", call.shared.account.username),
    };
    Err(Refusal::new(
        403,
        format!(
            "{user} does not have the CS.SENSOR_PROFILE.{permission} permission to perform this operation. Ensure that \
             required permissions are assigned to the user"
        ),
    ))
}
