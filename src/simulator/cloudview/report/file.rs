//! A report as a file.

use super::findings::{self, Finding, texts};
use super::{csv, pdf};
use crate::simulator::answer::Answer;
use crate::simulator::store::Record;
use crate::simulator::world::World;

const HEADER: [&str; 8] = [
    "Policy ID",
    "Control ID",
    "Resource ID",
    "Resource Type",
    "Connector",
    "Account",
    "Evaluation Date",
    "Resource Result",
];

/// The file as an answer.
pub(super) fn answer(world: &World, report: &Record) -> Answer {
    let findings = findings::of(world, report);
    let (content_type, text) = match extension(report) {
        "pdf" => ("application/pdf", as_pdf(report, &findings)),
        _ => ("text/csv", as_csv(&findings)),
    };
    let name = format!("{}.{}", report.text("reportId").unwrap_or_default(), extension(report));
    Answer::new(200, content_type, text)
        .with_header("content-disposition", format!("attachment; filename=\"{name}\""))
}

/// `pdf` or `csv`.
pub(super) fn extension(report: &Record) -> &'static str {
    let format = report.text("format").unwrap_or_default();
    if format.eq_ignore_ascii_case("pdf") { "pdf" } else { "csv" }
}

fn as_csv(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        // Destructured, so that a further column is not forgotten.
        let Finding { policy, control, resource, resource_type, connector, account, evaluated, result } =
            finding;
        vec![policy.as_str(), control, resource, resource_type, connector, account, evaluated, result]
    });
    csv::table(std::iter::once(HEADER.to_vec()).chain(rows))
}

fn as_pdf(report: &Record, findings: &[Finding]) -> String {
    let text = |field: &str| report.text(field).unwrap_or_default().to_owned();
    let counted = |result: &str| findings.iter().filter(|finding| finding.result == result).count();
    let mut lines = vec![
        text("reportName"),
        text("description"),
        String::new(),
        format!("Cloud: {}", text("cloudType")),
        format!("Period: {} to {}", text("startDate"), text("endDate")),
        format!("Policy: {}", texts(report, "policyIds").join(", ")),
        format!("Query: {}", text("query")),
        format!("Passed: {}", counted("PASS")),
        format!("Passed with exceptions: {}", counted("PASSE")),
        format!("Failed: {}", counted("FAIL")),
    ];
    // "Set to true to include details … (applicable only for PDF report format)"
    if report.flag("resourceSummaryInclude") {
        lines.push(String::new());
        lines.extend(findings.iter().map(|it| {
            format!(
                "{}  {}  control {}, {}, {}",
                it.result, it.resource, it.control, it.connector, it.evaluated
            )
        }));
    }
    pdf::page(&text("reportName"), &lines)
}
