//! The link that a download answers with: whoever has it has the file, as with the signed links of object stores.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::file;
use super::object::REPORT;
use crate::simulator::answer::{Answer, Request};
use crate::simulator::cloudview::check_login;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::http::Shared;
use crate::simulator::options::ReportLinkLogin;
use crate::simulator::store::Record;

/// Outside of the API's own paths: no document names it, and clients are not meant to make it up.
const PREFIX: &str = "/assessment-reports/";

/// Where a report's file is, on this server.
pub(super) fn url(shared: &Shared, report: &Record) -> String {
    format!("{}{}", shared.url, path(report))
}

/// Answers a link that was given; `None` where it is no such path at all.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Option<Answer> {
    request.path.starts_with(PREFIX).then(|| {
        if request.method != "GET" {
            return Answer::html(405, "Method Not Allowed").with_header("allow", "GET");
        }
        follow(shared, request).unwrap_or_else(|refusal| refusal.answer())
    })
}

fn follow(shared: &Shared, request: &Request) -> Result<Answer, Refusal> {
    let options = shared.world().options.clone();
    match options.report_link_login {
        ReportLinkLogin::Required => check_login(shared, request, &options)?,
        ReportLinkLogin::Refused if request.header("authorization").is_some() => {
            return Err(Refusal::bad("Only one way to log in is taken: the link's own, or a header's."));
        }
        ReportLinkLogin::Refused | ReportLinkLogin::Ignored => {}
    }
    let world = shared.world();
    let mut all = world.store.starting_at(REPORT.kind, 0);
    let completed = |report: &Record| report.text("status") == Some("COMPLETED");
    let found = all.find(|report| path(report) == request.path && completed(report));
    let report = found.ok_or_else(|| Refusal::not_found("The link is not good, or not any more."))?;
    Ok(file::answer(&world, report))
}

/// The link's key changes with every run.
fn path(report: &Record) -> String {
    let text = |field: &str| report.text(field).unwrap_or_default();
    let key = Sha256::digest(format!("{} {}", text("reportId"), text("createdAt")));
    let key = URL_SAFE_NO_PAD.encode(&key[..12]);
    format!("{PREFIX}{}/{key}.{}", text("reportId"), file::extension(report))
}
