//! What Prometheus scrapes. Callers say what happened; the types of the metrics library stay in here.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::status::PlanSummary;
use super::triggers::Trigger;
use crate::reconcile::PassOutcome as Outcome;
use crate::report::{Made, Outcome as ReportOutcome};
use crate::resource::{AssessmentReport, Checked};

/// Seconds. A pass over a small subscription takes one, a rate-limited one takes hours.
const PASS_BUCKETS: [f64; 11] = [0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

/// A request to the platform, as counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiRequest {
    /// The first try of a request that changes nothing.
    Read,
    /// The first try of a request that changes something.
    Write,
    /// A further try of either.
    Retry,
}

impl ApiRequest {
    /// Every type.
    pub const ALL: &'static [ApiRequest] = &[ApiRequest::Read, ApiRequest::Write, ApiRequest::Retry];

    /// The word in the label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ApiRequest::Read => "read",
            ApiRequest::Write => "write",
            ApiRequest::Retry => "retry",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PassLabels {
    trigger: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AppliedLabels {
    action: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct ExpectationLabels {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct ReportLabels {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReportOutcomeLabels {
    name: String,
    outcome: &'static str,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<PassLabels, Counter>,
    pass_duration: Histogram,
    changes: Family<ActionLabels, Gauge>,
    drifted: Gauge,
    held: Gauge,
    unmanaged: Gauge,
    unhealthy: Gauge,
    failed_kinds: Gauge,
    expectation: Family<ExpectationLabels, Gauge>,
    expectation_met: Family<ExpectationLabels, Gauge>,
    /// The expectations that are shown.
    counted: Mutex<BTreeSet<ExpectationLabels>>,
    reports: Family<ReportOutcomeLabels, Counter>,
    report_success: Family<ReportLabels, Gauge>,
    report_bytes: Family<ReportLabels, Gauge>,
    report_duration: Family<ReportLabels, Gauge<f64, AtomicU64>>,
    /// The reports that are shown.
    made: Mutex<BTreeSet<ReportLabels>>,
    applied: Family<AppliedLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    rate_limited: Counter<f64, AtomicU64>,
    last_success: Gauge,
    config_ok: Gauge,
}

impl Metrics {
    /// All at zero. `version` is what `trueup_build_info` says.
    #[must_use]
    pub fn new(version: &str) -> Metrics {
        let mut registry = Registry::with_prefix("trueup");
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: version.to_owned() }).set(1);
        registry.register("build_info", "The version that runs", build);
        let metrics = Metrics {
            passes: Family::default(),
            pass_duration: Histogram::new(PASS_BUCKETS),
            changes: Family::default(),
            drifted: Gauge::default(),
            held: Gauge::default(),
            unmanaged: Gauge::default(),
            unhealthy: Gauge::default(),
            failed_kinds: Gauge::default(),
            expectation: Family::default(),
            expectation_met: Family::default(),
            counted: Mutex::default(),
            reports: Family::default(),
            report_success: Family::default(),
            report_bytes: Family::default(),
            report_duration: Family::default(),
            made: Mutex::default(),
            applied: Family::default(),
            requests: Family::default(),
            rate_limited: Counter::default(),
            last_success: Gauge::default(),
            config_ok: Gauge::default(),
            registry,
        };
        metrics.register()
    }

    fn register(mut self) -> Metrics {
        // Destructured so that a metric that nobody registers fails to compile here.
        let Metrics {
            registry,
            passes,
            pass_duration,
            changes,
            drifted,
            held,
            unmanaged,
            unhealthy,
            failed_kinds,
            expectation,
            expectation_met,
            counted: _,
            reports,
            report_success,
            report_bytes,
            report_duration,
            made: _,
            applied,
            requests,
            rate_limited,
            last_success,
            config_ok,
        } = &mut self;
        // Counters get `_total` from the encoder.
        registry.register("passes", "Passes that ended", passes.clone());
        registry.register("pass_duration_seconds", "How long passes took", pass_duration.clone());
        registry.register("changes", "Changes in the last plan that no policy holds back", changes.clone());
        registry.register("drifted", "Objects of the last plan that drifted", drifted.clone());
        registry.register("held", "Changes in the last plan that a policy holds back", held.clone());
        registry.register("unmanaged", "Live objects that the file does not name", unmanaged.clone());
        registry.register("unhealthy", "Connectors that the platform reports errors of", unhealthy.clone());
        registry.register("failed_kinds", "Kinds that the last pass could not read", failed_kinds.clone());
        registry.register("expectation", "Assets that an expectation counted", expectation.clone());
        registry.register(
            "expectation_met",
            "1 while an expectation is met, 0 while it is not; none while nobody knows",
            expectation_met.clone(),
        );
        registry.register("reports", "Reports that ended, by how they ended", reports.clone());
        registry.register(
            "report_last_success_timestamp_seconds",
            "When a report was last made",
            report_success.clone(),
        );
        registry.register("report_bytes", "Size of the report that was made last", report_bytes.clone());
        registry.register(
            "report_duration_seconds",
            "How long the report that was made last took",
            report_duration.clone(),
        );
        registry.register("changes_applied", "Changes that were tried, by how they ended", applied.clone());
        registry.register("api_requests", "Requests to the platform", requests.clone());
        registry.register("rate_limited_seconds", "Time waited for rate limits", rate_limited.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "When a pass last ended without failure",
            last_success.clone(),
        );
        registry.register(
            "config_ok",
            "1 while the file on disk is in force, 0 while it is refused",
            config_ok.clone(),
        );
        // What is not there cannot be told from what is zero.
        for kind in ApiRequest::ALL {
            drop(requests.get_or_create(&RequestLabels { r#type: kind.word() }));
        }
        self.plan(&PlanSummary::default());
        self
    }

    /// A pass ended.
    pub fn pass(&self, trigger: Trigger, outcome: Outcome, duration: Duration) {
        self.passes.get_or_create(&PassLabels { trigger: trigger.word(), outcome: outcome.word() }).inc();
        self.pass_duration.observe(duration.as_secs_f64());
    }

    /// A pass ended without failure.
    pub fn succeeded(&self, at: Timestamp) {
        self.last_success.set(at.as_second());
    }

    /// What the last plan counts.
    pub fn plan(&self, summary: &PlanSummary) {
        let PlanSummary {
            create,
            update,
            replace,
            delete,
            held,
            unmanaged,
            unhealthy,
            failed,
            unchanged: _,
            unverified: _,
            live: _,
            declared: _,
        } = *summary;
        for (action, count) in
            [("create", create), ("update", update), ("replace", replace), ("delete", delete)]
        {
            self.changes.get_or_create(&ActionLabels { action }).set(gauge(count));
        }
        self.held.set(gauge(held));
        self.unmanaged.set(gauge(unmanaged));
        self.unhealthy.set(gauge(unhealthy));
        self.failed_kinds.set(gauge(failed));
    }

    /// How many objects of the last plan drifted.
    pub fn drifted(&self, count: u64) {
        self.drifted.set(gauge(count));
    }

    /// What came of the expectations in the last plan. One that could not be counted has no number, and neither has
    /// one that the file does not name any more.
    pub fn expectations(&self, checked: &[Checked]) {
        let mut counted = BTreeSet::new();
        for Checked { name, count, met, at_least: _, at_most: _, error: _ } in checked {
            let (Some(count), Some(met)) = (*count, *met) else { continue };
            let labels = ExpectationLabels { name: name.clone() };
            self.expectation.get_or_create(&labels).set(gauge(count));
            self.expectation_met.get_or_create(&labels).set(met.into());
            counted.insert(labels);
        }
        let mut shown = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.difference(&counted) {
            self.expectation.remove(gone);
            self.expectation_met.remove(gone);
        }
        *shown = counted;
    }

    /// A report has ended.
    pub fn report(&self, outcome: &ReportOutcome, at: Timestamp) {
        let ReportOutcome { name, id: _, result, took } = outcome;
        self.reports
            .get_or_create(&ReportOutcomeLabels { name: name.clone(), outcome: outcome.word() })
            .inc();
        let Ok(Made { file: _, bytes }) = result else { return };
        let labels = ReportLabels { name: name.clone() };
        self.report_success.get_or_create(&labels).set(at.as_second());
        self.report_bytes.get_or_create(&labels).set(gauge(*bytes));
        self.report_duration.get_or_create(&labels).set(took.as_secs_f64());
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(labels);
    }

    /// The file names these reports. What was last made of another is shown no longer: an alert on its age would never
    /// end.
    pub fn reports_loaded(&self, reports: &[AssessmentReport]) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|labels| {
            let is_named = reports.iter().any(|report| report.name == labels.name);
            if !is_named {
                self.report_success.remove(labels);
                self.report_bytes.remove(labels);
                self.report_duration.remove(labels);
            }
            is_named
        });
    }

    /// A change was tried: its action (`create`) and how it ended (`applied`, `failed`, `skipped`, `unknown`).
    pub fn change_applied(&self, action: &str, outcome: &str) {
        let labels = AppliedLabels { action: action.to_owned(), outcome: outcome.to_owned() };
        self.applied.get_or_create(&labels).inc();
    }

    /// That many requests were sent to the platform.
    pub fn api_requests(&self, kind: ApiRequest, count: u64) {
        self.requests.get_or_create(&RequestLabels { r#type: kind.word() }).inc_by(count);
    }

    /// A rate limit was waited for.
    pub fn rate_limited(&self, waited: Duration) {
        self.rate_limited.inc_by(waited.as_secs_f64());
    }

    /// Whether the file on disk is in force.
    pub fn config_ok(&self, ok: bool) {
        self.config_ok.set(ok.into());
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut page = String::new();
        // A String takes everything.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_metric_is_there_under_its_name() {
        let metrics = Metrics::new("1.2.3");
        metrics.pass(Trigger::Schedule, Outcome::InSync, Duration::from_secs(2));
        metrics.succeeded(Timestamp::from_second(1_800_000_000).unwrap());
        metrics.plan(&PlanSummary { create: 1, held: 2, unmanaged: 3, failed: 4, ..PlanSummary::default() });
        metrics.drifted(5);
        metrics.change_applied("update", "failed");
        let made = |bytes| ReportOutcome {
            name: "weekly".to_owned(),
            id: None,
            result: Ok(Made { file: "/r/weekly.pdf".into(), bytes }),
            took: Duration::from_millis(2500),
        };
        metrics.report(&made(17), Timestamp::from_second(1_800_000_001).unwrap());
        metrics.api_requests(ApiRequest::Retry, 1);
        metrics.rate_limited(Duration::from_millis(1500));
        metrics.config_ok(true);
        let page = metrics.render();
        for line in [
            "trueup_build_info{version=\"1.2.3\"} 1",
            "trueup_passes_total{trigger=\"schedule\",outcome=\"in_sync\"} 1",
            "trueup_pass_duration_seconds_sum 2.0",
            "trueup_pass_duration_seconds_bucket{le=\"2.5\"} 1",
            "trueup_changes{action=\"create\"} 1",
            "trueup_changes{action=\"delete\"} 0",
            "trueup_drifted 5",
            "trueup_held 2",
            "trueup_unmanaged 3",
            "trueup_unhealthy 0",
            "trueup_failed_kinds 4",
            "trueup_changes_applied_total{action=\"update\",outcome=\"failed\"} 1",
            "trueup_reports_total{name=\"weekly\",outcome=\"made\"} 1",
            "trueup_report_last_success_timestamp_seconds{name=\"weekly\"} 1800000001",
            "trueup_report_bytes{name=\"weekly\"} 17",
            "trueup_report_duration_seconds{name=\"weekly\"} 2.5",
            "trueup_api_requests_total{type=\"read\"} 0",
            "trueup_api_requests_total{type=\"retry\"} 1",
            "trueup_last_success_timestamp_seconds 1800000000",
            "trueup_config_ok 1",
            "trueup_rate_limited_seconds_total 1.5",
            "# EOF",
        ] {
            assert!(page.lines().any(|found| found == line), "no line `{line}` in\n{page}");
        }
    }

    #[test]
    fn an_expectation_that_nobody_knows_of_shows_no_number() {
        let metrics = Metrics::new("1");
        let checked = |name: &str, count: Option<u64>| Checked {
            name: name.to_owned(),
            count,
            met: count.map(|count| count > 0),
            ..Checked::default()
        };
        let shown = |checked: &[Checked]| {
            metrics.expectations(checked);
            let page = metrics.render();
            let lines = page.lines().filter(|line| line.starts_with("trueup_expectation"));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(
            shown(&[checked("a", Some(3)), checked("b", Some(0))]),
            [
                "trueup_expectation_met{name=\"a\"} 1",
                "trueup_expectation_met{name=\"b\"} 0",
                "trueup_expectation{name=\"a\"} 3",
                "trueup_expectation{name=\"b\"} 0",
            ]
        );
        assert_eq!(shown(&[checked("a", None)]), [""; 0]);
    }

    #[test]
    fn a_report_that_the_file_does_not_name_any_more_is_shown_no_longer() {
        let metrics = Metrics::new("1");
        let report = AssessmentReport::example();
        let made = ReportOutcome {
            name: report.name.clone(),
            id: None,
            result: Ok(Made { file: "/r/weekly.pdf".into(), bytes: 1 }),
            took: Duration::ZERO,
        };
        metrics.report(&made, Timestamp::from_second(1).unwrap());
        metrics.reports_loaded(std::slice::from_ref(&report));
        assert!(metrics.render().contains("trueup_report_bytes{name=\"gcp-weekly\"} 1"));
        metrics.reports_loaded(&[]);
        assert!(!metrics.render().contains("trueup_report_bytes{"));
        assert!(metrics.render().contains("trueup_reports_total{name=\"gcp-weekly\",outcome=\"made\"} 1"));
    }

    #[test]
    fn a_label_cannot_break_out_of_its_line() {
        let metrics = Metrics::new("1");
        metrics.change_applied("x\"} 1\nevil{a=\"", "\\");
        let page = metrics.render();
        assert!(!page.lines().any(|line| line.starts_with("evil")), "{page}");
    }
}
