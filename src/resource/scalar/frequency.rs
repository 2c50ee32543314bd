//! How often a connector runs.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// How often a connector runs, in minutes. The file says `4h`, `90m` or a number of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunFrequency {
    minutes: u32,
}

impl RunFrequency {
    /// Minutes as the platform gives them: any value, since others may have set it.
    #[must_use]
    pub const fn from_minutes(minutes: u32) -> RunFrequency {
        RunFrequency { minutes }
    }

    /// The number of minutes.
    #[must_use]
    pub const fn minutes(self) -> u32 {
        self.minutes
    }

    /// The steps that the vendor's own tools offer, in minutes.
    pub const VENDOR_STEPS: [u32; 8] = [60, 120, 180, 240, 360, 480, 720, 1440];

    /// Of a connector: the Connectors guide gives no limits; 1 to 24 hours are those of the vendor's user interface.
    const MOST: Bound = Bound { minutes: 1440, shown: "24h" };

    /// A frequency that the file may ask for.
    fn asked(minutes: u64, written: &str, most: Bound) -> Result<RunFrequency, String> {
        match u32::try_from(minutes) {
            Ok(minutes) if (60..=most.minutes).contains(&minutes) => Ok(RunFrequency { minutes }),
            _ => Err(format!("run frequency {written} is outside 1h to {}", most.shown)),
        }
    }

    fn parse(text: &str, most: Bound) -> Result<RunFrequency, String> {
        let wrong = || format!("`{text}` is no run frequency: expected hours or minutes, as in 4h or 90m");
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return RunFrequency::asked(text.parse().map_err(|_| wrong())?, &format!("{text}m"), most);
        }
        if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
            return RunFrequency::asked(u64::from(days) * 1440, text, most);
        }
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        if span.as_secs() % 60 != 0 || span.subsec_nanos() != 0 || span.as_secs() < 0 {
            return Err(format!("run frequency `{text}` is not a whole number of minutes"));
        }
        RunFrequency::asked(span.as_secs().unsigned_abs() / 60, text, most)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, most: Bound) -> Result<RunFrequency, D::Error> {
        struct Expected(Bound);
        impl Visitor<'_> for Expected {
            type Value = RunFrequency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a run frequency (4h, 90m, or minutes as a number)")
            }

            fn visit_u64<E: de::Error>(self, minutes: u64) -> Result<RunFrequency, E> {
                RunFrequency::asked(minutes, &format!("{minutes}m"), self.0).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RunFrequency, E> {
                RunFrequency::parse(text, self.0).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Expected(most))
    }
}

/// The longest that a frequency may be.
#[derive(Debug, Clone, Copy)]
struct Bound {
    minutes: u32,
    shown: &'static str,
}

/// How often an organization connector, or each of its members, runs: up to seven days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrganizationFrequency(pub RunFrequency);

impl OrganizationFrequency {
    /// The same, rounded up to whole days, as the platform does since Connector 2.14 (January 2026).
    #[must_use]
    pub const fn in_days(self) -> OrganizationFrequency {
        let OrganizationFrequency(RunFrequency { minutes }) = self;
        OrganizationFrequency(RunFrequency { minutes: minutes.div_ceil(1440) * 1440 })
    }
}

impl<'de> Deserialize<'de> for OrganizationFrequency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrganizationFrequency, D::Error> {
        // Release notes of 2.14: longer ones are refused, and days may be what is counted.
        RunFrequency::read(deserializer, Bound { minutes: 7 * 1440, shown: "7d" }).map(OrganizationFrequency)
    }
}

impl fmt::Display for RunFrequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            minutes if minutes != 0 && minutes.is_multiple_of(60) => write!(f, "{}h", minutes / 60),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

impl Serialize for RunFrequency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunFrequency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RunFrequency, D::Error> {
        RunFrequency::read(deserializer, RunFrequency::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::scalar::read;

    #[test]
    fn run_frequencies_have_one_normal_form() {
        for (written, normal) in [
            (r#""4h""#, r#""4h""#),
            (r#""240m""#, r#""4h""#),
            ("240", r#""4h""#),
            (r#""240""#, r#""4h""#),
            (r#""90m""#, r#""90m""#),
            (r#""1h30m""#, r#""90m""#),
            (r#""24h""#, r#""24h""#),
        ] {
            assert_eq!(read::<RunFrequency>(written).as_deref(), Ok(normal), "{written}");
        }
    }

    #[test]
    fn a_run_frequency_that_cannot_be_says_why() {
        for (written, why) in [
            (r#""30m""#, "run frequency 30m is outside 1h to 24h"),
            ("30", "run frequency 30m is outside 1h to 24h"),
            (r#""25h""#, "run frequency 25h is outside 1h to 24h"),
            (r#""often""#, "`often` is no run frequency"),
            (r#""3601s""#, "not a whole number of minutes"),
            (r#""-2h""#, "not a whole number of minutes"),
            ("true", "expected a run frequency"),
        ] {
            let error = read::<RunFrequency>(written).unwrap_err();
            assert!(error.contains(why), "{written}: {error}");
        }
    }
}
