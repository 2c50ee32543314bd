//! Times as the services write them.

use jiff::{SignedDuration, Timestamp};

/// `2023-05-17T07:35:36.638+00:00`, so many minutes from now.
pub(crate) fn stamp(minutes: u64) -> String {
    let minutes = i64::try_from(minutes).unwrap_or(0);
    let now = Timestamp::now();
    let time = now.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(now);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// Milliseconds since 1970, as a text.
pub(crate) fn milliseconds_text() -> String {
    milliseconds().to_string()
}

/// Milliseconds since 1970.
pub(crate) fn milliseconds() -> i64 {
    Timestamp::now().as_millisecond()
}
