//! What may come from the platform, and what becomes of it: a stub plays every answer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use trueup::desired::{self, Desired};
use trueup::pace::Pace;
use trueup::qualys::{Endpoint, Reader, Reporter};
use trueup::report::{Making, Outcome, make};
use trueup::stop::Stop;

use crate::stub::{Asked, Play, Stub, reply, with};

const ID: &str = "5d3f9c1e-0b7a-4c21-9f64-2f1d6a1b8e70";
const PDF: &str = "%PDF-1.4 a report";
const CSV: &str = "Control,Resource,Result\n1,vm-1,PASS\n";
const CREATE: &str = "/cloudview-api/rest/v1/report/assessment/create";
const LIST: &str = "/cloudview-api/rest/v1/report/assessment/list";

/// A file with one report, and a folder for what is made.
struct Order {
    dir: TempDir,
    desired: Desired,
}

impl Order {
    fn new(more: &str) -> Order {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        let text = format!(
            "version: 1\nplatform: {{pod: simulator}}\nreports:\n  - {{name: weekly, cloud: GCP, \
             policies: [0e7c2b5a-53c4-4a0e-8f0b-6a3f5d9e1c44], {more}}}\n"
        );
        std::fs::write(&path, text).unwrap();
        let desired = desired::load(&path).unwrap();
        Order { dir, desired }
    }

    fn pdf() -> Order {
        Order::new("format: pdf, period: 2d")
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("reports")
    }

    /// What lies in the folder, also what is hidden.
    fn files(&self) -> Vec<String> {
        names(&self.folder())
    }

    async fn make(&self, reader: &Reader) -> Outcome {
        self.make_until(reader, &Stop::new()).await
    }

    async fn make_until(&self, reader: &Reader, stop: &Stop) -> Outcome {
        let pace = Pace {
            first: Duration::from_millis(1),
            cap: Duration::from_millis(2),
            lag: Duration::from_millis(200),
            timeout: Duration::from_millis(100),
        };
        let reporter = &Reporter::new(reader);
        let (report, desired) = (&self.desired.reports[0], &self.desired);
        let settle = Duration::from_millis(20);
        make(Making { report, desired, reader, reporter, pace, settle, stop }).await
    }

    /// Makes the report, which fails, leaves nothing behind, and says why.
    async fn fails(&self, stub: &Stub) -> String {
        let outcome = self.make(&stub.reader()).await;
        assert_eq!(outcome.word(), "failed", "{outcome:?}");
        assert_eq!(self.files(), [""; 0], "{outcome:?}");
        let error = outcome.result.unwrap_err().to_string();
        assert!(!error.contains('\n') && !error.contains("pa55-w0rd"), "{error}");
        error
    }
}

fn names(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn row(state: &str) -> Value {
    json!({"reportId": ID, "reportName": "weekly", "status": state, "fileFormat": "pdf",
        "createdAt": "2026-01-25T06:04:27.000Z", "expiresOn": "2999-01-01"})
}

fn page(rows: &[Value]) -> Play {
    reply(200, json!({"content": rows, "last": true}).to_string())
}

/// What the platform plays at each of its calls; a token is always given.
struct Platform<C, L, D> {
    create: C,
    list: L,
    download: D,
}

impl<C, L, D> Platform<C, L, D>
where
    C: Fn(usize, &Asked) -> Play + Send + Sync + 'static,
    L: Fn(usize) -> Play + Send + Sync + 'static,
    D: Fn(usize, &Asked) -> Play + Send + Sync + 'static,
{
    async fn start(self) -> Stub {
        let Platform { create, list, download } = self;
        let [created, listed, downloaded] = [const { AtomicUsize::new(0) }; 3];
        let turn = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst);
        Stub::answers(move |_, asked| match asked.path.split('?').next().unwrap() {
            "/auth" => reply(201, "header.payload.signature"),
            CREATE => create(turn(&created), asked),
            LIST => list(turn(&listed)),
            _ => download(turn(&downloaded), asked),
        })
        .await
    }
}

fn created(_: usize, _: &Asked) -> Play {
    reply(200, ID)
}

fn completed(_: usize) -> Play {
    page(&[row("COMPLETED")])
}

async fn downloads(download: impl Fn(usize, &Asked) -> Play + Send + Sync + 'static) -> Stub {
    Platform { create: created, list: completed, download }.start().await
}

async fn plays_download(play: Play) -> Stub {
    downloads(move |_, _| play.clone()).await
}

async fn lists(list: impl Fn(usize) -> Play + Send + Sync + 'static) -> Stub {
    Platform { create: created, list, download: |_, _: &Asked| reply(200, PDF) }.start().await
}

#[tokio::test]
async fn the_documented_request_is_made_and_followed_to_its_file() {
    let states = ["ACCEPTED", "QUEUED", "PROCESSING", "GENERATED", "A_NEW_WORD", "COMPLETED"];
    // The first look is from before the create.
    let stub = lists(move |turn| match turn {
        0 => page(&[]),
        turn => page(&[row(states[(turn - 1).min(states.len() - 1)])]),
    })
    .await;
    let order = Order::new(
        "format: pdf, period: 2d, results: [FAIL, pass], description: d, query: q, resource_summary: true",
    );
    let before = Timestamp::now();
    let outcome = order.make(&stub.reader()).await;
    let made = outcome.result.unwrap();
    assert_eq!((outcome.id.as_deref(), made.bytes), (Some(ID), PDF.len() as u64));
    assert_eq!(std::fs::read_to_string(&made.file).unwrap(), PDF);

    let asked = stub.asked();
    let create = asked.iter().find(|asked| asked.path == CREATE).unwrap();
    assert_eq!((create.method.as_str(), create.header("content-type")), ("POST", Some("application/json")));
    assert_eq!(create.header("authorization"), Some("Bearer header.payload.signature"));
    let mut sent = create.json();
    let [name, start, end] = ["reportName", "startDate", "endDate"].map(|key| sent[key].take());
    let [start, end] = [start, end].map(|at| at.as_str().unwrap().parse::<Timestamp>().unwrap());
    assert_eq!(end.duration_since(start).as_hours(), 48);
    assert!(end.as_second() >= before.as_second(), "{end}");
    let file = made.file.file_name().unwrap().to_str().unwrap();
    assert_eq!(format!("{}.pdf", name.as_str().unwrap()), file);
    assert_eq!(
        sent,
        json!({"reportName": null, "description": "d", "format": "pdf", "resourceSummaryInclude": true,
            "cloudType": "GCP", "query": "q", "startDate": null, "endDate": null,
            "policyIds": ["0e7c2b5a-53c4-4a0e-8f0b-6a3f5d9e1c44"], "resourceResults": ["PASS", "FAIL"],
            "groupIds": [], "connectorIds": []})
    );
    let download = asked.last().unwrap();
    assert!(
        download.path.ends_with(&format!("/report/assessment/{ID}/download?reportFormat=pdf")),
        "{download:?}"
    );
    assert_eq!(download.header("accept"), Some("*/*"));
}

#[tokio::test]
async fn an_id_is_taken_as_text_and_as_json_and_a_list_in_every_form() {
    for id in [ID.to_owned(), format!("\"{ID}\""), format!("{ID}\n")] {
        let platform = Platform {
            create: move |_, _: &Asked| reply(200, id.clone()),
            list: completed,
            download: |_, _: &Asked| reply(200, PDF),
        };
        Order::pdf().make(&platform.start().await.reader()).await.result.unwrap();
    }
    let rows = json!([row("FAILED"), row("COMPLETED")].map(|mut row| {
        if row["status"] == "FAILED" {
            row["reportId"] = json!("11111111-1111-4111-8111-111111111111");
        }
        row
    }));
    for list in [rows.clone(), json!({"content": rows}), row("COMPLETED")] {
        let stub = lists(move |_| reply(200, list.to_string())).await;
        Order::pdf().make(&stub.reader()).await.result.unwrap();
    }
}

#[tokio::test]
async fn the_list_is_read_page_by_page_until_the_report_is_found() {
    let stub = Stub::answers(|_, asked| match asked.path.split('?').next().unwrap() {
        "/auth" => reply(201, "header.payload.signature"),
        CREATE => reply(200, ID),
        LIST if asked.path.contains("pageNo=2&") => page(&[row("COMPLETED")]),
        LIST => {
            let number = asked.path.split(['=', '&']).nth(1).unwrap();
            let other = |at: usize| json!({"reportId": format!("{number}-{at}"), "status": "COMPLETED"});
            reply(200, json!({"content": (0..50).map(other).collect::<Vec<_>>(), "last": false}).to_string())
        }
        _ => reply(200, PDF),
    })
    .await;
    Order::pdf().make(&stub.reader()).await.result.unwrap();
    let pages: Vec<String> =
        stub.asked().into_iter().map(|asked| asked.path).filter(|path| path.contains("pageNo")).collect();
    assert_eq!(pages.len(), 4, "one look before the create, and three pages: {pages:?}");
    assert!(pages.iter().all(|path| path.ends_with("&pageSize=50")), "{pages:?}");
}

// What a download may be.

#[tokio::test]
async fn a_download_is_the_file_or_a_link_to_it() {
    for (format, body) in [("pdf", PDF), ("csv", CSV)] {
        let file = body;
        let elsewhere = Stub::plays([reply(200, file)]).await;
        let link = format!("{}/r/1?sig=a%2Bb%3D", elsewhere.url);
        for answer in [
            body.to_owned(),
            link.clone(),
            format!("\"{link}\""),
            json!({"url": link, "reportId": ID}).to_string(),
        ] {
            let order = Order::new(&format!("format: {format}"));
            let outcome = order.make(&plays_download(reply(200, answer)).await.reader()).await;
            let made = outcome.result.unwrap();
            assert_eq!(std::fs::read_to_string(made.file).unwrap(), body);
        }
        let asked = elsewhere.asked();
        assert_eq!(asked.len(), 3);
        for asked in asked {
            assert_eq!(asked.path, "/r/1?sig=a%2Bb%3D", "the link is followed as it is");
            assert_eq!(asked.header("authorization"), None, "credentials stay where they belong");
        }
    }
}

#[tokio::test]
async fn a_link_to_the_platform_itself_is_signed_in_to_only_where_it_is_refused_without() {
    for needs_login in [false, true] {
        let stub = downloads(move |_, asked| {
            if asked.path.contains("/download?") {
                return reply(200, format!("http://{}/files/1", asked.header("host").unwrap()));
            }
            match asked.header("authorization") {
                None if needs_login => reply(401, ""),
                Some(_) if !needs_login => reply(400, "two ways to log in"),
                None | Some(_) => reply(200, PDF),
            }
        })
        .await;
        Order::pdf().make(&stub.reader()).await.result.unwrap();
    }
}

#[tokio::test]
async fn a_link_that_leads_astray_is_not_followed() {
    for (link, said) in [
        ("http://files.example.com/r/1.pdf", "http://files.example.com, and only https"),
        ("https://user:word@files.example.com/r/1.pdf", "only https without a user's name"),
    ] {
        let error = Order::pdf().fails(&plays_download(reply(200, link)).await).await;
        assert!(error.contains(said) && !error.contains("word@"), "{error}");
    }
    // What is no web address is no link at all.
    let stub = plays_download(reply(200, "ftp://files.example.com/r")).await;
    assert!(Order::pdf().fails(&stub).await.contains("something else came, where a PDF was asked for"));
}

#[tokio::test]
async fn a_link_that_is_refused_or_leads_on_says_so() {
    for (play, said) in [
        (reply(403, "<Error><Code>AccessDenied</Code></Error>"), "HTTP 403"),
        (reply(404, ""), "HTTP 404"),
        (reply(500, ""), "HTTP 500"),
        (
            with(reply(302, ""), "location", "https://files.example.com/?sig=hush"),
            "a redirect to https://files.example.com/",
        ),
        (reply(200, "https://files.example.com/r/2.pdf"), "something else came"),
        (reply(200, "<html><title>Sign in</title></html>"), "an HTML page titled \"Sign in\""),
        (Play::Torn(PDF.to_owned()), "the answer broke off"),
    ] {
        let elsewhere = Stub::plays([play]).await;
        let stub = plays_download(reply(200, format!("{}/r/1?sig=hush", elsewhere.url))).await;
        let error = Order::pdf().fails(&stub).await;
        let begin = format!("could not download assessment report {ID}: the link to 127.0.0.1: ");
        assert!(error.starts_with(&begin) && error.contains(said) && error.contains("hint: "), "{error}");
        assert!(!error.contains("hush"), "a link is a secret: {error}");
    }
}

#[tokio::test]
async fn what_is_no_such_file_is_never_put_in_place() {
    for (format, play, said) in [
        ("pdf", reply(200, "<html><title>Sign in</title></html>"), "an HTML page titled"),
        ("pdf", reply(200, CSV), "something else came, where a PDF was asked for"),
        ("pdf", reply(200, ""), "an empty answer"),
        ("pdf", reply(200, r#"{"errorCode": "5001", "message": "not now"}"#), "5001: not now"),
        ("pdf", reply(200, r#"{"status": "COMPLETED"}"#), "JSON without a link"),
        ("pdf", Play::Torn(PDF.to_owned()), "the answer broke off"),
        ("csv", reply(200, PDF), "a PDF came, where CSV was asked for"),
        ("csv", reply(200, "PK\u{3}\u{4}zip"), "a ZIP archive"),
        ("csv", reply(200, "<html>hello</html>"), "an HTML page"),
        ("csv", reply(200, r#"{"message": "not now"}"#), "JSON without a link"),
        ("csv", reply(200, "\n"), "an empty answer"),
        ("csv", Play::Torn(CSV.to_owned()), "the answer broke off"),
    ] {
        let order = Order::new(&format!("format: {format}"));
        let error = order.fails(&plays_download(play.clone()).await).await;
        assert!(error.contains(said), "{play:?}: {error}");
    }
}

// What may go wrong on the way.

#[tokio::test]
async fn a_report_that_ends_without_a_file_says_how() {
    let mut expired = row("COMPLETED");
    expired["expiresOn"] = json!("2021-02-02");
    for (row, said) in [
        (row("FAILED"), "the platform ended report 5d3f9c1e-0b7a-4c21-9f64-2f1d6a1b8e70 as FAILED"),
        (row("REJECTED"), "as REJECTED"),
        (row("EXPIRED"), "expired on 2999-01-01, and cannot be downloaded any more"),
        (expired, "expired on 2021-02-02, and cannot be downloaded any more (hint: make it again)"),
        (row("PROCESSING"), "is not completed after 0s: its state is PROCESSING; it stays on the platform"),
        (row("A_NEW_WORD"), "its state is A_NEW_WORD"),
        (json!({"reportId": "another", "status": "COMPLETED"}), "it is not in the list"),
    ] {
        let stub = lists(move |_| page(std::slice::from_ref(&row))).await;
        let error = Order::pdf().fails(&stub).await;
        assert!(error.contains(said), "{said} is not in {error}");
    }
}

#[tokio::test]
async fn a_refusal_of_each_call_is_one_readable_line() {
    let forbidden = || reply(403, r#"{"errorCode": "403 FORBIDDEN", "message": "no access to reports"}"#);
    let limited = || with(reply(429, ""), "x-ratelimit-towait-sec", "86400");
    let plays = || {
        [
            (reply(401, ""), "HTTP 401"),
            (forbidden(), "no access to reports"),
            (reply(404, ""), "HTTP 404"),
            (limited(), "the rate limit asks to wait 86400 s"),
        ]
    };
    for (play, said) in plays() {
        let platform = Platform {
            create: move |_, _: &Asked| play.clone(),
            list: completed,
            download: |_, _: &Asked| reply(200, PDF),
        };
        let error = Order::pdf().fails(&platform.start().await).await;
        assert!(error.starts_with("could not create assessment report weekly-2"), "{error}");
        assert!(error.contains(said) && error.contains("hint: "), "{error}");
    }
    for (play, said) in plays() {
        let error = Order::pdf().fails(&lists(move |_| play.clone()).await).await;
        assert!(error.starts_with("could not list assessment reports: ") && error.contains(said), "{error}");
        assert!(error.contains("hint: "), "{error}");
    }
    for (play, said) in plays() {
        let error = Order::pdf().fails(&plays_download(play).await).await;
        assert!(error.starts_with(&format!("could not download assessment report {ID}: ")), "{error}");
        assert!(error.contains(said) && error.contains("hint: "), "{error}");
    }
}

#[tokio::test]
async fn a_look_that_fails_once_is_no_end() {
    let stub = lists(|turn| match turn {
        0 => page(&[]),
        1..=6 => reply(502, "<html>bad gateway</html>"),
        _ => page(&[row("COMPLETED")]),
    })
    .await;
    Order::pdf().make(&stub.reader()).await.result.unwrap();
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_looked_for_before_it_is_sent_again() {
    // Made all the same: found by its name, and not asked for twice.
    let stub = Stub::answers({
        let name = std::sync::Mutex::new(Value::Null);
        move |_, asked| match asked.path.split('?').next().unwrap() {
            "/auth" => reply(201, "header.payload.signature"),
            CREATE => {
                *name.lock().unwrap() = asked.json()["reportName"].clone();
                Play::Close
            }
            LIST => {
                let mut found = row("COMPLETED");
                found["reportName"] = name.lock().unwrap().clone();
                found["createdAt"] = json!(Timestamp::now().to_string());
                let old = json!({"reportId": "11111111-1111-4111-8111-111111111111", "reportName": found["reportName"],
                    "createdAt": "2021-01-25T06:04:27.000Z", "status": "FAILED"});
                page(&[old, found])
            }
            _ => reply(200, PDF),
        }
    })
    .await;
    let outcome = Order::pdf().make(&stub.reader()).await;
    assert_eq!((outcome.word(), outcome.id.as_deref()), ("made", Some(ID)), "{outcome:?}");
    assert_eq!(stub.asked().iter().filter(|asked| asked.path == CREATE).count(), 1);

    // Not made: asked for once more.
    let lost_once = |turn, _: &Asked| if turn == 0 { Play::Close } else { reply(200, ID) };
    let stub = Platform { create: lost_once, list: completed, download: |_, _: &Asked| reply(200, PDF) }
        .start()
        .await;
    assert_eq!(Order::pdf().make(&stub.reader()).await.word(), "made");
    assert_eq!(stub.asked().iter().filter(|asked| asked.path == CREATE).count(), 2);

    // Never answered, and something else than an id.
    for answer in [Play::Close, reply(200, "done"), reply(200, "")] {
        let stub = Platform {
            create: move |_, _: &Asked| answer.clone(),
            list: completed,
            download: |_, _: &Asked| reply(200, PDF),
        }
        .start()
        .await;
        let error = Order::pdf().fails(&stub).await;
        assert!(error.contains("the report is not in the list, so it may or may not be made"), "{error}");
        assert_eq!(stub.asked().iter().filter(|asked| asked.path == CREATE).count(), 2);
    }
}

#[tokio::test]
async fn asked_to_stop_it_waits_no_longer_and_says_what_stays() {
    let (stop, order) = (Stop::new(), Order::pdf());
    let asks = stop.clone();
    let stub = lists(move |turn| {
        if turn == 3 {
            asks.request();
        }
        page(&[row("PROCESSING")])
    })
    .await;
    let outcome = order.make_until(&stub.reader(), &stop).await;
    assert_eq!(outcome.word(), "stopped", "{outcome:?}");
    let error = outcome.result.unwrap_err().to_string();
    assert_eq!(error, format!("stopped while the platform makes it: report {ID} stays there"));
    assert_eq!(order.files(), [""; 0]);
}

#[tokio::test]
async fn older_platforms_are_asked_at_the_portal_by_user_and_password() {
    let stub = plays_download(reply(200, PDF)).await;
    let endpoint = Endpoint { cloudview_auth: trueup::resource::CloudviewAuth::Basic, ..stub.endpoint() };
    Order::pdf().make(&Reader::connect(endpoint).unwrap()).await.result.unwrap();
    let asked = stub.asked();
    assert!(
        asked.iter().all(|asked| asked.header("authorization").unwrap().starts_with("Basic ")),
        "{asked:?}"
    );
}

// The connectors of a report.

async fn with_connectors(connectors: Value) -> Stub {
    Stub::answers(move |_, asked| match asked.path.split('?').next().unwrap() {
        "/auth" => reply(201, "header.payload.signature"),
        CREATE => reply(200, ID),
        LIST => page(&[row("COMPLETED")]),
        path if path.contains("/search/am/gcpassetdataconnector") => {
            let all = connectors.as_array().unwrap();
            let data: Vec<Value> = all.iter().map(|one| json!({"GcpAssetDataConnector": one})).collect();
            crate::stub::success(&json!({"count": data.len(), "hasMoreRecords": "false", "data": data}))
        }
        _ => reply(200, PDF),
    })
    .await
}

#[tokio::test]
async fn connectors_are_named_to_cloudview_by_its_own_ids() {
    let uuid = "7a3b6f10-9a55-4be2-8d0c-1f2e3d4c5b6a";
    let connector = json!({"id": 7, "name": "analytics", "cloudviewUuid": uuid});
    let order = Order::new("format: pdf, connectors: [gcp/analytics]");
    let stub = with_connectors(json!([connector])).await;
    order.make(&stub.reader()).await.result.unwrap();
    let asked = stub.asked();
    let create = asked.iter().find(|asked| asked.path == CREATE).unwrap();
    assert_eq!(create.json()["connectorIds"], json!([uuid]));

    for (live, said) in [
        (json!([]), "could not find gcp/analytics: neither on the platform nor in the file"),
        (json!([{"id": 7, "name": "analytics"}]), "gcp/analytics has no id in CloudView"),
        (json!([connector, {"id": 8, "name": "analytics", "cloudviewUuid": "x"}]), "several bear that name"),
    ] {
        let stub = with_connectors(live).await;
        let error = order_fails_before_create(&stub).await;
        assert!(error.contains(said), "{error}");
    }
}

async fn order_fails_before_create(stub: &Stub) -> String {
    let error = Order::new("format: pdf, connectors: [gcp/analytics]").fails(stub).await;
    assert!(stub.asked().iter().all(|asked| asked.path != CREATE), "nothing is asked for");
    error
}
