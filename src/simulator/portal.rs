//! Small calls outside the objects: the portal's version, and the older API's `about.php`.

use super::answer::{Answer, Request};
use super::http::Shared;
use super::qps::{login_failure, powered_by, refuse_login, version_answer};

pub(crate) fn answer(shared: &Shared, request: &Request) -> Option<Answer> {
    match request.path.trim_end_matches('/') {
        "/qps/rest/portal/version" => Some(version(shared, request)),
        "/msp/about.php" => Some(about(shared, request)),
        _ => None,
    }
}

/// "Using the Version API you can find out the installed version of Portal and its sub-modules."
fn version(shared: &Shared, request: &Request) -> Answer {
    if request.method != "GET" {
        return Answer::html(405, "Method Not Allowed").with_header("allow", "GET");
    }
    let options = shared.world().options.clone();
    match login_failure(shared, request, &options) {
        Some(refusal) => refuse_login(shared, request, &options, &refusal),
        None => powered_by(version_answer(shared, request, &options), &options),
    }
}

/// Some clients call it to see whether the password is right and what the limits are.
fn about(shared: &Shared, request: &Request) -> Answer {
    let options = shared.world().options.clone();
    if login_failure(shared, request, &options).is_some() {
        return Answer::html(401, "Unauthorized")
            .with_header("www-authenticate", "Basic realm=\"simulator\"");
    }
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<ABOUT><API-VERSION MAJOR=\"1\" MINOR=\"0\"/>\
                <WEB-VERSION>simulator</WEB-VERSION></ABOUT>";
    let answer = Answer::new(200, "text/xml", body)
        .with_header("X-RateLimit-Limit", "300")
        .with_header("X-RateLimit-Window-Sec", "3600")
        .with_header("X-RateLimit-Remaining", "299")
        .with_header("X-RateLimit-ToWait-Sec", "0")
        .with_header("X-Concurrency-Limit-Limit", "2")
        .with_header("X-Concurrency-Limit-Running", "0");
    powered_by(answer, &options)
}
