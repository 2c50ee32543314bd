//! How patient we are with what takes the platform its time, a run or a report: how often it is looked at, and for how
//! long.

use std::time::Duration;

use tokio::time::Instant;

/// How often to look, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first pause between two looks; each is half as long again as the one before.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// How long the platform may show what was before, or not show what is.
    pub lag: Duration,
    /// When to give up.
    pub timeout: Duration,
}

/// The pauses between looks, up to a limit for all that lies between the first of them and the last.
#[derive(Debug)]
pub(crate) struct Pauses {
    pause: Duration,
    cap: Duration,
    began: Instant,
    /// The limit.
    pub(crate) limit: Duration,
}

impl Pauses {
    /// The pauses of something that is waited for from now on.
    pub(crate) fn new(pace: Pace, limit: Duration) -> Pauses {
        Pauses::since(Instant::now(), pace, limit)
    }

    /// The pauses of something that began then.
    pub(crate) fn since(began: Instant, pace: Pace, limit: Duration) -> Pauses {
        Pauses { pause: pace.first, cap: pace.cap, began, limit }
    }

    /// The next one; `None` where the time is over.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        let left = self.limit.checked_sub(self.began.elapsed()).filter(|left| !left.is_zero())?;
        let pause = self.pause.min(self.cap).min(left);
        self.pause = self.pause.mul_f64(1.5).min(self.cap);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_the_cap_and_end_with_the_time() {
        let second = Duration::from_secs(1);
        let pace = Pace { first: second, cap: 4 * second, lag: Duration::ZERO, timeout: Duration::ZERO };
        let mut pauses = Pauses::new(pace, Duration::from_secs(14));
        let mut found = Vec::new();
        while let Some(pause) = pauses.next() {
            found.push(pause.as_millis());
            tokio::time::sleep(pause).await;
        }
        assert_eq!(found[..5], [1000, 1500, 2250, 3375, 4000]);
        assert!(found.iter().sum::<u128>().abs_diff(14_000) < 10, "{found:?}");
    }
}
