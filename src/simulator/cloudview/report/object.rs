//! What a report holds, how it is listed, and how its runs go.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::simulator::gateway::fields::{Shape, Table, fill, own, written};
use crate::simulator::options::{ReportEnd, ReportExpiry};
use crate::simulator::qps::uuid;
use crate::simulator::store::{Kind, Object, Record};
use crate::simulator::world::World;

/// A report is at the same time what was asked for and the run that makes it.
pub(in super::super) static REPORT: Table = Table {
    kind: "report",
    named_by: "reportName",
    single: false,
    fields: &[
        written("reportName", Shape::Text(0)),
        written("description", Shape::Text(0)),
        written("format", Shape::Word(&["csv", "CSV", "pdf", "PDF"])),
        written("resourceSummaryInclude", Shape::Flag),
        written("cloudType", Shape::Word(&["AWS", "Azure", "GCP"])),
        written("query", Shape::Text(0)),
        written("startDate", Shape::Checked(check_time)),
        written("endDate", Shape::Checked(check_time)),
        written("policyIds", Shape::List(&Shape::Checked(check_uuid))),
        // The prose has "Pass, PassE (pass with exceptions), and Fail", the sample and the syntax PASS.
        written(
            "resourceResults",
            Shape::List(&Shape::Word(&["PASS", "Pass", "PASSE", "PassE", "FAIL", "Fail"])),
        ),
        written("groupIds", Shape::List(&Shape::Checked(check_uuid))),
        written("connectorIds", Shape::List(&Shape::Checked(check_uuid))),
        own("reportId", Shape::Text(0)),
        own("status", Shape::Word(STATUSES)),
        own("createdAt", Shape::Text(0)),
        own("createdBy", Shape::Text(0)),
        own("expiresOn", Shape::Text(0)),
    ],
    complete: |_, id, object| {
        fill(
            object,
            [
                ("format", json!("csv")),
                ("cloudType", json!("AWS")),
                ("startDate", json!("2025-10-27T09:00:00Z")),
                ("endDate", json!("2025-11-03T09:00:00Z")),
                ("policyIds", json!([uuid(id, 0x9011)])),
                ("status", json!("COMPLETED")),
                ("createdAt", json!("2025-11-03T09:00:00.000Z")),
                ("createdBy", json!("simulator")),
                ("expiresOn", json!("2025-11-11")),
            ],
        );
        object.entry("reportId").or_insert_with(|| json!(uuid(id, 0x4e90)));
    },
    settled: |_, _| {},
    generated: |index| json!({"reportName": format!("generated-report-{index:05}")}),
};

/// The documents show COMPLETED alone; clients know of the others but the last, which is a report after its `expiresOn`.
const STATUSES: &[&str] =
    &["ACCEPTED", "QUEUED", "PROCESSING", "GENERATED", "COMPLETED", "FAILED", "REJECTED", "EXPIRED"];

/// The sample's `expiresOn` is eight days after its `createdAt`.
const KEPT_DAYS: i64 = 8;

/// The kind that a report's cloud has its connectors under, and where these keep the cloud's own id.
pub(super) fn cloud(report: &Record) -> Option<(Kind, &'static str)> {
    match report.text("cloudType")? {
        "AWS" => Some(("aws", "awsAccountId")),
        "Azure" => Some(("azure", "authRecord.subscriptionId")),
        _ => Some(("gcp", "authRecord.projectId")),
    }
}

/// What the platform gives a report whose run begins.
pub(super) fn begin(id: u64, object: &mut Object, user: &str) {
    let now = Timestamp::now();
    let ends = now.checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(now);
    object.extend(
        [
            ("reportId", json!(uuid(id, 0x4e90))),
            ("status", json!("ACCEPTED")),
            ("createdAt", json!(now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())),
            ("createdBy", json!(user)),
            ("expiresOn", json!(ends.strftime("%Y-%m-%d").to_string())),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
}

/// As the list shows it.
pub(super) fn show(report: &Record) -> Value {
    let text = |field: &str| json!(report.text(field));
    json!({
        "reportName": text("reportName"),
        "status": text("status"),
        "fileFormat": super::file::extension(report),
        "createdAt": text("createdAt"),
        "createdBy": text("createdBy"),
        "templateName": "Assessment Report",
        "reportType": "On-Demand",
        "expiresOn": text("expiresOn"),
        "reportId": text("reportId"),
    })
}

/// What becomes of a report because it was looked at: time passes here by looking.
pub(super) fn seen(world: &mut World, id: u64) {
    let Some(report) = world.store.get(REPORT.kind, id).cloned() else { return };
    let (end, expiry, needed) =
        (world.options.report_end, world.options.report_expiry, world.options.report_reads);
    let next = match (report.text("status").unwrap_or_default(), end, expiry) {
        ("ACCEPTED", ReportEnd::Rejected, _) => Some("REJECTED"),
        ("ACCEPTED", _, _) => Some("QUEUED"),
        ("QUEUED", _, _) => Some("PROCESSING"),
        ("PROCESSING", ReportEnd::Failed, _) => Some("FAILED"),
        ("PROCESSING", ReportEnd::Completed | ReportEnd::Rejected, _) | ("GENERATED", _, _) => {
            Some("COMPLETED")
        }
        ("COMPLETED", _, ReportExpiry::Expired) => Some("EXPIRED"),
        ("COMPLETED", _, ReportExpiry::Gone) => None,
        _ => return,
    };
    let reads = world.reads.entry((REPORT.kind, id)).or_default();
    *reads += 1;
    if *reads < needed {
        return;
    }
    match next {
        Some(status) => {
            let mut object = report.object.clone();
            object.insert("status".to_owned(), json!(status));
            world.put(REPORT.kind, Record { id, object });
        }
        None => world.remove(REPORT.kind, id),
    }
}

/// "yyyy-mm-ddTHH:MM:SSZ", and a time that there is.
fn check_time(text: &str) -> Result<(), &'static str> {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let formed = text.len() == 20 && text.bytes().enumerate().all(shape);
    match text.parse::<Timestamp>() {
        Ok(_) if formed => Ok(()),
        _ => Err("a time such as 2020-10-14T03:26:15Z"),
    }
}

fn check_uuid(text: &str) -> Result<(), &'static str> {
    match uuid::Uuid::try_parse(text) {
        // Other libraries' spellings (without hyphens, in braces) are in no document.
        Ok(_) if text.len() == 36 => Ok(()),
        _ => Err("UUIDs"),
    }
}
