//! One live object on its way into the file: what of it the file takes, what it does not, and why.

use serde_json::Value;

use crate::resource::{Address, FILL_IN, Field, Fields, Kind, LiveObject, Severity, Told};

/// A live object, in the form of the file's entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) address: Address,
    /// The platform's own id.
    pub(super) id: String,
    /// What the entry says; of a secret, a reference.
    pub(super) fields: Fields,
    /// Whether the object bears our mark.
    pub(super) ours: bool,
    /// Whether the entry says `prevent_delete`.
    pub(super) prevent_delete: bool,
    /// Secrets that the object may have.
    pub(super) advised: Vec<(&'static str, Value)>,
    /// What is not said of it, so that the file is valid and plans to no change.
    pub(super) left_out: Vec<LeftOut>,
    /// What people call what it looks into, where that is not its name.
    pub(super) label: Option<String>,
    /// Why it stands in the file as a comment alone.
    pub(super) withheld: Option<String>,
}

/// A field that the entry leaves out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LeftOut {
    pub(super) field: String,
    /// What it is on the platform, where that is known.
    pub(super) value: Option<Value>,
    pub(super) why: String,
}

/// Why the file would not take an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The field, where it is one.
    pub(super) field: Option<String>,
    pub(super) why: String,
}

impl Entry {
    /// What is live, with a reference for each secret. `name` gives the references their names.
    pub(super) fn new(
        live: &LiveObject,
        address: Address,
        fields: &'static [Field],
        name: &mut dyn FnMut(&Address, &str) -> String,
    ) -> Entry {
        let mut shown = live.spec.fields();
        let mut entry = Entry {
            address,
            id: live.id.clone(),
            fields: Fields::new(),
            ours: false,
            prevent_delete: false,
            advised: Vec::new(),
            left_out: Vec::new(),
            label: live.label.clone().filter(|label| label != live.spec.name()),
            withheld: None,
        };
        for field in fields {
            let value = shown.shift_remove(field.name);
            match (field.told, value) {
                (Told::Secret, _) => {
                    let reference = serde_json::json!({ "env": name(&entry.address, field.name) });
                    if field.optional {
                        entry.advised.push((field.name, reference));
                    } else {
                        entry.fields.insert(field.name.to_owned(), reference);
                    }
                }
                // What tells it apart has to be there, and be its own.
                (Told::Never, stand_in) if field.identifies => {
                    let own = stand_in.as_ref().and_then(Value::as_str).unwrap_or_default();
                    entry.fill_in(field.name, own.trim_start_matches('#'));
                }
                (Told::Never, _) => {
                    entry.leave_out(field.name, "sent to the platform, and never shown by it");
                }
                (Told::Value, Some(value)) => drop(entry.fields.insert(field.name.to_owned(), value)),
                (Told::Value, None) => match live.unreadable.get(field.name) {
                    Some(Value::Null) => entry.leave_out(field.name, "the platform does not show it"),
                    Some(is_not) => {
                        let why = format!("the platform does not show it; it is not {}", plain(is_not));
                        entry.leave_out(field.name, &why);
                    }
                    None => {}
                },
            }
        }
        entry
    }

    fn leave_out(&mut self, field: &str, why: &str) {
        let value = self.fields.shift_remove(field);
        self.left_out.push(LeftOut { field: field.to_owned(), value, why: why.to_owned() });
    }

    /// Leaves the field out, or where that cannot be, the whole object.
    pub(super) fn refuse(&mut self, kind_fields: &'static [Field], field: Option<&str>, why: &str) {
        let can_go = |name: &&str| {
            self.fields.contains_key(*name)
                && kind_fields.iter().any(|field| field.name == *name && !field.identifies)
        };
        match field.filter(can_go) {
            Some(field) => self.leave_out(field, why),
            None => self.withhold(field.map_or_else(|| why.to_owned(), |field| format!("{field}: {why}"))),
        }
    }

    /// Leaves the whole object out. The comment that stands for it shows all that is known.
    pub(super) fn withhold(&mut self, why: impl Into<String>) {
        self.withheld.get_or_insert(why.into());
        for LeftOut { field, value, why: _ } in self.left_out.drain(..) {
            self.fields.extend(value.map(|value| (field, value)));
        }
    }

    /// Why it stands in the file as a comment alone, and what that means for it.
    pub(super) fn why_withheld(&self) -> Option<String> {
        let warning =
            if self.ours { "; it bears our mark, so that prune: owned would delete it" } else { "" };
        self.withheld.as_ref().map(|why| format!("{why}{warning}"))
    }

    /// Leaves out what the file would refuse: field by field where one can be left out, else the whole object.
    pub(super) fn settle(
        &mut self,
        kind_fields: &'static [Field],
        check: &dyn Fn(&Fields) -> Result<(), Refusal>,
    ) {
        // Each time round one field less, or the last.
        while self.withheld.is_none() {
            let Err(refusal) = check(&self.fields) else { return };
            if let Some(field) = self.missing(kind_fields, &refusal, check) {
                self.fill_in(field, "");
            } else {
                let at_fault = self.at_fault(kind_fields, &refusal, check);
                self.refuse(kind_fields, at_fault.as_deref(), &refusal.why);
            }
        }
    }

    /// Holds a place for what a person has to say; `own` tells it from the places of other objects.
    fn fill_in(&mut self, field: &'static str, own: &str) {
        self.left_out.retain(|left_out| left_out.field != field);
        let why = format!("put it in the place of {FILL_IN}: the platform never shows it");
        self.left_out.push(LeftOut { field: field.to_owned(), value: None, why });
        let dash = if own.is_empty() { "" } else { "-" };
        self.fields.insert(field.to_owned(), format!("{FILL_IN}{dash}{own}").into());
    }

    /// The field to leave out: the one that is refused; where that is refused for not being there, one that cannot be
    /// without it.
    fn at_fault(
        &self,
        kind_fields: &'static [Field],
        refusal: &Refusal,
        check: &dyn Fn(&Fields) -> Result<(), Refusal>,
    ) -> Option<String> {
        let is_not_there = refusal.field.as_ref().is_some_and(|field| !self.fields.contains_key(field));
        let mut others = kind_fields.iter().filter(|field| is_not_there && !field.identifies);
        let other = others.find(|field| {
            let mut fields = self.fields.clone();
            fields.shift_remove(field.name).is_some() && check(&fields).is_ok()
        });
        other.map(|field| field.name.to_owned()).or_else(|| refusal.field.clone())
    }

    /// A field that is never shown, and without which the file does not take the entry.
    fn missing(
        &self,
        kind_fields: &'static [Field],
        refusal: &Refusal,
        check: &dyn Fn(&Fields) -> Result<(), Refusal>,
    ) -> Option<&'static str> {
        let mut never = kind_fields
            .iter()
            .filter(|field| field.told == Told::Never && !self.fields.contains_key(field.name))
            .map(|field| field.name);
        never.find(|field| {
            let mut filled = self.fields.clone();
            filled.insert((*field).to_owned(), FILL_IN.into());
            refusal.field.as_deref() == Some(*field) || check(&filled).is_ok()
        })
    }

    /// The secrets that it refers to, by field.
    pub(super) fn secrets(
        &self,
        kind_fields: &'static [Field],
    ) -> impl Iterator<Item = (&'static str, &Value)> {
        let secret = kind_fields.iter().filter(|field| field.is_secret());
        secret.filter_map(|field| Some((field.name, self.fields.get(field.name)?)))
    }
}

/// A value in a sentence, cut short.
pub(super) fn plain(value: &Value) -> String {
    const LONGEST: usize = 100;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whether the file takes these fields as an entry of the kind.
pub(super) fn check(kind: Kind, fields: &Fields) -> Result<(), Refusal> {
    let mut track = serde_path_to_error::Track::new();
    let value = Value::Object(fields.clone());
    let read = kind.deserialize(serde_path_to_error::Deserializer::new(value, &mut track));
    let mut spec = read.map_err(|error| {
        let path = track.path();
        let field = path.iter().next().and_then(|segment| match segment {
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        // As the file's own reader says it.
        Refusal { field, why: error.to_string().replace("unknown variant", "unknown value") }
    })?;
    let mut refusal = None;
    spec.check(&mut |finding| {
        if finding.severity == Severity::Error && refusal.is_none() {
            let field = Some(finding.field).filter(|field| !field.is_empty()).map(str::to_owned);
            refusal = Some(Refusal { field, why: finding.message });
        }
    });
    refusal.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::aws::Aws;

    const FIELDS: &[Field] = &[
        Field::updatable("name").identifying(),
        Field::updatable("authentication_key").secret(),
        Field::updatable("passphrase").secret().optional(),
        Field::updatable("tenant_name").write_only(),
        Field::updatable("description"),
        Field::updatable("regions"),
        Field::updatable("run_frequency"),
    ];

    fn entry(live: &LiveObject) -> Entry {
        let address = Address::new(Kind::Aws, "a");
        Entry::new(live, address, FIELDS, &mut |address, field| format!("{}_{field}", address.name))
    }

    fn live() -> LiveObject {
        let spec = Aws {
            name: "a".to_owned(),
            description: Some("d".to_owned()),
            run_frequency: Some(crate::resource::RunFrequency::from_minutes(5)),
            ..Aws::default()
        };
        let mut live = LiveObject::new("7", spec);
        live.unreadable.insert("regions", "all".into());
        live
    }

    fn said(entry: &Entry) -> Vec<(&str, &str)> {
        entry.left_out.iter().map(|left_out| (left_out.field.as_str(), left_out.why.as_str())).collect()
    }

    #[test]
    fn secrets_are_references_and_what_is_never_shown_is_told() {
        let entry = entry(&live());
        assert_eq!(
            Value::Object(entry.fields.clone()),
            json!({"name": "a", "authentication_key": {"env": "a_authentication_key"}, "description": "d",
                "run_frequency": "5m"})
        );
        assert_eq!(entry.advised, [("passphrase", json!({"env": "a_passphrase"}))]);
        assert_eq!(
            said(&entry),
            [
                ("tenant_name", "sent to the platform, and never shown by it"),
                ("regions", "the platform does not show it; it is not all"),
            ]
        );
        assert_eq!(entry.secrets(FIELDS).map(|(field, _)| field).collect::<Vec<_>>(), ["authentication_key"]);
    }

    #[test]
    fn what_the_file_would_refuse_is_left_out_field_by_field() {
        let mut entry = entry(&live());
        entry.settle(FIELDS, &|fields| {
            let refused =
                ["run_frequency", "description"].into_iter().find(|field| fields.contains_key(*field));
            refused
                .map_or(Ok(()), |field| Err(Refusal { field: Some(field.to_owned()), why: "no".to_owned() }))
        });
        assert_eq!(entry.withheld, None);
        assert_eq!(said(&entry)[2..], [("run_frequency", "no"), ("description", "no")]);
        assert_eq!(entry.left_out[2].value, Some(json!("5m")));
        assert_eq!(entry.fields.keys().collect::<Vec<_>>(), ["name", "authentication_key"]);
    }

    #[test]
    fn an_object_whose_identity_is_refused_is_withheld_whole() {
        for (field, why) in [(Some("name"), "name: no"), (None, "no"), (Some("unheard_of"), "unheard_of: no")]
        {
            let mut entry = entry(&live());
            let refusal = Refusal { field: field.map(str::to_owned), why: "no".to_owned() };
            entry.settle(FIELDS, &|_| Err(refusal.clone()));
            assert_eq!(entry.withheld.as_deref(), Some(why));
            assert!(entry.fields.contains_key("run_frequency"), "the comment shows all of it");
        }
    }

    #[test]
    fn what_the_file_needs_and_the_platform_never_shows_is_to_be_filled_in() {
        let mut entry = entry(&live());
        entry.settle(FIELDS, &|fields| {
            fields
                .contains_key("tenant_name")
                .then_some(())
                .ok_or(Refusal { field: None, why: "no".to_owned() })
        });
        assert_eq!(entry.withheld, None);
        assert_eq!(entry.fields["tenant_name"], FILL_IN);
        assert_eq!(entry.left_out.iter().filter(|left_out| left_out.field == "tenant_name").count(), 1);
    }

    #[test]
    fn the_field_that_a_kind_refuses_is_found() {
        let arn = json!("arn:aws:iam::123456789012:role/Q");
        for (fields, refused) in [
            (json!({"name": "a", "arn": arn}), None),
            (json!({"name": "a", "arn": arn, "run_frequency": "5m"}), Some(Some("run_frequency"))),
            (json!({"name": "a", "arn": arn, "capabilities": ["AI", "X YZ"]}), Some(Some("capabilities"))),
            (json!({"name": "a", "arn": arn, "tags": ["#12"]}), Some(Some("tags"))),
            (json!({"name": "a", "arn": arn, "description": "x [trueup:me]"}), Some(Some("description"))),
            (json!({"name": "", "arn": arn}), Some(Some("name"))),
            (json!({"name": "a", "arn": "no"}), Some(Some("arn"))),
            (json!({"name": "a"}), Some(None)),
        ] {
            let Value::Object(fields) = fields else { unreachable!() };
            let found = check(Kind::Aws, &fields).err().map(|refusal| refusal.field);
            assert_eq!(found, refused.map(|field| field.map(str::to_owned)), "{fields:?}");
        }
    }
}
