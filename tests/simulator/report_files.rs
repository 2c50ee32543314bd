//! The files of assessment reports: what stands in them, and that readers can read them.

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::{Remote, changed};
use crate::gateway::Gateway;
use crate::reports::{OTHER_POLICY, POLICY, connector, create, download_of, file, list, request};

/// The CSV of a report with some fields changed, without its header row.
async fn rows(fields: &Value) -> Vec<Vec<String>> {
    let body = changed(request(), &json!({"format": "csv", "resourceResults": []}));
    let answer = file(&[], &changed(body, fields)).await;
    let mut lines = answer.body.split_terminator("\r\n");
    let header =
        "Policy ID,Control ID,Resource ID,Resource Type,Connector,Account,Evaluation Date,Resource Result";
    assert_eq!(lines.next(), Some(header));
    lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn the_csv_has_a_row_for_each_result_of_each_connector_and_policy() {
    let rows = rows(&json!({"cloudType": "AWS", "policyIds": [POLICY, OTHER_POLICY]})).await;
    assert_eq!(rows.len(), 2 * 3 * 3, "policies, connectors of the example, resources: {rows:?}");
    assert_eq!(
        rows[0],
        [
            POLICY,
            "45",
            "210987654321/s3-bucket",
            "S3 Bucket",
            "prod-web",
            "210987654321",
            "2026-01-25T08:46:36Z",
            "PASS"
        ]
    );
    let of_one = |name: &str| rows.iter().filter(|row| row[4] == name).count();
    assert_eq!((of_one("prod-web"), of_one("shared-services"), of_one("sandbox")), (6, 6, 6));
}

#[tokio::test]
async fn the_csv_holds_what_was_asked_for_alone() {
    let gateway = Gateway::with(&[]).await;
    // The example is the same every time: so are its ids.
    let lab = connector(&gateway, "azure", "corp-lab").await;
    let rows_of = async |fields: Value| rows(&fields).await;
    let one = rows_of(json!({"cloudType": "Azure", "connectorIds": [lab]})).await;
    assert!(one.len() == 3 && one.iter().all(|row| row[4] == "corp-lab"), "{one:?}");
    for (wanted, found) in [
        (json!(["PASS"]), vec!["PASS"]),
        (json!(["Pass", "PassE"]), vec!["PASS", "PASSE"]),
        (json!(["FAIL"]), vec!["FAIL"]),
    ] {
        let rows = rows_of(json!({"cloudType": "GCP", "resourceResults": wanted})).await;
        let results: Vec<_> = rows.iter().map(|row| row[7].as_str()).collect();
        assert_eq!(results, found);
    }
}

#[tokio::test]
async fn names_with_commas_and_quotes_are_one_cell_of_the_csv() {
    let gateway = Gateway::with(&[("report_download", "file")]).await;
    let renamed = json!({"kind": "gcp", "name": "research", "set": {"name": "a \"b\", c\nd"}});
    gateway.remote.control("POST", "/_sim/objects", renamed).await;
    let body = changed(request(), &json!({"format": "csv"}));
    let id = create(&gateway, &body).await;
    for _ in 0..3 {
        list(&gateway).await;
    }
    let file = gateway.call("GET", &download_of(&id, "csv"), &Value::Null).await;
    assert_eq!(file.headers["content-type"], "text/csv");
    assert!(file.body.contains(",\"a \"\"b\"\", c\nd\","), "{}", file.body);
}

/// Reads a PDF as a reader does: from its end to the table of places, from there to the objects. Gives the page's text.
fn read_pdf(file: &str) -> String {
    assert!(file.starts_with("%PDF-1.") && file.ends_with("%%EOF\n"), "{file}");
    let begin: usize = file.rsplit_once("startxref\n").unwrap().1.lines().next().unwrap().parse().unwrap();
    let mut table = file[begin..].lines();
    assert_eq!(table.next(), Some("xref"));
    let (first, count) = table.next().unwrap().split_once(' ').unwrap();
    assert_eq!(first, "0");
    let count: usize = count.parse().unwrap();
    let entries: Vec<_> = table.by_ref().take(count).collect();
    assert!(entries.iter().all(|entry| entry.len() == 19), "with its end each has 20 bytes: {entries:?}");
    assert_eq!(entries[0], "0000000000 65535 f ");
    for (number, entry) in entries.iter().enumerate().skip(1) {
        let place: usize = entry[..10].parse().unwrap();
        assert!(file[place..].starts_with(&format!("{number} 0 obj\n")), "{number} is not at {place}");
    }
    assert_eq!(table.next(), Some("trailer"));
    assert!(table.next().unwrap().contains(&format!("/Size {count} /Root 1 0 R")));
    let (head, rest) = file.split_once("\nstream\n").unwrap();
    let length: usize = head.rsplit_once("/Length ").unwrap().1.trim_end_matches(" >>").parse().unwrap();
    assert!(rest[length..].starts_with("\nendstream\nendobj\n"), "{length} is not the stream's length");
    rest[..length].to_owned()
}

#[tokio::test]
async fn the_pdf_is_one_page_whose_tables_are_right() {
    let text = read_pdf(&file(&[], &request()).await.body);
    for line in [
        "(Weekly \\(GCP\\)) Tj",
        "(What the auditors get) Tj",
        "(Cloud: GCP) Tj",
        "(Period: 2026-01-24T08:46:36Z to 2026-01-25T08:46:36Z) Tj",
        &format!("(Policy: {POLICY}) Tj"),
        "(Passed: 1) Tj",
        "(Failed: 0) Tj",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    assert!(!text.contains("control"), "no details unless asked for: {text}");
    let fields = json!({"resourceSummaryInclude": true, "reportName": "Pr\u{fc}fung \u{2713} \\", "resourceResults": []});
    let text = read_pdf(&file(&[], &changed(request(), &fields)).await.body);
    assert!(text.contains("(Pr\\374fung ? \\\\) Tj"), "{text}");
    assert_eq!(text.matches("control").count(), 3, "{text}");
}

#[tokio::test]
async fn what_does_not_fit_on_the_page_is_counted_there() {
    let mut settings = Settings { seed: Seed::Empty, ..Settings::default() };
    settings.generate.insert("aws".to_owned(), 40);
    settings.options.set("report_download", "file").unwrap();
    let gateway = Gateway::of(Remote::on(settings).await).await;
    let fields = json!({"cloudType": "AWS", "resourceSummaryInclude": true, "resourceResults": []});
    let id = create(&gateway, &changed(request(), &fields)).await;
    for _ in 0..3 {
        list(&gateway).await;
    }
    let text = read_pdf(&gateway.call("GET", &download_of(&id, "pdf"), &Value::Null).await.body);
    let lines = text.matches(" Tj T*").count();
    // Eleven lines come before the 120 findings.
    assert!(text.contains(&format!("(and {} more lines) Tj", 131 - (lines - 1))), "{lines}: {text}");
}
