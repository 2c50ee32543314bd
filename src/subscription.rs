//! Which subscription facts belong to. Ids, identities and listings of one say nothing of another.

use std::fmt;

/// A subscription of the platform, as far as it is told apart from others: by its id where the platform sends that, else
/// by the API host and the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id, where the platform has told it.
    pub id: Option<String>,
    /// The API server: host and port, and the path below which it answers.
    pub host: String,
    /// A digest of the user's name.
    pub login: String,
}

impl Subscription {
    /// Whether two ids are the same. The vendor's own samples put the hyphens of a UUID in other places.
    #[must_use]
    pub fn same_id(one: &str, other: &str) -> bool {
        digits(one) == digits(other)
    }
}

/// The host, which people know, and the id.
impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Subscription { id, host, login: _ } = self;
        match id {
            Some(id) => write!(f, "{host} (subscription {id})"),
            None => f.write_str(host),
        }
    }
}

fn digits(uuid: &str) -> String {
    uuid.chars().filter(|character| *character != '-').collect::<String>().to_ascii_lowercase()
}
