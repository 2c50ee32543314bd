//! Assessment reports: jobs that hold connectors against policies ("Assessment Reports in PDF Format").
//!
//! Reading order: `object` (what a report holds, and how its run goes), this file (the calls), `file` with `findings`, `csv` and
//! `pdf` (what is downloaded), `link` (the way to a file that needs no call).

use std::sync::Arc;

use serde_json::{Value, json};

use super::connectors::enabled;
use super::connectors::page::Wanted;
use crate::simulator::answer::Answer;
use crate::simulator::gateway::body;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::{Call, Outcome, Route, Service, text};
use crate::simulator::options::ReportDownload;
use crate::simulator::store::{Object, Record};

mod object;

mod findings;

mod csv;

mod pdf;

mod file;

mod link;

pub(super) use object::REPORT;

pub(crate) use link::answer as follow_link;

/// `/cloudview-api/rest/v1/report/assessment`. The sample of create has `-X GET` with "Request POST Data".
pub(super) static SERVICE: Service = Service {
    prefix: "/cloudview-api/rest/v1/report/assessment",
    routes: &[
        Route::write("POST", "create", create),
        Route::read("GET", "list", list),
        Route::read("GET", "*/download", download),
        Route::write("POST", "*/rerun", rerun),
    ],
    enabled,
    refuse: Refusal::answer,
};

/// The documents call the two dates mandatory and mark nothing else; without the others there is nothing to make a report of.
const REQUIRED: &[&str] = &["reportName", "format", "cloudType", "startDate", "endDate", "policyIds"];

/// `POST /create`: the bare id of the report.
fn create(call: &mut Call<'_>) -> Outcome {
    let mut object = body::object(call, &REPORT.taken(), REQUIRED)?;
    let id = call.world.store.next_id();
    object::begin(id, &mut object, &call.shared.account.username);
    let report = Record { id, object };
    check(call, &report)?;
    call.world.store.take_id();
    let report = call.world.put(REPORT.kind, report);
    Ok(text(200, report.text("reportId").unwrap_or_default()))
}

/// `GET /list`: the newest ones first.
fn list(call: &mut Call<'_>) -> Outcome {
    let wanted = Wanted::read(call)?;
    let mut all = call.world.as_searched(REPORT.kind, 0);
    all.reverse();
    let page = wanted.part(&all);
    let content: Vec<_> = page.iter().map(|report| object::show(report)).collect();
    for report in page {
        object::seen(call.world, report.id);
    }
    Ok(wanted.answer(&content, all.len()))
}

/// `GET /{reportId}/download?reportFormat=`: "The response body includes the link for download".
fn download(call: &mut Call<'_>) -> Outcome {
    let report = named(call)?;
    let own = file::extension(&report);
    match call.request.parameter("reportFormat") {
        None => return Err(Refusal::bad("Parameter 'reportFormat' is required: pdf or csv.")),
        Some(format) if format != own => {
            return Err(Refusal::bad(format!(
                "Parameter 'reportFormat' takes the report's format, {own}, not '{format}'."
            )));
        }
        Some(_) => {}
    }
    object::seen(call.world, report.id);
    match report.text("status").unwrap_or_default() {
        "COMPLETED" => {}
        "EXPIRED" => return Err(Refusal::not_found("The report has expired.")),
        status => {
            return Err(Refusal::bad(format!(
                "The report cannot be downloaded: its status is {status}, not COMPLETED."
            )));
        }
    }
    let url = || link::url(call.shared, &report);
    Ok(match call.world.options.report_download {
        ReportDownload::LinkInJson => Answer::json(200, &json!({"link": url()})),
        ReportDownload::LinkInText => text(200, &url()),
        ReportDownload::File => file::answer(call.world, &report),
    })
}

/// `POST /{reportId}/rerun`: the same report, made anew. No document shows what it answers; here it is what create does.
fn rerun(call: &mut Call<'_>) -> Outcome {
    let report = named(call)?;
    let status = report.text("status").unwrap_or_default();
    if matches!(status, "ACCEPTED" | "QUEUED" | "PROCESSING" | "GENERATED") {
        return Err(Refusal::bad(format!("The report cannot be run again: its status is {status}.")));
    }
    let (id, mut object) = (report.id, report.object.clone());
    object::begin(id, &mut object, &call.shared.account.username);
    let report = call.world.put(REPORT.kind, Record { id, object });
    Ok(text(200, report.text("reportId").unwrap_or_default()))
}

/// The report that the path names.
fn named(call: &Call<'_>) -> Result<Arc<Record>, Refusal> {
    let id = call.named.first().copied().unwrap_or_default();
    let mut all = call.world.store.starting_at(REPORT.kind, 0);
    let found = all.find(|report| report.text("reportId") == Some(id)).cloned();
    found.ok_or_else(|| Refusal::not_found(format!("There is no report with the id {id}.")))
}

/// What holds for a report as a whole.
fn check(call: &Call<'_>, report: &Record) -> Result<(), Refusal> {
    // Both are of one length and in one time zone: as texts they have the order of time.
    if report.text("endDate") <= report.text("startDate") {
        return Err(Refusal::bad("Field 'endDate' takes a time after that of 'startDate'."));
    }
    let policies = findings::texts(report, "policyIds").len();
    if file::extension(report) == "pdf" && policies != 1 {
        return Err(Refusal::bad(format!(
            "Field 'policyIds' takes one policy ID for the PDF report format, not {policies}."
        )));
    }
    if let Some(group) = findings::texts(report, "groupIds").first() {
        return Err(Refusal::bad(format!("Field 'groupIds': there is no group with the id {group}.")));
    }
    check_connectors(call, report)
}

fn check_connectors(call: &Call<'_>, report: &Record) -> Result<(), Refusal> {
    let Some((kind, _)) = object::cloud(report) else { return Ok(()) };
    let live = |connector: &Object| connector.get("isDeleted") != Some(&Value::Bool(true));
    for wanted in findings::texts(report, "connectorIds") {
        let mut all = call.world.store.starting_at(kind, 0);
        let found =
            all.any(|connector| connector.text("cloudviewUuid") == Some(wanted) && live(&connector.object));
        if !found {
            return Err(Refusal::bad(format!(
                "Field 'connectorIds': there is no {} connector with the id {wanted}.",
                report.text("cloudType").unwrap_or_default()
            )));
        }
    }
    Ok(())
}
