//! A change of an object in the terms of its kind, for what it takes to make it.

use serde_json::Value;

use super::{Field, Resource};

/// What is to be done to an object; as `T`, the specs around it.
#[derive(Debug)]
pub enum Edit<'a, T> {
    /// It is made.
    Create(&'a T),
    /// These fields of it are written.
    Update {
        /// As it is.
        before: Option<&'a T>,
        /// As it is to be.
        after: &'a T,
        /// The names of the fields.
        fields: &'a [&'a str],
    },
    /// It is deleted.
    Delete {
        /// Whether something of it runs, or waits to.
        running: bool,
    },
}

impl<T: Resource> Edit<'_, T> {
    /// The fields that go by themselves, each in an update of its own: behind a create those that it sets.
    #[must_use]
    pub fn apart(&self) -> Vec<&'static str> {
        let apart = |create: bool| T::FIELDS.iter().filter(move |field| field.sent.is_apart(create));
        match self {
            Edit::Delete { running: _ } => Vec::new(),
            Edit::Update { before: _, after: _, fields } => {
                apart(false).map(|field| field.name).filter(|name| fields.contains(name)).collect()
            }
            // Most kinds have none, and there are many objects.
            Edit::Create(_) if apart(true).next().is_none() => Vec::new(),
            Edit::Create(spec) => {
                let spec = serde_json::to_value(spec).unwrap_or_default();
                // What is empty is so without being sent.
                let is_set = |field: &&Field| match spec.get(field.name) {
                    None | Some(Value::Null) => false,
                    Some(Value::Array(items)) => !items.is_empty(),
                    Some(_) => true,
                };
                apart(true).filter(is_set).map(|field| field.name).collect()
            }
        }
    }

    /// How many writing requests it takes, where the kind needs none but those of its fields.
    pub(super) fn requests(&self) -> usize {
        let apart = self.apart().len();
        match self {
            Edit::Create(_) => 1 + apart,
            Edit::Update { before: _, after: _, fields } => apart + usize::from(fields.len() > apart),
            Edit::Delete { running: _ } => 1,
        }
    }
}

impl<'a, T> Edit<'a, T> {
    /// The same in the type of the kind; `None` where a spec is another kind's.
    pub(super) fn narrow<S>(&self, narrow: impl Fn(&'a T) -> Option<&'a S>) -> Option<Edit<'a, S>> {
        Some(match *self {
            Edit::Create(after) => Edit::Create(narrow(after)?),
            Edit::Update { before, after, fields } => {
                Edit::Update { before: before.and_then(&narrow), after: narrow(after)?, fields }
            }
            Edit::Delete { running } => Edit::Delete { running },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::{Kind, Spec};

    fn spec(kind: Kind, fields: &Value) -> Spec {
        kind.deserialize(fields.clone()).unwrap()
    }

    #[test]
    fn what_goes_by_itself_is_a_request_more() {
        let gcp = json!({"name": "a", "project_id": "analytics-208707", "tags": ["t"], "activation": ["VM"]});
        let oci =
            json!({"name": "a", "tenant_id": "ocid1.tenancy.oc1..a", "tags": ["t"], "run_frequency": "4h"});
        let aws = json!({"name": "a", "arn": "arn:aws:iam::123456789012:role/Q", "tags": ["t"], "activation": ["VM"]});
        for (kind, fields, create, updates) in [
            (Kind::Aws, aws, 1, &[(&["name", "tags"][..], 1)][..]),
            (
                Kind::Gcp,
                gcp,
                3,
                &[
                    (&["name"], 1),
                    (&["tags"], 1),
                    (&["name", "tags"], 2),
                    (&["activation", "name", "tags"], 3),
                ],
            ),
            (
                Kind::Oci,
                oci,
                2,
                &[(&["name", "tags"], 1), (&["run_frequency"], 1), (&["name", "run_frequency"], 2)],
            ),
        ] {
            let whole = spec(kind, &fields);
            assert_eq!(kind.writes(&Edit::Create(&whole)), create, "{kind}");
            let mut empty = fields.clone();
            (empty["tags"], empty["activation"]) = (json!([]), json!([]));
            empty.as_object_mut().unwrap().retain(|name, _| kind.field(name).is_some());
            assert_eq!(
                kind.writes(&Edit::Create(&spec(kind, &empty))),
                1,
                "{kind}: what is empty is not sent"
            );
            for (fields, writes) in updates {
                let update = Edit::Update { before: None, after: &whole, fields };
                assert_eq!(kind.writes(&update), *writes, "{kind}: {fields:?}");
            }
            assert_eq!(kind.writes(&Edit::Delete { running: false }), 1, "{kind}");
        }
    }
}
