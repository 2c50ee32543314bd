//! CloudView's assessment reports: from the request over the run to the file.

use serde_json::{Value, json};
use trueup::simulator::Settings;

use crate::client::{Answer, Remote, changed};
use crate::gateway::Gateway;

const BASE: &str = "/cloudview-api/rest/v1/report/assessment";
pub(crate) const POLICY: &str = "1f0c6c0e-0000-4000-8000-00000000000a";
pub(crate) const OTHER_POLICY: &str = "1f0c6c0e-0000-4000-8000-00000000000b";

/// The sample of "Create an Assessment Report in PDF format", its `[PASS]` mended.
pub(crate) fn request() -> Value {
    json!({
        "reportName": "Weekly (GCP)",
        "description": "What the auditors get",
        "format": "pdf",
        "resourceSummaryInclude": false,
        "cloudType": "GCP",
        "query": "",
        "startDate": "2026-01-24T08:46:36Z",
        "endDate": "2026-01-25T08:46:36Z",
        "policyIds": [POLICY],
        "resourceResults": ["PASS"],
        "groupIds": [],
        "connectorIds": [],
    })
}

pub(crate) async fn create(gateway: &Gateway, body: &Value) -> String {
    let answer = gateway.call("POST", &format!("{BASE}/create"), body).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/plain"), "{answer:?}");
    assert_eq!(answer.body.len(), 36, "the bare id: {answer:?}");
    answer.body
}

pub(crate) async fn list(gateway: &Gateway) -> Value {
    gateway.json("GET", &format!("{BASE}/list?pageNo=0&pageSize=50"), &Value::Null).await
}

/// The status of the newest report.
async fn status(gateway: &Gateway) -> Value {
    list(gateway).await["content"][0]["status"].clone()
}

/// A remote whose next report is ready as soon as it was looked at three times, and that report's id.
async fn completed(options: &[(&str, &str)], body: &Value) -> (Gateway, String) {
    let gateway = Gateway::with(options).await;
    let id = create(&gateway, body).await;
    for expected in ["ACCEPTED", "QUEUED", "PROCESSING"] {
        assert_eq!(status(&gateway).await, expected);
    }
    (gateway, id)
}

pub(crate) fn download_of(id: &str, format: &str) -> String {
    format!("{BASE}/{id}/download?reportFormat={format}")
}

/// The file itself, under `report_download` `file`.
pub(crate) async fn file(options: &[(&str, &str)], body: &Value) -> Answer {
    let options: Vec<_> = options.iter().copied().chain([("report_download", "file")]).collect();
    let (gateway, id) = completed(&options, body).await;
    let format = body["format"].as_str().unwrap().to_lowercase();
    let answer = gateway.call("GET", &download_of(&id, &format), &Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The `cloudviewUuid` of a connector.
pub(crate) async fn connector(gateway: &Gateway, kind: &str, name: &str) -> Value {
    let id = gateway.remote.id(kind, name).await;
    gateway.remote.plain(kind, id).await["cloudviewUuid"].clone()
}

#[tokio::test]
async fn a_report_goes_from_accepted_to_completed_by_looking() {
    for (reads, expected) in [
        ("1", vec!["ACCEPTED", "QUEUED", "PROCESSING", "COMPLETED", "COMPLETED"]),
        ("2", vec!["ACCEPTED", "ACCEPTED", "QUEUED", "QUEUED", "PROCESSING", "PROCESSING", "COMPLETED"]),
    ] {
        let gateway = Gateway::with(&[("report_reads", reads)]).await;
        create(&gateway, &request()).await;
        for expected in expected {
            assert_eq!(status(&gateway).await, expected, "{reads}");
        }
    }
}

#[tokio::test]
async fn the_list_has_the_documented_fields_on_a_spring_page() {
    let gateway = Gateway::with(&[]).await;
    let empty = list(&gateway).await;
    assert_eq!((&empty["content"], &empty["totalElements"]), (&json!([]), &json!(0)));
    let id = create(&gateway, &request()).await;
    let page = list(&gateway).await;
    let row = page["content"][0].as_object().unwrap();
    let names: Vec<_> = row.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "reportName",
            "status",
            "fileFormat",
            "createdAt",
            "createdBy",
            "templateName",
            "reportType",
            "expiresOn",
            "reportId"
        ]
    );
    let fixed = json!({"reportName": "Weekly (GCP)", "fileFormat": "pdf", "createdBy": "simulator",
        "templateName": "Assessment Report", "reportType": "On-Demand", "reportId": id});
    for (name, value) in fixed.as_object().unwrap() {
        assert_eq!(&row[name], value, "{name}");
    }
    let created: jiff::Timestamp = row["createdAt"].as_str().unwrap().parse().unwrap();
    let millis = created.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    assert_eq!(row["createdAt"], millis.as_str());
    let expires = created.checked_add(jiff::SignedDuration::from_hours(8 * 24)).unwrap();
    assert_eq!(row["expiresOn"], expires.strftime("%Y-%m-%d").to_string());

    let second = create(&gateway, &request()).await;
    let ids = |page: &Value| -> Vec<Value> {
        page["content"].as_array().unwrap().iter().map(|row| row["reportId"].clone()).collect()
    };
    assert_eq!(ids(&list(&gateway).await), [json!(second), json!(id)], "the newest first");
    for (number, shown, last) in
        [(0, vec![json!(second)], false), (1, vec![json!(id)], true), (2, vec![], true)]
    {
        let path = format!("{BASE}/list?pageNo={number}&pageSize=1");
        let page = gateway.json("GET", &path, &Value::Null).await;
        assert_eq!((ids(&page), &page["last"]), (shown.clone(), &json!(last)), "{page}");
        assert_eq!((&page["totalElements"], &page["totalPages"]), (&json!(2), &json!(2)));
        assert_eq!((&page["numberOfElements"], &page["number"]), (&json!(shown.len()), &json!(number)));
    }
    for (query, named) in
        [("pageSize=50", "pageNo"), ("pageNo=0", "pageSize"), ("pageNo=0&pageSize=0", "pageSize")]
    {
        gateway.refused("GET", &format!("{BASE}/list?{query}"), &Value::Null, 400, named).await;
    }
}

#[tokio::test]
async fn requests_that_the_documents_do_not_allow_are_refused_by_field() {
    let gateway = Gateway::with(&[]).await;
    let aws = connector(&gateway, "aws", "sandbox").await;
    let path = format!("{BASE}/create");
    for (fields, named) in [
        (json!({"reportName": null}), "reportName"),
        (json!({"reportName": 7}), "reportName"),
        (json!({"format": null}), "format"),
        (json!({"format": "xml"}), "format"),
        (json!({"cloudType": null}), "cloudType"),
        (json!({"cloudType": "OCI"}), "cloudType"),
        (json!({"startDate": null}), "startDate"),
        (json!({"startDate": "2026-01-24"}), "startDate"),
        (json!({"startDate": "2026-01-24T08:46:36+00:00"}), "startDate"),
        (json!({"startDate": "2026-02-30T08:46:36Z"}), "startDate"),
        (json!({"endDate": null}), "endDate"),
        (json!({"endDate": "2026-01-24T08:46:36Z"}), "endDate"),
        (json!({"endDate": "2026-01-23T08:46:36Z"}), "endDate"),
        (json!({"policyIds": null}), "policyIds"),
        (json!({"policyIds": []}), "policyIds"),
        (json!({"policyIds": POLICY}), "policyIds"),
        (json!({"policyIds": ["17"]}), "policyIds"),
        (json!({"policyIds": [POLICY, OTHER_POLICY]}), "policyIds"),
        (json!({"resourceSummaryInclude": "false"}), "resourceSummaryInclude"),
        (json!({"resourceResults": ["PASSED"]}), "resourceResults"),
        (json!({"resourceResults": "PASS"}), "resourceResults"),
        (json!({"groupIds": [POLICY]}), "groupIds"),
        (json!({"connectorIds": [2_000_001]}), "connectorIds"),
        (json!({"connectorIds": [POLICY]}), "connectorIds"),
        (json!({"connectorIds": [aws]}), "connectorIds"),
        (json!({"query": 1}), "query"),
        (json!({"description": []}), "description"),
        (json!({"reportId": POLICY}), "reportId"),
        (json!({"colour": "red"}), "colour"),
    ] {
        gateway.refused("POST", &path, &changed(request(), &fields), 400, named).await;
    }
    gateway.refused("POST", &path, &json!([request()]), 400, "object").await;
    assert_eq!(list(&gateway).await["totalElements"], 0);
    let get = gateway.call("GET", &path, &request()).await;
    assert_eq!((get.status, get.headers["allow"].as_str()), (405, "POST"));
}

#[tokio::test]
async fn requests_as_prose_and_sample_have_them_are_taken() {
    let gateway = Gateway::with(&[]).await;
    let gcp = connector(&gateway, "gcp", "research").await;
    for fields in [
        json!({}),
        json!({"format": "PDF"}),
        json!({"format": "CSV", "policyIds": [POLICY, OTHER_POLICY]}),
        json!({"resourceResults": ["Pass", "PassE", "Fail"]}),
        json!({"resourceResults": ["PASS", "PASSE", "FAIL"]}),
        json!({"cloudType": "AWS"}),
        json!({"cloudType": "Azure"}),
        json!({"connectorIds": [gcp]}),
        json!({"description": null, "query": null, "groupIds": null, "connectorIds": null, "resourceResults": null,
            "resourceSummaryInclude": null}),
    ] {
        create(&gateway, &changed(request(), &fields)).await;
        assert_eq!(gateway.last_effect().await, (true, false));
    }
}

#[tokio::test]
async fn a_download_is_refused_until_the_report_is_completed() {
    let gateway = Gateway::with(&[]).await;
    let id = create(&gateway, &request()).await;
    for status in ["ACCEPTED", "QUEUED", "PROCESSING"] {
        gateway.refused("GET", &download_of(&id, "pdf"), &Value::Null, 400, status).await;
    }
    assert_eq!(gateway.call("GET", &download_of(&id, "pdf"), &Value::Null).await.status, 200);
    assert_eq!(gateway.last_effect().await, (false, false));
    gateway.refused("GET", &download_of(&id, "csv"), &Value::Null, 400, "reportFormat").await;
    gateway.refused("GET", &format!("{BASE}/{id}/download"), &Value::Null, 400, "reportFormat").await;
    gateway.refused("GET", &download_of(POLICY, "pdf"), &Value::Null, 404, POLICY).await;
}

#[tokio::test]
async fn a_download_is_a_link_in_json_or_in_text_or_the_file_itself() {
    let itself = file(&[], &request()).await;
    assert_eq!(itself.headers["content-type"], "application/pdf");
    assert!(itself.body.starts_with("%PDF-"), "{itself:?}");
    for (value, content_type) in [("link_in_json", "application/json"), ("link_in_text", "text/plain")] {
        let (gateway, id) = completed(&[("report_download", value)], &request()).await;
        let answer = gateway.call("GET", &download_of(&id, "pdf"), &Value::Null).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, content_type));
        let link = if content_type == "text/plain" {
            answer.body
        } else {
            answer.value()["link"].as_str().unwrap().to_owned()
        };
        let path = link.strip_prefix(gateway.remote.simulator.url()).unwrap();
        let file = gateway.remote.ask("GET", path).without("Authorization").send().await;
        assert_eq!(file.headers["content-type"], "application/pdf");
        assert_eq!(file.body, itself.body, "the link leads to the file");
        let name = format!("attachment; filename=\"{id}.pdf\"");
        assert_eq!(file.headers["content-disposition"], name);
        let other = gateway.remote.ask("GET", &path.replace(".pdf", ".csv")).send().await;
        assert_eq!(other.status, 404, "{other:?}");
    }
}

#[tokio::test]
async fn a_link_needs_no_login_or_takes_none_or_wants_one() {
    for (value, without, with) in [("ignored", 200, 200), ("refused", 200, 400), ("required", 401, 200)] {
        let options = [("report_link_login", value), ("report_download", "link_in_text")];
        let (gateway, id) = completed(&options, &request()).await;
        let link = gateway.call("GET", &download_of(&id, "pdf"), &Value::Null).await.body;
        let path = link.strip_prefix(gateway.remote.simulator.url()).unwrap();
        let bare = gateway.remote.ask("GET", path).without("Authorization").send().await;
        assert_eq!(bare.status, without, "{value}: {bare:?}");
        assert_eq!(gateway.call("GET", path, &Value::Null).await.status, with, "{value}");
    }
}

#[tokio::test]
async fn a_run_can_end_otherwise_and_be_started_again() {
    for (end, statuses) in [
        ("failed", vec!["ACCEPTED", "QUEUED", "PROCESSING", "FAILED", "FAILED"]),
        ("rejected", vec!["ACCEPTED", "REJECTED", "REJECTED"]),
        ("never", vec!["ACCEPTED", "QUEUED", "PROCESSING", "PROCESSING", "PROCESSING"]),
    ] {
        let gateway = Gateway::with(&[("report_end", end)]).await;
        let id = create(&gateway, &request()).await;
        for expected in &statuses {
            assert_eq!(status(&gateway).await, *expected, "{end}");
        }
        let last = statuses.last().unwrap();
        gateway.refused("GET", &download_of(&id, "pdf"), &Value::Null, 400, last).await;
        let rerun = format!("{BASE}/{id}/rerun");
        if end == "never" {
            gateway.refused("POST", &rerun, &Value::Null, 400, last).await;
            continue;
        }
        gateway.remote.control("POST", "/_sim/options", json!({"report_end": "completed"})).await;
        let again = gateway.call("POST", &rerun, &Value::Null).await;
        assert_eq!((again.status, again.body.as_str()), (200, id.as_str()));
        assert_eq!(gateway.last_effect().await, (true, false));
        for expected in ["ACCEPTED", "QUEUED", "PROCESSING", "COMPLETED"] {
            assert_eq!(status(&gateway).await, expected);
        }
    }
    let gateway = Gateway::with(&[]).await;
    gateway.refused("POST", &format!("{BASE}/{POLICY}/rerun"), &Value::Null, 404, POLICY).await;
}

#[tokio::test]
async fn a_completed_report_is_kept_or_expires_or_goes() {
    for (expiry, after) in
        [("kept", json!("COMPLETED")), ("expired", json!("EXPIRED")), ("gone", Value::Null)]
    {
        let (gateway, id) = completed(&[("report_expiry", expiry)], &request()).await;
        assert_eq!(status(&gateway).await, "COMPLETED");
        assert_eq!(status(&gateway).await, after, "{expiry}");
        let download = gateway.call("GET", &download_of(&id, "pdf"), &Value::Null).await;
        assert_eq!(download.status, if expiry == "kept" { 200 } else { 404 }, "{download:?}");
    }
}

#[tokio::test]
async fn a_link_ends_with_its_report() {
    // The download itself is the look that ends the report.
    let options = [("report_expiry", "expired"), ("report_download", "link_in_text")];
    let (gateway, id) = completed(&options, &request()).await;
    let link = gateway.call("GET", &download_of(&id, "pdf"), &Value::Null).await.body;
    let path = link.strip_prefix(gateway.remote.simulator.url()).unwrap();
    let file = gateway.call("GET", path, &Value::Null).await;
    assert_eq!(file.status, 404, "{file:?}");
}

#[tokio::test]
async fn reports_are_objects_of_the_subscription_and_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        || Settings { state: Some(directory.path().join("trueup-simulator.json")), ..Settings::default() };
    let gateway = Gateway::of(Remote::on(settings()).await).await;
    let id = create(&gateway, &request()).await;
    let shown = gateway.remote.control("GET", "/_sim/objects?kind=report", Value::Null).await;
    let object = &shown["objects"][0]["object"];
    assert_eq!((&object["reportId"], &object["status"]), (&json!(id), &json!("ACCEPTED")));
    assert_eq!(object["policyIds"], json!([POLICY]));
    let set = json!({"kind": "report", "name": "Weekly (GCP)", "set": {"status": "GENERATED"}});
    gateway.remote.control("POST", "/_sim/objects", set).await;
    gateway.remote.simulator.shutdown().await;

    let gateway = Gateway::of(Remote::on(settings()).await).await;
    for expected in ["GENERATED", "COMPLETED"] {
        assert_eq!(status(&gateway).await, expected);
    }
    let seeded = json!({"kind": "report", "create": {"reportName": "by hand", "format": "csv"}});
    let seeded = gateway.remote.control("POST", "/_sim/objects", seeded).await;
    assert_eq!(seeded["object"]["status"], "COMPLETED");
    let id = seeded["object"]["reportId"].as_str().unwrap();
    assert_eq!(gateway.call("GET", &download_of(id, "csv"), &Value::Null).await.status, 200);
}

#[tokio::test]
async fn reports_need_a_login_and_the_module() {
    let remote = Remote::example().await;
    let path = format!("{BASE}/list?pageNo=0&pageSize=50");
    let answer = remote.ask("GET", &path).without("Authorization").send().await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let gateway = Gateway::with(&[("cloudview", "off")]).await;
    gateway.refused("GET", &path, &Value::Null, 404, "list").await;
    let remote = Remote::with(&[("cloudview_auth", "basic")]).await;
    assert_eq!(remote.ask("GET", &path).send().await.status, 200);
}
