//! One entry of the file against one live object, field by field.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::change::{Action, Cause, Change, FieldChange, Held};
use super::model::{Observation, Plan, Unhealthy, Unverified};
use super::{Entry, KnownObject, Policy, Refused, Warning, parse_object};
use crate::desired::settings::Replace;
use crate::resource::{Access, Address, Field, Fields, LiveObject, Owner, Spec, Told, reads_as};
use crate::secret::comparable;

/// What the comparison of an entry with its live object found.
pub(super) struct Comparison<'a> {
    entry: &'a Entry<'a>,
    live: &'a LiveObject,
    /// The desired spec, what it leaves out inside a field filled from the live one.
    after: Spec,
    changed: Vec<(FieldChange, Access, Cause)>,
    unverified: Vec<String>,
    /// What is to be said of it, change or not.
    told: Vec<String>,
    observed: Option<Observation>,
    lost_its_mark: bool,
    refused: &'a [Refused],
    /// Why all of it is written again, though nobody moved.
    again: Option<&'static str>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        entry: &'a Entry<'a>,
        live: &'a LiveObject,
        known: Option<&KnownObject>,
        refused: &'a [Refused],
        rewrite: bool,
    ) -> Comparison<'a> {
        let mut told = Vec::new();
        let mut after = entry.spec.clone();
        after.complete(&live.spec);
        let asked = entry.fields_of(&entry.spec);
        let filled = (after != entry.spec).then(|| entry.fields_of(&after));
        let wanted = filled.as_ref().unwrap_or(&asked);
        let current = live.spec.fields();
        if let Some(filled) = &filled {
            told.extend(kept_words(&asked, filled));
        }

        let mut changed = Vec::new();
        let mut unverified = Vec::new();
        // What nobody knows to be there as it is wanted.
        let mut untold = Vec::new();
        let mut base = Base::new(known);
        let cut_short = !live.kind().is_listed() && known.is_some_and(KnownObject::was_cut_short);
        // The fields in which file and live do not agree, and what the journal knows of them: the old base.
        let mut apart = Vec::new();
        for field in live.kind().fields() {
            let Some(want) = wanted.get(field.name) else { continue };
            if field.access == Access::Identity {
                apart.push((field.name, None));
                continue;
            }
            if cut_short && field.access == Access::Updatable {
                apart.push((field.name, None));
                let change = FieldChange::new(field, Value::Null, want.clone());
                changed.push((change, field.access, Cause::Pending));
                continue;
            }
            let again = rewrite && field.access == Access::Updatable;
            let have = match live.untold(field) {
                None => current.get(field.name),
                Some(is_not) => {
                    // What was last written stands for what is not told, unless that is known to be over.
                    let wrote = base.wrote(field, want).filter(|wrote| *wrote != is_not);
                    if wrote.is_none() && is_not != want {
                        unverified.push(field.name.to_owned());
                        apart.push((field.name, None));
                        if field.access == Access::Updatable {
                            untold.push(FieldChange::new(field, Value::Null, want.clone()));
                        }
                        continue;
                    }
                    wrote
                }
            };
            if let Some(half) = have.and_then(|have| told_in_part(field, have, want)) {
                told.push(half);
                continue;
            }
            if have == Some(want) {
                if again && field.is_secret() {
                    untold.push(FieldChange::new(field, want.clone(), want.clone()));
                }
                continue;
            }
            let have = have.cloned();
            let cause = base.cause(field.name, &asked, &live.spec, have.as_ref());
            apart.push((field.name, base.values().and_then(|values| values.get(field.name)).cloned()));
            let change = FieldChange::new(field, have.unwrap_or(Value::Null), want.clone());
            changed.push((change, field.access, cause));
        }
        let only_rewritten = changed.is_empty();
        let replaced = changed.iter().any(|(_, access, _)| *access == Access::Fixed);
        if !replaced {
            let fields: Vec<&str> = changed.iter().map(|(field, _, _)| field.path.as_str()).collect();
            let sent = live.kind().sends_again(&fields);
            untold.retain(|field| rewrite || sent.contains(&field.path.as_str()));
            // What is sent again for the sake of others moved with them.
            let cause = changed.iter().map(|(_, _, cause)| *cause).reduce(Cause::and).filter(|_| !rewrite);
            let cause = cause.unwrap_or(Cause::Pending);
            changed.extend(untold.into_iter().map(|field| (field, Access::Updatable, cause)));
            let place = |path: &str| live.kind().fields().iter().position(|field| field.name == path);
            changed.sort_by_key(|(field, _, _)| place(&field.path));
        }
        let mut new_base = asked;
        for (field, old) in apart {
            match old {
                Some(old) => new_base.insert(field.to_owned(), old),
                None => new_base.shift_remove(field),
            };
        }
        let observed = observe(entry, live, known, new_base);
        let lost_its_mark = known.is_some_and(|known| known.lost_its_mark(live));
        let again = if cut_short {
            Some("its last write was cut short: what is there is not known")
        } else {
            (only_rewritten && !changed.is_empty()).then_some("written again, as asked")
        };
        Comparison { entry, live, after, changed, unverified, told, observed, lost_its_mark, refused, again }
    }

    /// Puts what was found into the plan.
    ///
    /// `unsettled`: until when an object of its identity is looked for that was sent. What is live and would have to be
    /// replaced is then the one that was replaced: a search shows it still, and the new one not yet.
    pub(super) fn into_plan(
        self,
        address: Address,
        unsettled: Option<Timestamp>,
        policy: &Policy,
        plan: &mut Plan,
    ) {
        let Comparison {
            entry,
            live,
            after,
            changed,
            unverified,
            told,
            observed,
            lost_its_mark,
            refused,
            again,
        } = self;
        let is_replaced = changed.iter().any(|(_, access, _)| *access == Access::Fixed);
        let unsettled = unsettled.filter(|_| is_replaced);
        // What is to be looked for is not found by what it replaces.
        plan.observed.extend(observed.filter(|_| unsettled.is_none()));
        plan.warnings.extend(told.into_iter().map(|told| Warning::of(&address, told)));
        if lost_its_mark {
            plan.warnings.push(Warning::of(
                &address,
                "somebody took our mark off its description: it is no longer ours",
            ));
        }
        if !changed.iter().any(|(field, _, _)| field.path == "description") {
            plan.warnings.extend(stale_mark(&address, live, entry.declared.meta.prevent_delete, policy));
        }
        if !unverified.is_empty() {
            plan.unverified.push(Unverified { address: address.clone(), fields: unverified });
        }
        if live.health.is_unhealthy() {
            plan.unhealthy.push(Unhealthy::new(address.clone(), live));
        } else if live.health.state.is_some() {
            plan.states.insert(address.clone(), live.health.clone());
        }
        let Some(cause) = changed.iter().map(|(_, _, cause)| *cause).reduce(Cause::and) else {
            // Two who claim one object is for people to settle, also while both say the same. Who observes claims nothing.
            match another_owners(live, policy).filter(|_| !entry.declared.meta.observe) {
                None => drop(plan.unchanged.insert(address)),
                Some(held) => plan.changes.push(Change {
                    held: Some(held),
                    reason: format!("as in {}", entry.declared.place),
                    after: Some(after),
                    marker: live.owner.clone(),
                    ..Change::of(live, address, Action::Update)
                }),
            }
            return;
        };
        let action = if is_replaced { Action::Replace } else { Action::Update };
        let made_anew = unsettled.map(|until| {
            Held::because(format!(
                "its replacement was sent, and is not to be seen: it is looked for until {until} before it is sent again"
            ))
        });
        let caveats = if is_replaced { Vec::new() } else { after.caveats(Some(&live.spec)) };
        plan.warnings.extend(caveats.into_iter().map(|caveat| Warning::of(&address, caveat)));
        let marker = marker_after_update(live, entry.declared.meta.prevent_delete, policy);
        plan.changes.push(Change {
            held: held(entry, live, &after, action, policy)
                .or(made_anew)
                .or_else(|| not_taken(&changed, refused)),
            reason: match again {
                Some(why) => why.to_owned(),
                None => reason(cause, &entry.declared.place.to_string()),
            },
            lacks: lacks(entry),
            cause,
            fields: changed.into_iter().map(|(field, _, _)| field).collect(),
            anew: if is_replaced { entry.fields_of(&after) } else { Fields::new() },
            after: Some(after),
            marker,
            ..Change::of(live, address, action)
        });
    }
}

/// What to say of the members of lists that the file does not name and that are kept: the program does not know them.
fn kept_words(asked: &Fields, filled: &Fields) -> Vec<String> {
    fn name(member: &Value) -> Option<&str> {
        member.as_str().or_else(|| member.get("name")?.as_str())
    }
    let kept = |(field, filled): (&String, &Value)| {
        let named: Vec<&str> = asked.get(field)?.as_array()?.iter().filter_map(name).collect();
        let kept = filled.as_array()?.iter().filter_map(name).filter(|word| !named.contains(word));
        let kept: Vec<&str> = kept.collect();
        (!kept.is_empty()).then(|| {
            let words = kept.join(", ");
            format!(
                "{field}: the platform has {words}, which trueup does not know: kept (name it to manage it)"
            )
        })
    };
    filled.iter().filter_map(kept).collect()
}

/// What to say of a text of the platform's that cannot be decoded whole, where what can be is as the file has it.
fn told_in_part(field: &Field, have: &Value, want: &Value) -> Option<String> {
    let (have, want) = (have.as_str()?, want.as_str()?);
    (have != want && reads_as(have, want)).then(|| {
        format!("{} cannot be read whole, and is taken to be as in the file: \"{have}\"", field.name)
    })
}

/// What the journal is to remember, where that is news.
fn observe(
    entry: &Entry<'_>,
    live: &LiveObject,
    known: Option<&KnownObject>,
    base: Fields,
) -> Option<Observation> {
    let identity = entry.spec.identity().unwrap_or_default();
    let base = Value::Object(base).to_string();
    let protected = entry.declared.meta.prevent_delete;
    let is_news = known.is_none_or(|known| {
        known.identity != identity || *known.base != *base || known.protected != protected
    });
    is_news.then(|| Observation::Seen { kind: live.kind(), id: live.id.clone(), identity, base, protected })
}

/// A change that makes what the file names and the platform does not have.
/// One whose answer was lost is held until it has been looked for long enough: a second would be a double.
pub(super) fn create(
    entry: &Entry<'_>,
    address: Address,
    known_id: Option<&str>,
    unsettled_until: Option<Timestamp>,
    nameless: &[&LiveObject],
    policy: &Policy,
) -> Change {
    let meta = &entry.declared.meta;
    let mut values = entry.fields_of(&entry.spec);
    let declared = entry.spec.fields();
    let fields = address
        .kind
        .fields()
        .iter()
        .filter_map(|field| {
            // Also what is never compared, and what could not be resolved, is part of what is made.
            let after = values.shift_remove(field.name).or_else(|| match field.told {
                Told::Secret => declared.contains_key(field.name).then_some(Value::Null),
                Told::Value | Told::Never => declared.get(field.name).cloned(),
            });
            Some(FieldChange::new(field, Value::Null, after?))
        })
        .collect();
    let place = &entry.declared.place;
    let tentative = !address.kind.is_listed();
    let (cause, reason) = match known_id {
        None if tentative => (
            Cause::Pending,
            format!("in {place}; whether it is there cannot be read: tried, and no harm if it is"),
        ),
        // What we have just made and cannot see yet did not drift.
        Some(id) if unsettled_until.is_none() => {
            (Cause::Drift, format!("in {place}, gone from the platform (it was {id})"))
        }
        Some(_) | None => (Cause::Pending, format!("in {place}, not live")),
    };
    Change {
        cause,
        held: match (meta.observe, unsettled_until) {
            (true, _) => Some(Held::because("policy: observe")),
            (false, Some(until)) => {
                let sent = match known_id {
                    Some(id) => format!("it was made (id {id}) and is not to be seen"),
                    None => "it was sent, and the answer lost".to_owned(),
                };
                Some(Held::because(format!("{sent}: it is looked for until {until} before it is sent again")))
            }
            (false, None) if !nameless.is_empty() && known_id.is_none() => {
                let ids: Vec<&str> = nameless.iter().map(|live| live.id.as_str()).take(5).collect();
                Some(Held::because(format!(
                    "{} live {} do not tell their identity (ids {}{}): one of them may be it",
                    nameless.len(),
                    entry.spec.kind(),
                    ids.join(", "),
                    if nameless.len() > ids.len() { ", …" } else { "" },
                )))
            }
            (false, None) => None,
        },
        reason,
        tentative,
        lacks: lacks(entry),
        fields,
        after: Some(entry.spec.clone()),
        marker: policy.owner.clone().map(|name| Owner { name, prevent_delete: meta.prevent_delete }),
        ..Change::new(address, Action::Create)
    }
}

/// What is to be said before an entry's object is made: the file may hold enough of what is live, and too little to
/// make it.
pub(super) fn before_create(spec: &Spec) -> impl Iterator<Item = String> {
    let declared = spec.fields();
    let needed = spec.kind().fields().iter().filter(|field| field.needed).map(|field| field.name);
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    };
    let lacking: Vec<&str> = needed.filter(|field| declared.get(*field).is_none_or(is_empty)).collect();
    let told = (!lacking.is_empty()).then(|| {
        format!("the platform wants {} of what is made, which the file leaves out", lacking.join(", "))
    });
    told.into_iter().chain(spec.caveats(None))
}

/// Why the change cannot be made, where a secret of the object could not be had.
fn lacks(entry: &Entry<'_>) -> Option<String> {
    entry.lacking().next().map(|(field, why)| format!("{field}: {why}"))
}

fn reason(cause: Cause, place: &str) -> String {
    match cause {
        Cause::Drift => "changed on the platform".to_owned(),
        Cause::Pending => format!("as in {place}"),
        Cause::Both => format!("changed on the platform and in {place}"),
    }
}

/// Why an object that bears another owner's mark is not written.
fn another_owners(live: &LiveObject, policy: &Policy) -> Option<Held> {
    let (theirs, ours) = (live.owner.as_ref()?, policy.owner.as_ref()?);
    let why = || format!("owned by {}, not {ours}", theirs.name);
    (theirs.name != *ours).then(|| Held { foreign: true, ..Held::because(why()) })
}

/// Why a change of an object that is there is withheld.
fn held(entry: &Entry<'_>, live: &LiveObject, after: &Spec, action: Action, policy: &Policy) -> Option<Held> {
    if let Some(held) = another_owners(live, policy) {
        return Some(held);
    }
    if let Some(why) = live.locked.as_ref().or(live.busy.as_ref()) {
        return Some(Held::because(why));
    }
    if entry.declared.meta.observe {
        return Some(Held::because("policy: observe"));
    }
    if action == Action::Replace {
        if entry.declared.meta.prevent_delete {
            return Some(Held::because("needs a replace; prevent_delete: true"));
        }
        if policy.replace == Replace::Never {
            return Some(Held::because("needs a replace; replace: never"));
        }
        // It would be deleted, and could not be made again.
        if let Some(told) = before_create(after).next() {
            return Some(Held::because(format!("needs a replace; {told}")));
        }
    }
    None
}

/// After that many passes a field that the platform does not take is not sent again, until the file or the live
/// value moves.
const LEFT_ALONE_AFTER: u32 = 3;

/// Withholds a change of which the platform has taken nothing, pass after pass.
fn not_taken(changed: &[(FieldChange, Access, Cause)], refused: &[Refused]) -> Option<Held> {
    let is_stuck = |(field, _, _): &(FieldChange, Access, Cause)| {
        refused.iter().any(|refused| {
            refused.passes >= LEFT_ALONE_AFTER
                && refused.field == field.path
                && refused.sent == field.after
                && refused.got == field.before
        })
    };
    changed.iter().all(is_stuck).then(|| {
        let fields: Vec<&str> = changed.iter().map(|(field, _, _)| field.path.as_str()).collect();
        let why = format!(
            "the platform does not take {}: sent in {LEFT_ALONE_AFTER} passes; left alone until it moves or the file does",
            fields.join(", ")
        );
        Held { stuck: true, ..Held::because(why) }
    })
}

/// An update keeps the mark that is there: it does not adopt. Ours follows `prevent_delete`.
fn marker_after_update(live: &LiveObject, prevent_delete: bool, policy: &Policy) -> Option<Owner> {
    live.owner.clone().map(|owner| {
        if policy.owner.as_deref() == Some(owner.name.as_str()) {
            Owner { prevent_delete, ..owner }
        } else {
            owner
        }
    })
}

/// What to say of a mark of ours that does not tell what the file says now. It is no difference: it is written with the
/// next description, or when asked for.
fn stale_mark(
    address: &Address,
    live: &LiveObject,
    prevent_delete: bool,
    policy: &Policy,
) -> Option<Warning> {
    let mark = live.owner.as_ref().filter(|mark| policy.owner.as_ref() == Some(&mark.name))?;
    if mark.prevent_delete == prevent_delete {
        return None;
    }
    let stands = if prevent_delete {
        "stands in the file, and not yet in its mark on the platform, which outlives the entry"
    } else {
        "is not in the file any more, but still in its mark on the platform"
    };
    Some(Warning::of(address, format!("prevent_delete {stands}: `trueup adopt {address}` writes it")))
}

/// The journal's facts of one object, read only where something needs them.
struct Base<'a> {
    known: Option<&'a KnownObject>,
    values: Option<Map<String, Value>>,
    written: Option<Map<String, Value>>,
}

impl<'a> Base<'a> {
    fn new(known: Option<&'a KnownObject>) -> Base<'a> {
        Base { known, values: None, written: None }
    }

    fn values(&mut self) -> Option<&Map<String, Value>> {
        let known = self.known?;
        Some(self.values.get_or_insert_with(|| parse_object(&known.base)))
    }

    /// What was last written to a field that is not read back. Of a secret, only a digest made with the same key
    /// as the wanted one's tells anything.
    fn wrote(&mut self, field: &Field, want: &Value) -> Option<&Value> {
        let known = self.known?;
        let wrote = self.written.get_or_insert_with(|| parse_object(&known.written)).get(field.name)?;
        let tells = !field.is_secret()
            || matches!((wrote.as_str(), want.as_str()), (Some(wrote), Some(want)) if comparable(wrote, want));
        tells.then_some(wrote)
    }

    /// Who moved. The base is what the file said when file and live last agreed: what it leaves out inside a
    /// field it did not manage, so there the live value stands in for it.
    fn cause(&mut self, field: &str, asked: &Fields, live: &Spec, have: Option<&Value>) -> Cause {
        let Some(values) = self.values() else { return Cause::Pending };
        let Some(base) = values.get(field) else { return Cause::Pending };
        let file_moved = asked.get(field) != Some(base);
        let mut whole = live.fields();
        whole.insert(field.to_owned(), base.clone());
        let live_moved = match live.kind().deserialize(Value::Object(whole)) {
            Ok(mut spec) => {
                spec.complete(live);
                spec.fields().get(field) != have
            }
            Err(_) => Some(base) != have,
        };
        match (file_moved, live_moved) {
            (true, true) => Cause::Both,
            (true, false) => Cause::Pending,
            // They differ, so somebody moved; the file did not.
            (false, _) => Cause::Drift,
        }
    }
}
