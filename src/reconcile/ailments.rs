//! Why the last runs of unhealthy connectors failed: the platform lists that apart from the connectors.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::error::with_hint;
use crate::plan::{Plan, Unhealthy};
use crate::qualys::Reader;
use crate::resource::{Kind, RunError};
use crate::stop::Stop;

/// How many lists are asked for in one plan at most; the next pass asks for more.
const ASKED: usize = 20;

/// What is known of runs that failed. Kept from one pass to the next, it is asked for once as long as nothing moves.
#[derive(Debug, Default)]
pub struct Ailments(BTreeMap<(Kind, String), Ailment>);

#[derive(Debug)]
struct Ailment {
    state: String,
    last_error: Option<String>,
    errors: Vec<RunError>,
}

impl Ailments {
    /// Completes what a plan says of its unhealthy objects, and takes secrets out of it. A list that cannot be had is
    /// a warning.
    pub(super) async fn complete(&mut self, plan: &mut Plan, reader: &Reader, stop: &Stop) {
        let redact = |text: &mut Option<String>| {
            *text = text.take().map(|text| reader.redact(&text));
        };
        plan.unhealthy.iter_mut().for_each(|object| redact(&mut object.last_error));
        plan.states.values_mut().for_each(|health| redact(&mut health.last_error));

        let mut asked = Vec::new();
        for object in &mut plan.unhealthy {
            match self.0.get(&key(object)) {
                Some(known) if known.state == object.state && known.last_error == object.last_error => {
                    object.errors.clone_from(&known.errors);
                }
                Some(_) | None if asked.len() < ASKED => asked.push(object),
                Some(_) | None => {}
            }
        }
        let lists = join_all(asked.iter().map(|object| reader.run_errors(object.address.kind, &object.id)));
        let lists = tokio::select! {
            lists = lists => lists,
            () = stop.requested() => Vec::new(),
        };
        let mut unread = Vec::new();
        for (object, list) in asked.into_iter().zip(lists) {
            match list {
                Ok(errors) => {
                    object.errors.clone_from(&errors);
                    let (state, last_error) = (object.state.clone(), object.last_error.clone());
                    self.0.insert(key(object), Ailment { state, last_error, errors });
                }
                Err(error) => unread.push(format!("{}: {}", object.address, with_hint(&error))),
            }
        }
        // The newest error of the run is what the platform says last, where the connector itself says nothing.
        for object in plan.unhealthy.iter_mut().filter(|object| object.last_error.is_none()) {
            object.last_error = object.errors.first().map(|newest| newest.message.clone());
        }
        // They mostly fail for one reason.
        if let Some(first) = unread.first() {
            let more = match unread.len() {
                1 => String::new(),
                several => format!(" (and so of {} more)", several - 1),
            };
            let told = format!("the errors of the last run could not be read: {first}{more}");
            plan.warnings.push(told.into());
        }
        self.forget_the_well(plan);
    }

    /// Drops what is not unhealthy any more. Of a kind that was not read nothing is known.
    fn forget_the_well(&mut self, plan: &Plan) {
        let ill: std::collections::BTreeSet<_> = plan.unhealthy.iter().map(key).collect();
        self.0.retain(|of, _| ill.contains(of) || !plan.listings.contains_key(&of.0));
    }
}

fn key(object: &Unhealthy) -> (Kind, String) {
    (object.address.kind, object.id.clone())
}
