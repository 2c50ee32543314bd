//! The one account. Its password can change while clients use it.

use std::sync::{Mutex, PoisonError};

/// A name and its password of today.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) username: String,
    password: Mutex<String>,
}

impl Account {
    pub(crate) const fn new(username: String, password: String) -> Self {
        Self { username, password: Mutex::new(password) }
    }

    /// Whether somebody who says so may come in.
    pub(crate) fn accepts(&self, username: &str, password: &str) -> bool {
        let known = self.password.lock().unwrap_or_else(PoisonError::into_inner);
        username == self.username && password == known.as_str()
    }

    /// The earlier password is wrong from now on. Tokens that it bought stay good.
    pub(crate) fn change_password(&self, password: String) {
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = password;
    }
}
