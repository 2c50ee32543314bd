//! What must not be repeated from the platform's words. It grows: a token is known only when it was given, an
//! object's secret only when it is to be written.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use crate::secret::{Redactor, Secret};

/// Takes the secrets learnt so far out of texts.
#[derive(Debug, Default)]
pub(super) struct Guard(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    lasting: Redactor,
    /// Each has many spellings, and a daemon gets new ones for ever: those that ended long ago are let go.
    tokens: VecDeque<Redactor>,
}

impl Guard {
    /// How many tokens are remembered.
    const TOKENS: usize = 4;

    pub(super) fn new(user: &Secret, password: &Secret) -> Guard {
        let mut lasting = Redactor::default();
        lasting.add_pair(user.expose(), password);
        Guard(RwLock::new(Known { lasting, tokens: VecDeque::new() }))
    }

    /// The same secrets come with every pass; those that are known cost little.
    pub(super) fn learn<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        self.write().lasting.add_all(secrets);
    }

    pub(super) fn learn_token(&self, token: &Secret) {
        let mut known = self.write();
        known.tokens.push_front(Redactor::new([token]));
        known.tokens.truncate(Guard::TOKENS);
    }

    pub(super) fn redact(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.tokens.iter().fold(known.lasting.redact(text), |text, token| token.redact(&text))
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_learnt_later_are_taken_out_too() {
        let guard = Guard::new(&Secret::new("user"), &Secret::new("password"));
        let text = "password, t0ken-0, t0ken-9 and k3y-material";
        assert_eq!(guard.redact(text), "[redacted], t0ken-0, t0ken-9 and k3y-material");
        guard.learn([&Secret::new("k3y-material")]);
        for number in 0..10 {
            guard.learn_token(&Secret::new(format!("t0ken-{number}")));
        }
        assert_eq!(guard.redact(text), "[redacted], t0ken-0, [redacted] and [redacted]");
    }
}
