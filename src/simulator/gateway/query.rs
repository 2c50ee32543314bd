//! Conditions in a parameter: `token:value`, several of them joined by `and`.

use super::refusal::Refusal;

/// What an object has to have.
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the text of a parameter; the tokens are those that it takes.
    pub(crate) fn read(parameter: &str, text: &str, tokens: &[&'static str]) -> Result<Self, Refusal> {
        let mut wanted = Vec::new();
        for part in split(text) {
            let Some((token, value)) = part.split_once(':') else {
                return Err(Refusal::bad(format!(
                    "Parameter '{parameter}' takes token:value, not '{part}'."
                )));
            };
            let Some(token) = tokens.iter().find(|known| **known == token.trim()) else {
                return Err(Refusal::bad(format!(
                    "Parameter '{parameter}' has no token '{}'; it has {}.",
                    token.trim(),
                    tokens.join(", ")
                )));
            };
            wanted.push((*token, value.trim().trim_matches(['"', '\'', '`']).to_owned()));
        }
        Ok(Self(wanted))
    }

    /// Whether an object has it all; the function tells what it has for a token.
    pub(crate) fn takes(&self, has: impl Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|(token, wanted)| has(token).as_ref() == Some(wanted))
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
