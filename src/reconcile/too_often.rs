//! What a pull took, and whether the platform allows as many calls as the daemon's passes take.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::daemon::schedule::Schedule;
use crate::desired::settings::Reconcile;
use crate::plan::{Plan, Warning};
use crate::qualys::{Rate, Reader, Spent};
use crate::span::span;

/// A schedule whose passes alone take all calls that the platform allows, or more.
#[derive(Debug, Clone, PartialEq)]
pub struct TooOften {
    every: Option<Duration>,
    /// Passes in a window of the limit.
    passes: f64,
    /// Calls of a pull.
    calls: u64,
    rate: Rate,
}

/// Counts the requests of a pull.
pub(super) struct Meter<'a> {
    reader: &'a Reader,
    reads: u64,
    spent: Vec<Spent>,
}

impl<'a> Meter<'a> {
    /// Counts from now on.
    pub(super) fn new(reader: &'a Reader) -> Meter<'a> {
        Meter { reader, reads: reader.requests().reads, spent: reader.spent() }
    }

    /// Writes into the plan what the pull took, with a warning where the settings want more of them than are allowed.
    pub(super) fn charge(self, plan: &mut Plan, settings: &Reconcile, now: Timestamp) -> Option<TooOften> {
        let Meter { reader, reads, spent } = self;
        plan.cost.calls_to_pull = reader.requests().reads - reads;
        plan.cost.quota_left = reader.quota_left();
        let too_often = too_often(&Schedule::from(settings), &spent, &reader.spent(), now);
        plan.warnings.extend(too_often.as_ref().map(TooOften::to_string).map(Warning::from));
        too_often
    }
}

/// What a pull was charged, by the counts of each server before and after it, against how often one is to be made.
fn too_often(schedule: &Schedule, before: &[Spent], after: &[Spent], now: Timestamp) -> Option<TooOften> {
    let of = |(before, after): (&Spent, &Spent)| {
        let (calls, rate) = (after.sent.saturating_sub(before.sent), after.rate?);
        let passes = schedule.passes_within(rate.window, now);
        let too_many = calls > 0 && passes * as_f64(calls) >= as_f64(rate.calls);
        too_many.then_some(TooOften { every: schedule.every(), passes, calls, rate })
    };
    before.iter().zip(after).find_map(of)
}

/// Counts of calls are far below what this rounds.
#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

impl fmt::Display for TooOften {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooOften { every, passes, calls, rate } = self;
        let per = match rate.window.as_secs() {
            60 => "a minute".to_owned(),
            3600 => "an hour".to_owned(),
            86_400 => "a day".to_owned(),
            _ => format!("in {}", span(rate.window)),
        };
        let schedule =
            every.map_or("the cron schedule".to_owned(), |every| format!("every: {}", span(every)));
        let total = passes * as_f64(*calls);
        // 4, or 2.4.
        let passes = format!("{passes:.1}");
        let passes = passes.strip_suffix(".0").unwrap_or(&passes);
        let allowed = rate.calls;
        write!(
            f,
            "{schedule} makes {passes} passes {per} of {calls} calls each = {total:.0} calls; the platform allows \
             {allowed} {per}: passes will wait, and nothing is left for writes"
        )?;
        if every.is_some() {
            // Whole minutes, where that says anything.
            let least = rate.window.as_secs_f64() * as_f64(*calls) / as_f64(allowed.max(1));
            let unit = if least > 60.0 { 60.0 } else { 1.0 };
            let least = Duration::from_secs_f64((least / unit).ceil() * unit);
            write!(f, "; raise reconcile.every to at least {}", span(least))
        } else {
            write!(f, "; let reconcile.cron come less often")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ZonedCron;

    fn spent(sent: u64, rate: Option<(u64, u64)>) -> Spent {
        let rate = rate.map(|(calls, seconds)| Rate { calls, window: Duration::from_secs(seconds) });
        Spent { sent, rate }
    }

    fn told(every: Option<u64>, cron: Option<&str>, calls: u64, rate: (u64, u64)) -> Option<String> {
        let cron = cron.map(|cron| ZonedCron::new(cron.parse().unwrap(), chrono_tz::UTC));
        let schedule = Schedule::new(every.map(Duration::from_secs), cron);
        // The second server allows as much as one likes.
        let before = [spent(1000, Some(rate)), spent(7, None)];
        let after = [spent(1000 + calls, Some(rate)), spent(9000, None)];
        let now = "2026-11-21T20:40:12Z".parse().unwrap();
        too_often(&schedule, &before, &after, now).map(|too_often| too_often.to_string())
    }

    #[test]
    fn passes_that_the_quota_cannot_pay_for_are_told_with_the_arithmetic() {
        assert_eq!(
            told(Some(900), None, 120, (300, 3600)).unwrap(),
            "every: 15m makes 4 passes an hour of 120 calls each = 480 calls; the platform allows 300 an hour: \
             passes will wait, and nothing is left for writes; raise reconcile.every to at least 24m"
        );
        assert_eq!(
            told(Some(1500), None, 200, (300, 3600)).unwrap(),
            "every: 25m makes 2.4 passes an hour of 200 calls each = 480 calls; the platform allows 300 an hour: \
             passes will wait, and nothing is left for writes; raise reconcile.every to at least 40m"
        );
        assert_eq!(
            told(Some(3600), None, 12, (50, 86_400)).unwrap(),
            "every: 1h makes 24 passes a day of 12 calls each = 288 calls; the platform allows 50 a day: \
             passes will wait, and nothing is left for writes; raise reconcile.every to at least 5h 46m"
        );
        assert_eq!(
            told(None, Some("0 */15 8-18 * * Mon-Fri *"), 120, (300, 3600)).unwrap(),
            "the cron schedule makes 4 passes an hour of 120 calls each = 480 calls; the platform allows 300 an \
             hour: passes will wait, and nothing is left for writes; let reconcile.cron come less often"
        );
    }

    #[test]
    fn what_the_quota_pays_for_is_not_told() {
        for (every, cron, calls, rate) in [
            (Some(900), None, 74, (300, 3600)),
            (Some(7200), None, 500, (300, 3600)),
            (None, Some("0 0 6 * * * *"), 290, (300, 3600)),
            (Some(900), None, 0, (300, 3600)),
        ] {
            assert_eq!(told(every, cron, calls, rate), None, "{every:?} {cron:?} {calls}");
        }
    }
}
