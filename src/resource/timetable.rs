//! When what an object describes runs next. It depends on the clock, so it is told to people and programs beside
//! a plan, and is no part of one.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::registry_schedule::ImageScan;
use super::{QuartzCron, Schedule, ZonedCron};

/// The schedule that an object bears, in whichever form its kind has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timetable<'a> {
    /// A scan, every day or on days of the week, in a zone of its own.
    Scan(&'a Schedule),
    /// A cron expression. The zone that the platform means is documented nowhere.
    Cron(&'a QuartzCron),
    /// A cron schedule of ours, in its zone.
    Zoned(&'a ZonedCron),
    /// A scan of a registry's images, every so many days, in UTC.
    Images(ImageScan),
}

impl<'a> Timetable<'a> {
    /// How many runs of a cron expression are told: fewer would not show its rhythm.
    const RUNS: usize = 3;

    /// What [`Timetable::describe`] gives, in a word or two.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Timetable::Scan(_) | Timetable::Images(_) => "next run",
            Timetable::Cron(_) | Timetable::Zoned(_) => "next runs",
        }
    }

    /// The same with what it leaves to the schedule that was there before filled in.
    #[must_use]
    pub fn over(self, before: Option<Timetable<'a>>) -> Timetable<'a> {
        match (self, before) {
            (Timetable::Images(scan), Some(Timetable::Images(before))) => {
                Timetable::Images(scan.over(before))
            }
            (timetable, _) => timetable,
        }
    }

    /// The next runs: of a scan one, of a cron expression three; of the platform's as if it were meant in UTC. `None` where parts
    /// of the schedule are missing, or decided elsewhere.
    #[must_use]
    pub fn next_runs(self, now: Timestamp) -> Option<Vec<Zoned>> {
        match self {
            Timetable::Scan(schedule) => schedule.next_run(now).map(|run| vec![run]),
            Timetable::Cron(cron) => Some(cron.next_runs(now, &TimeZone::UTC, Timetable::RUNS)),
            Timetable::Zoned(cron) => {
                let runs = std::iter::successors(cron.after(now), |run| cron.after(*run));
                Some(runs.take(Timetable::RUNS).map(|run| run.to_zoned(cron.time_zone())).collect())
            }
            Timetable::Images(scan) => scan.next_run(now).map(|run| vec![run]),
        }
    }

    /// The next runs in words, or the rhythm where they cannot be told; `None` where parts of the schedule are missing.
    #[must_use]
    pub fn describe(self, now: Timestamp) -> Option<String> {
        let Some(runs) = self.next_runs(now) else { return self.rhythm() };
        let shown: Vec<String> = runs
            .iter()
            .map(|run| {
                let form = if run.second() == 0 { "%a %Y-%m-%d %H:%M" } else { "%a %Y-%m-%d %H:%M:%S" };
                run.strftime(form).to_string()
            })
            .collect();
        let zone = match self {
            _ if shown.is_empty() => return Some("none any more".to_owned()),
            Timetable::Scan(schedule) => schedule.timezone.as_ref()?.as_str(),
            Timetable::Cron(_) => "if UTC",
            Timetable::Zoned(cron) => cron.zone(),
            Timetable::Images(_) => "UTC",
        };
        Some(format!("{} {zone}", shown.join(", ")))
    }

    /// What is known of a schedule whose next run depends on what the file does not say.
    #[must_use]
    pub fn rhythm(self) -> Option<String> {
        match self {
            Timetable::Images(scan) => scan.rhythm(),
            Timetable::Scan(_) | Timetable::Cron(_) | Timetable::Zoned(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Resource;
    use super::super::registry_schedule::RegistrySchedule;
    use super::*;

    #[test]
    fn next_runs_are_told_with_the_zone_that_they_are_in() {
        let now = "2026-11-21T20:40:12Z".parse().unwrap();
        for (cron, told) in [
            ("0 0 2 ? * * *", "Sun 2026-11-22 02:00, Mon 2026-11-23 02:00, Tue 2026-11-24 02:00 if UTC"),
            ("30 0 2 1 1 ? 2027-2028", "Fri 2027-01-01 02:00:30, Sat 2028-01-01 02:00:30 if UTC"),
            ("0 0 2 ? * * 2025", "none any more"),
        ] {
            let cron: QuartzCron = cron.parse().unwrap();
            assert_eq!(Timetable::Cron(&cron).describe(now).as_deref(), Some(told));
        }
        let whole = serde_json::json!({
            "recurrence": "WEEKLY", "days": ["SUN"], "start_date": "2031-12-01", "start_time": "15:45",
            "timezone": "Africa/Cairo"
        });
        let scan: Schedule = serde_json::from_value(whole).unwrap();
        let told = Timetable::Scan(&scan).describe(now);
        assert_eq!(told.as_deref(), Some("Sun 2031-12-07 15:45 Africa/Cairo"));
        assert_eq!(Timetable::Scan(&Schedule::default()).describe(now), None);
    }

    #[test]
    fn of_a_registry_the_next_scan_is_told_or_what_is_known_of_it() {
        // A Saturday.
        let now = "2026-11-21T20:40:12Z".parse().unwrap();
        let unknown = "which days is not known: they count from when it was made";
        for (fields, told) in [
            (
                serde_json::json!({"at": "09:30", "every_days": 1}),
                Some("Sun 2026-11-22 09:30 UTC".to_owned()),
            ),
            (
                serde_json::json!({"at": "20:41", "every_days": 1}),
                Some("Sat 2026-11-21 20:41 UTC".to_owned()),
            ),
            (
                serde_json::json!({"at": "20:40", "every_days": 1}),
                Some("Sun 2026-11-22 20:40 UTC".to_owned()),
            ),
            (
                serde_json::json!({"at": "09:30", "every_days": 7, "week_day": "SATURDAY"}),
                Some("Sat 2026-11-28 09:30 UTC".to_owned()),
            ),
            (
                serde_json::json!({"at": "21:00", "every_days": 7, "week_day": "SATURDAY"}),
                Some("Sat 2026-11-21 21:00 UTC".to_owned()),
            ),
            (
                serde_json::json!({"at": "09:30", "every_days": 7, "week_day": "THURSDAY"}),
                Some("Thu 2026-11-26 09:30 UTC".to_owned()),
            ),
            (
                serde_json::json!({"at": "09:30", "every_days": 3}),
                Some(format!("every 3 days at 09:30 UTC; {unknown}")),
            ),
            (
                serde_json::json!({"at": "09:30"}),
                Some("at 09:30 UTC, on the days that the platform has".to_owned()),
            ),
            (serde_json::json!({"every_days": 3}), None),
            (serde_json::json!({}), None),
            (serde_json::json!({"at": "09:30", "every_days": 1, "on_demand": true}), None),
        ] {
            let mut whole = fields.clone();
            let more =
                serde_json::json!({"registry": {"name": "shop"}, "name": "n", "filters": [{"repo": "r"}]});
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let spec: RegistrySchedule = serde_json::from_value(whole).unwrap();
            assert_eq!(spec.schedule().and_then(|schedule| schedule.describe(now)), told, "{fields}");
        }
    }
}
