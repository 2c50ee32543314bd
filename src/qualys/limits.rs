//! Rate limits: what the headers of an answer say.
//!
//! The vendor's API limits document names `X-RateLimit-*` and `X-Concurrency-Limit-*`; the recorded answers of
//! the connector API carry none of them, and the gateway a few. So each may be missing.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use super::quota::Told;

/// The longest wait that a header is believed to ask for; quotas are counted by the hour or by the day. Headers
/// are remote text: a larger number must not overflow a clock.
const LONGEST_WAIT: Duration = Duration::from_hours(48);

/// What one answer says of the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// How many calls a window takes.
    limit: Option<u64>,
    /// The length of the window.
    window: Option<Duration>,
    /// Calls left in the window.
    pub(super) remaining: Option<u64>,
    /// How long the platform asks to wait; zero is as good as nothing.
    pub(super) wait: Option<Duration>,
    /// Whether that may have been rounded down to whole seconds: unlike `Retry-After`, `X-RateLimit-ToWait-Sec` is
    /// what is left of a wait, not when to come back.
    pub(super) wait_is_rounded: bool,
    /// How many calls may be under way at once.
    pub(super) concurrency: Option<usize>,
    running: Option<usize>,
}

impl Limits {
    pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Limits {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |names: &[&str]| names.iter().find_map(|name| text(name)?.parse::<u64>().ok());
        let count = |names: &[&str]| number(names).and_then(|number| usize::try_from(number).ok());
        let to_wait = number(&["x-ratelimit-towait-sec"]).map(Duration::from_secs);
        let retry_after = || {
            let text = text("retry-after")?;
            match text.parse::<u64>() {
                Ok(seconds) => Some(Duration::from_secs(seconds)),
                Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
            }
        };
        let to_wait = to_wait.filter(|wait| !wait.is_zero());
        let window = number(&["x-ratelimit-window-sec"]).map(Duration::from_secs);
        Limits {
            limit: number(&["x-ratelimit-limit"]).filter(|limit| *limit > 0),
            window: window.filter(|window| !window.is_zero()).map(|window| window.min(LONGEST_WAIT)),
            remaining: number(&["x-ratelimit-remaining"]),
            wait: to_wait
                .or_else(retry_after)
                .filter(|wait| !wait.is_zero())
                .map(|wait| wait.min(LONGEST_WAIT)),
            wait_is_rounded: to_wait.is_some(),
            // Both spellings are in the vendor's pages.
            concurrency: count(&["x-concurrency-limit-limit", "x-concurrencylimit-limit"]),
            running: count(&["x-concurrency-limit-running", "x-concurrencylimit-running"]),
        }
    }

    /// What the answer says of a quota, if it is about one.
    pub(super) fn told(&self) -> Option<Told> {
        Some(Told { limit: self.limit, remaining: self.remaining?, window: self.window })
    }

    /// Whether the headers say that nothing is left. A wait that is asked for without a word of what is left says so too.
    pub(super) fn exhausted(&self) -> bool {
        self.remaining == Some(0)
            || (self.remaining.is_none() && self.wait_is_rounded)
            || matches!((self.running, self.concurrency), (Some(running), Some(limit)) if running >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(headers: &[(&'static str, &str)]) -> Limits {
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Limits::read(&headers, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn the_wait_is_what_the_headers_say_first_the_platforms_own() {
        for (headers, seconds) in [
            (&[][..], None),
            (&[("x-ratelimit-towait-sec", "7")][..], Some(7)),
            (&[("x-ratelimit-towait-sec", "7"), ("retry-after", "3")][..], Some(7)),
            (&[("x-ratelimit-towait-sec", "0"), ("retry-after", "3")][..], Some(3)),
            (&[("retry-after", "Thu, 01 Jan 1970 00:01:00 GMT")][..], Some(60)),
            (&[("retry-after", "Wed, 31 Dec 1969 00:01:00 GMT")][..], None),
            (&[("retry-after", "soon")][..], None),
            (&[("retry-after", "0")][..], None),
            (&[("x-ratelimit-towait-sec", "9223372036854775807")][..], Some(48 * 3600)),
            (&[("retry-after", "18446744073709551615")][..], Some(48 * 3600)),
        ] {
            assert_eq!(limits(headers).wait, seconds.map(Duration::from_secs), "{headers:?}");
        }
    }

    #[test]
    fn nothing_is_left_when_calls_or_places_are_used_up() {
        for (headers, exhausted) in [
            (&[][..], false),
            (&[("x-ratelimit-remaining", "0")][..], true),
            (&[("x-ratelimit-remaining", "1")][..], false),
            (&[("x-ratelimit-towait-sec", "5")][..], true),
            (&[("x-ratelimit-towait-sec", "0")][..], false),
            (&[("x-ratelimit-towait-sec", "5"), ("x-ratelimit-remaining", "12")][..], false),
            (&[("retry-after", "5")][..], false),
            (&[("x-concurrency-limit-limit", "2"), ("x-concurrency-limit-running", "2")][..], true),
            (&[("x-concurrencylimit-limit", "2"), ("x-concurrencylimit-running", "1")][..], false),
        ] {
            assert_eq!(limits(headers).exhausted(), exhausted, "{headers:?}");
        }
    }
}
