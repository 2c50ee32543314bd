//! The plan as JSON, `trueup.plan/v1`: stable names for other programs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::change::Change;
use super::model::Plan;
use crate::resource::Timetable;

/// What the JSON says beside the plan itself.
#[derive(Debug, Clone)]
pub struct Heading<'a> {
    /// The platform's name.
    pub platform: &'a str,
    /// When it was made. Next runs are counted from then.
    pub generated_at: Timestamp,
    /// The exit code to name: the process's own, or the detailed one over HTTP.
    pub exit: u8,
}

/// The plan as JSON.
#[must_use]
pub fn plan_json(plan: &Plan, heading: &Heading<'_>) -> Value {
    let Plan {
        id,
        mode,
        changes,
        unchanged: _,
        summary,
        unmanaged,
        unidentified,
        unverified,
        unhealthy,
        states: _,
        failed,
        blocked,
        warnings,
        expectations,
        cost,
        observed: _,
        targeted: _,
        unknown_targets: _,
        listings: _,
        staying: _,
        given: _,
        waiting: _,
    } = plan;
    json!({
        "format": "trueup.plan/v1",
        "id": id,
        "generated_at": to_the_second(heading.generated_at).to_string(),
        "platform": heading.platform,
        "policy": mode.word(),
        "exit": heading.exit,
        "summary": summary,
        "changes": changes.iter().map(|change| change_json(change, heading.generated_at)).collect::<Vec<_>>(),
        "unmanaged": unmanaged,
        "unidentified": unidentified,
        "unverified": unverified,
        "unhealthy": unhealthy,
        "failed": failed,
        "blocked": blocked,
        "warnings": warnings,
        "expectations": expectations,
        "cost": cost,
    })
}

fn change_json(change: &Change, now: Timestamp) -> Value {
    let Change {
        address,
        action,
        id,
        cause,
        since,
        passes: _,
        reverted: _,
        prunes: _,
        tentative: _,
        running: _,
        lacks: _,
        held,
        reason,
        depends_on,
        fields,
        anew: _,
        before: _,
        after: _,
        marker: _,
    } = change;
    let mut json = json!({
        "address": address,
        "kind": address.kind,
        "action": action,
        "id": id,
        "cause": cause,
        "since": since.map(|since| to_the_second(since).to_string()),
        "held": held.as_ref().map(|held| &held.why),
        "reason": reason,
        "depends_on": depends_on,
        "fields": fields,
    });
    if let Some((before, after)) = change.new_schedule() {
        let runs = |schedule: Timetable<'_>| next_runs_json(schedule, now);
        let (before, after) = (before.and_then(runs), runs(after));
        if before.is_some() || after.is_some() {
            json["next_runs"] = json!({"before": before, "after": after});
        }
    }
    json
}

/// The next runs of a schedule, in UTC; `None` where parts of it are missing.
#[must_use]
pub fn next_runs_json(schedule: Timetable<'_>, now: Timestamp) -> Option<Value> {
    let runs = schedule.next_runs(now)?;
    Some(runs.iter().map(|run| Value::from(run.timestamp().to_string())).collect())
}

/// RFC 3339 without a fraction.
fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
