//! What goes wrong: scripted faults of the simulator, each by the number of the request that meets it.

use serde_json::{Value, json};

use crate::dice::Dice;

/// Parts of paths, so that one kind, one sort of call or one service is met.
const PLACES: [&str; 15] = [
    "/search/",
    "/create/",
    "/update/",
    "/delete/",
    "/am/tag",
    "/am/aws",
    "/am/azure",
    "/am/gcp",
    "/am/oci",
    "/am/globalscan",
    "/org/azure",
    "/conn/snapshot",
    "/csapi/",
    "/auth",
    "/azure/",
];

/// Some faults. `secrets`: what a platform might throw back at us. `honest`: where what was written cannot be read, the
/// word of the platform is all there is, and it does not say 200 to what it has not done.
pub(crate) fn some(dice: &mut Dice, secrets: &[&str], honest: bool) -> Vec<Value> {
    let how_many = dice.between(1, 7);
    let mut faults: Vec<Value> = (0..how_many).map(|_| one(dice, secrets)).collect();
    for fault in faults.iter_mut().filter(|fault| honest && fault["status"] == 200) {
        fault["process"] = true.into();
    }
    faults
}

fn one(dice: &mut Dice, secrets: &[&str]) -> Value {
    let mut fault = kind(dice, secrets);
    if dice.in_a_hundred(55) {
        fault["path"] = dice.pick(&PLACES).into();
    } else if dice.in_a_hundred(60) {
        fault["write"] = dice.in_a_hundred(70).into();
    }
    fault["nth"] = dice.between(1, 6).into();
    // Beyond three the client gives up.
    let lasting = fault["kind"] != "rate_limited" && fault["kind"] != "delay" && dice.in_a_hundred(12);
    fault["times"] = if lasting { 0 } else { dice.pick(&[1, 1, 2, 3, 5]) }.into();
    fault
}

fn kind(dice: &mut Dice, secrets: &[&str]) -> Value {
    // Only what does not say that the request was refused may stand in for the answer to one that was carried out.
    let process = dice.in_a_hundred(50);
    match dice.between(0, 19) {
        0 => json!({"kind": "delay", "ms": dice.between(1, 60)}),
        1..=3 => json!({"kind": "drop"}),
        4..=7 => json!({"kind": "lost"}),
        8..=9 => json!({"kind": "torn"}),
        10 => json!({"kind": "status", "status": dice.pick(&[401, 403])}),
        11 => json!({"kind": "status", "status": 409, "code": dice.pick(&[2003, 999])}),
        12 => json!({"kind": "rate_limited", "code": dice.pick(&[1960, 1965])}),
        13 => json!({"kind": "rate_limited"}),
        14..=15 => {
            let said = format!("the proxy could not pass on {}", dice.pick(secrets));
            json!({"kind": "status", "status": dice.pick(&[500, 503, 504]), "body": said, "process": process})
        }
        16 => json!({"kind": "html", "status": dice.pick(&[200, 502]), "process": process}),
        17..=18 => json!({"kind": "empty", "status": dice.pick(&[200, 500]), "process": process}),
        _ => json!({"kind": "repeated"}),
    }
}

/// The fault that stops time: the answer to the n-th request is held back until somebody lets it go. `carried_out`:
/// whether the request is.
pub(crate) fn hold(nth: u64, writes: bool, carried_out: bool) -> Value {
    let mut fault = json!({"kind": if carried_out { "hold" } else { "drop" }, "ms": 60_000, "nth": nth});
    if writes {
        fault["write"] = true.into();
    }
    fault
}

/// An answer that comes when nobody waits for it any more.
pub(crate) fn late(nth: u64) -> Value {
    json!({"kind": "delay", "ms": 1500, "nth": nth})
}
