//! What a world is made of, drawn from the dice: its policy, how its platform behaves, and its objects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::oddities::newer_words;
use crate::secrets::Secrets;
use crate::species::{self, Species};
use crate::world::{Mark, OTHER, OWNER, Policy, Role, Subject};

/// How long a delete waits that no run of a daemon here lasts for.
pub(crate) const LONG: &str = "5m";

pub(crate) fn policy(dice: &mut Dice) -> Policy {
    let owned = dice.in_a_hundred(65);
    let prune =
        if owned { dice.pick(&["never", "owned", "owned", "all"]) } else { dice.pick(&["never", "all"]) };
    Policy {
        prune,
        owned,
        prune_action: dice.pick(&["delete", "delete", "delete", "disable"]),
        replace: dice.pick(&["allowed", "never"]),
        max_deletes: dice.pick(&[0, 1, 2, 5, 20]),
        max_change_percent: dice.pick(&[10, 30, 100]),
        journal: dice.in_a_hundred(90),
        pull: dice.pick(&["all", "declared"]),
        delete_after: dice.pick(&["0s", "1ms", LONG]),
    }
}

/// A platform that takes all that the file may say, and that would make doubles if it were asked to.
pub(crate) fn options(dice: &mut Dice) -> BTreeMap<&'static str, String> {
    let mut options = BTreeMap::from([
        ("oci_run_frequency_update", "accepted".to_owned()),
        ("gcp_undocumented_fields", "accepted".to_owned()),
        ("reuse_after_delete", "allowed".to_owned()),
        ("duplicate_identity", "accepted".to_owned()),
        ("duplicate_tag", "accepted".to_owned()),
        ("newer_words", "accepted".to_owned()),
    ]);
    let mut maybe = |times, name, value: String| {
        if dice.in_a_hundred(times) {
            options.insert(name, value);
        }
    };
    maybe(20, "duplicate_identity", "refused".to_owned());
    maybe(30, "page_limit", "2".to_owned());
    maybe(20, "search_lag", "2".to_owned());
    maybe(10, "search_lag", "5".to_owned());
    for (name, other) in [
        ("auth_failure", "401"),
        ("powered_by", "off"),
        ("unknown_id", "404"),
        ("unknown_id", "not_found"),
        ("deleted_in_search", "shown"),
        ("start_from_id", "exclusive"),
        ("json_booleans", "real"),
        ("data_shape", "object-when-single"),
        ("echo_endpoints", "on"),
        ("secrets_on_read", "masked"),
        ("secrets_on_read", "absent"),
        ("azure_identifier_on_read", "kept"),
        ("oci_answers", "common"),
        ("empty_list", "object"),
        ("schedule_id", "different"),
        ("snapshot_reregister", "updated"),
        ("states", "errors"),
    ] {
        maybe(15, name, other.to_owned());
    }
    options
}

pub(crate) fn role(dice: &mut Dice, species: Species, policy: &Policy) -> Role {
    let role = dice.weigh(&[
        (58, Role::Wanted),
        (7, Role::Observed),
        (10, Role::Left(Mark::None)),
        (8, Role::Left(Mark::Ours)),
        (3, Role::Left(Mark::OursKept)),
        (3, Role::Left(Mark::Theirs)),
        (4, Role::Foreign),
        (6, Role::Fixed(false)),
        (2, Role::Fixed(true)),
        (2, Role::Twins),
        (4, Role::Member),
        (4, Role::Legacy),
    ]);
    let fits = match role {
        Role::Wanted | Role::Observed | Role::Left(Mark::None) => true,
        Role::Left(_) => species.is_described(),
        Role::Foreign => species.is_described() && policy.owned,
        Role::Fixed(_) => species.has_fixed_fields(),
        Role::Twins | Role::Legacy => species.is_connector() && species != Species::Organization,
        Role::Member | Role::Joins => species == Species::Azure,
        Role::Unidentified { .. } => false,
    };
    if fits { role } else { Role::Wanted }
}

pub(crate) fn subject(
    dice: &mut Dice,
    species: Species,
    number: u64,
    role: Role,
    policy: &Policy,
    secrets: &mut Secrets,
) -> Subject {
    let live = match role {
        // What is registered already keeps its schedule, whatever is asked for.
        Role::Wanted if species == Species::SnapshotScan => dice.in_a_hundred(30),
        Role::Wanted | Role::Observed => dice.in_a_hundred(55),
        _ => true,
    };
    let mut seeded = Vec::new();
    if live {
        let mut object = species.live(dice, number, matches!(role, Role::Fixed(_)));
        let mark = match role {
            Role::Left(mark) => mark,
            Role::Foreign => Mark::Theirs,
            Role::Wanted if species.is_described() && policy.owned && dice.in_a_hundred(30) => Mark::Ours,
            _ => Mark::None,
        };
        newer_words(dice, species, &mut object);
        let bears = match mark {
            Mark::None => None,
            Mark::Ours => Some(format!("[trueup:{OWNER}]")),
            Mark::OursKept => Some(format!("[trueup:{OWNER}!]")),
            Mark::Theirs => Some(format!("[trueup:{OTHER}]")),
        };
        if let Some(bears) = bears {
            object["description"] =
                format!("{} {bears}", object["description"].as_str().unwrap()).trim().into();
        }
        if role == Role::Legacy {
            object["name"] = format!("legacy-{number}").into();
        }
        if role == Role::Member {
            object["id"] = (5000 + number).into();
            object["isAttachedToOrgConnector"] = true.into();
        }
        if role == Role::Wanted && species == Species::Aws && dice.in_a_hundred(20) {
            // Another role in the same account.
            object["arn"] = species::role(&species.identity(number), "Former").into();
        }
        if role == Role::Twins {
            seeded.push(object.clone());
        }
        seeded.push(object);
    }
    let named = !matches!(role, Role::Left(_) | Role::Legacy);
    let entry = named.then(|| {
        let mut entry = species.entry(dice, number, &species.name(number), secrets);
        match role {
            Role::Observed => entry["policy"] = "observe".into(),
            Role::Fixed(true) => entry["prevent_delete"] = true.into(),
            Role::Wanted if dice.in_a_hundred(10) && species != Species::RegistryConnector => {
                entry["prevent_delete"] = true.into();
            }
            _ => {}
        }
        entry
    });
    // Who has registered what is registered already, no answer tells.
    let maybe_ours = named && (!live || species == Species::SnapshotScan);
    Subject { species, number, role, seeded, entries: [entry.clone(), entry], maybe_ours }
}

/// An organization connector that is to have a member, and that member.
pub(crate) fn joined(dice: &mut Dice, organization: Subject, secrets: &mut Secrets) -> (Subject, Subject) {
    let (species, number) = (Species::Azure, 700 + organization.number);
    let name = species.name(number);
    let mut entry = species.entry(dice, number, &name, secrets);
    // Were it to be updated, that would be held once it is a member.
    entry.as_object_mut().unwrap().retain(|field, _| !matches!(field.as_str(), "perimeter_scan" | "tags"));
    let member = Subject {
        species,
        number,
        role: Role::Joins,
        seeded: Vec::new(),
        entries: [Some(entry.clone()), Some(entry)],
        maybe_ours: true,
    };
    let named = |entry: &Option<Value>| {
        let mut entry = entry.clone()?;
        entry["members"] = json!([format!("azure/{name}")]);
        Some(entry)
    };
    let entries = organization.entries.each_ref().map(named);
    (member, Subject { entries, ..organization })
}

/// The organization connector of another owner that a member belongs to.
pub(crate) fn organization_of(member: &Subject) -> Subject {
    let number = 900 + member.number;
    let species = Species::Organization;
    let mut object = species.live(&mut Dice::of(number), number, false);
    object["members"] = json!([member.seeded[0]["id"]]);
    object["description"] = format!("theirs [trueup:{OTHER}]").into();
    let (role, entries) = (Role::Left(Mark::Theirs), [None, None]);
    Subject { species, number, role, seeded: vec![object], entries, maybe_ours: false }
}
