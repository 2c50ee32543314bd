//! A change of an object in the terms of its kind, for what it takes to make it.

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
