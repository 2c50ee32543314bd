//! Lengths of time as people write them.

use std::time::Duration;

/// A length of time as people write it, to the second: `1h 5m`, `12s`.
#[must_use]
pub fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_write_them() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (60, "1m"), (3600, "1h"), (3725, "1h 2m 5s")] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }
}
