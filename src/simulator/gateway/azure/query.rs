//! The list's `query`: `token:value`, several of them joined by `and`.

use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::store::Record;

const TOKENS: &[&str] = &[
    "id",
    "name",
    "description",
    "status",
    "remediationEnabled",
    "isEnabled",
    "organizationId",
    "tenantId",
    "applicationId",
];

/// What a connector has to have.
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let mut wanted = Vec::new();
        for part in split(text) {
            let Some((token, value)) = part.split_once(':') else {
                return Err(Refusal::bad(format!("Parameter 'query' takes token:value, not '{part}'.")));
            };
            let Some(token) = TOKENS.iter().find(|known| **known == token.trim()) else {
                return Err(Refusal::bad(format!(
                    "Parameter 'query' has no token '{}'; it has {}.",
                    token.trim(),
                    TOKENS.join(", ")
                )));
            };
            wanted.push((*token, value.trim().trim_matches(['"', '\'', '`']).to_owned()));
        }
        Ok(Self(wanted))
    }

    pub(super) fn takes(&self, record: &Record) -> bool {
        self.0.iter().all(|(token, wanted)| match *token {
            "id" => record.id.to_string() == *wanted,
            "remediationEnabled" => record.flag("isRemediationEnabled").to_string() == *wanted,
            "isEnabled" => (!record.flag("disabled")).to_string() == *wanted,
            "status" => record.text("state") == Some(wanted),
            field => record.text(field) == Some(wanted),
        })
    }
}

/// The parts between the words `and` that stand outside of quotes.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut quote) = (Vec::new(), String::new(), None);
    for word in text.split_inclusive(' ') {
        if quote.is_none() && word.trim().eq_ignore_ascii_case("and") {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        for letter in word.chars().filter(|letter| matches!(letter, '"' | '\'' | '`')) {
            match quote {
                None => quote = Some(letter),
                Some(open) if open == letter => quote = None,
                Some(_) => {}
            }
        }
        part.push_str(word);
    }
    parts.push(part);
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}
