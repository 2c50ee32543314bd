//! Rate limits: what the headers say, and the gate that all requests pass.
//!
//! The vendor's API limits document names `X-RateLimit-*` and `X-Concurrency-Limit-*`; the recorded answers of
//! the connector API carry none of them, and the gateway a few. So each may be missing.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

/// The longest wait that a header is believed to ask for; quotas are counted by the hour or by the day. Headers
/// are remote text: a larger number must not overflow a clock.
const LONGEST_WAIT: Duration = Duration::from_hours(48);

/// What one answer says of the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Calls left in the window.
    pub(super) remaining: Option<u64>,
    /// How long the platform asks to wait; zero is as good as nothing.
    pub(super) wait: Option<Duration>,
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
        Limits {
            remaining: number(&["x-ratelimit-remaining"]),
            wait: to_wait
                .filter(|wait| !wait.is_zero())
                .or_else(retry_after)
                .filter(|wait| !wait.is_zero())
                .map(|wait| wait.min(LONGEST_WAIT)),
            // Both spellings are in the vendor's pages.
            concurrency: count(&["x-concurrency-limit-limit", "x-concurrencylimit-limit"]),
            running: count(&["x-concurrency-limit-running", "x-concurrencylimit-running"]),
        }
    }

    /// Whether the headers say that nothing is left.
    pub(super) fn exhausted(&self) -> bool {
        self.remaining == Some(0)
            || matches!((self.running, self.concurrency), (Some(running), Some(limit)) if running >= limit)
    }
}

/// Closed while the platform has asked to wait. One gate for all requests of a client: the quota is shared.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

impl Gate {
    /// Keeps all requests back for that long.
    pub(super) fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_WAIT);
        let mut gate = self.lock();
        *gate = Some(gate.map_or(until, |earlier| earlier.max(until)));
    }

    /// How long the gate stays closed; `None` if it is open.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        let mut gate = self.lock();
        let left = gate.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            *gate = None;
            return None;
        }
        left
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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
            (&[("x-concurrency-limit-limit", "2"), ("x-concurrency-limit-running", "2")][..], true),
            (&[("x-concurrencylimit-limit", "2"), ("x-concurrencylimit-running", "1")][..], false),
        ] {
            assert_eq!(limits(headers).exhausted(), exhausted, "{headers:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_gate_stays_closed_for_the_longest_wait_that_was_asked() {
        let gate = Gate::default();
        assert_eq!(gate.closed_for(), None);
        gate.close_for(Duration::from_mins(1));
        gate.close_for(Duration::from_secs(5));
        assert_eq!(gate.closed_for(), Some(Duration::from_mins(1)));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(gate.closed_for(), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(gate.closed_for(), None);
    }
}
