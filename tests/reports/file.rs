//! The section `reports` of the file: what it takes, what it refuses and where.

use serde_json::json;

use crate::bin::Folder;

const POLICY: &str = "0e7c2b5a-53c4-4a0e-8f0b-6a3f5d9e1c44";

#[test]
fn every_mistake_is_said_with_its_place_and_what_is_accepted() {
    for (entry, expected) in [
        ("{name: a, cloud: GCP, format: pdf, polices: [P]}", "4:38: unknown key `polices`"),
        ("{name: a, cloud: GCP, format: pdf}", "`policies` is missing"),
        ("{name: a, cloud: OCI, format: pdf, policies: [P]}", "unknown value `OCI`"),
        ("{name: a, cloud: GCP, format: docx, policies: [P]}", "unknown value `docx`"),
        ("{name: a, cloud: GCP, format: pdf, policies: [P, Q]}", "a PDF is about exactly one policy, not 2"),
        ("{name: a, cloud: GCP, format: pdf, policies: []}", "a PDF is about exactly one policy, not 0"),
        ("{name: a, cloud: GCP, format: csv, policies: []}", "a report without a policy"),
        ("{name: a, cloud: GCP, format: csv, policies: [mine]}", "`mine` is no policy"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], results: [OK]}", "unknown value `OK`"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], results: []}", "a report of no result"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], period: 30m}", "is not between 1h and 366d"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], period: 10000d}", "is not between 1h and 366d"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], period: soon}", "`soon` is no length of time"),
        (
            "{name: a, cloud: GCP, format: csv, policies: [P], cron: \"0 6 * * 1\"}",
            "has seven fields, this one 5",
        ),
        ("{name: a, cloud: GCP, format: csv, policies: [P], timezone: Mars}", "unknown time zone `Mars`"),
        (
            "{name: a, cloud: GCP, format: csv, policies: [P], connectors: [aws/x]}",
            "`aws/x` is no connector of GCP",
        ),
        ("{name: a, cloud: GCP, format: csv, policies: [P], connectors: [x]}", "`x` is no address"),
        (
            "{name: a, cloud: GCP, format: csv, policies: [P], connectors: [gpc/x]}",
            "`gpc/x` is no address of a connector",
        ),
        ("{name: a, cloud: GCP, format: csv, policies: [P], connectors: []}", "a report of no connector"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], resource_summary: true}", "for PDF alone"),
        ("{name: ../a, cloud: GCP, format: csv, policies: [P]}", "the name holds a path separator"),
        ("{name: .a, cloud: GCP, format: csv, policies: [P]}", "the name starts with a dot"),
        ("{name: \"\", cloud: GCP, format: csv, policies: [P]}", "an empty name"),
        ("{name: a, cloud: GCP, format: csv, policies: [P], download_to: \"\"}", "an empty path"),
        ("weekly", "expected an entry of reports (key: value)"),
    ] {
        let entry = entry.replace('P', POLICY).replace('Q', "3f6c2b5a-53c4-4a0e-8f0b-6a3f5d9e1c44");
        // The formats' names are not policies.
        let entry = entry.replace(&format!("GC{POLICY}"), "GCP");
        let folder =
            Folder::with(&format!("version: 1\nplatform: {{pod: simulator}}\nreports:\n- {entry}\n"));
        let wrong = folder.expect(78, &["validate", "--format", "json"]).json();
        let problem = &wrong["errors"][0];
        assert_eq!(wrong["errors"].as_array().map(Vec::len), Some(1), "{entry}: {wrong}");
        assert_eq!(problem["line"], 4, "{wrong}");
        assert!(problem["hint"].is_string(), "{wrong}");
        let said =
            format!("{}:{}: {}", problem["line"], problem["column"], problem["message"].as_str().unwrap());
        assert!(said.contains(expected), "{entry}: {said}");
    }
}

#[test]
fn a_name_stands_once_and_a_connector_that_the_file_lacks_is_a_warning() {
    let report = |more: &str| format!("- {{name: a, cloud: gcp, format: CSV, policies: [{POLICY}]{more}}}\n");
    let twice = format!("version: 1\nplatform: {{pod: simulator}}\nreports:\n{}{}", report(""), report(""));
    let wrong = Folder::with(&twice).expect(78, &["validate"]);
    assert!(wrong.stderr.contains("the report `a` is declared twice, first at config.yaml:4"), "{wrong}");

    let gcp = "connectors: {gcp: [{name: analytics, project_id: analytics-208707, service_account_key: {env: K}}]}\n";
    let folder = Folder::with(&format!(
        "version: 1\nplatform: {{pod: simulator}}\n{gcp}reports:\n{}",
        report(", connectors: [gcp/analytcs, gcp/analytics]")
    ));
    let valid = folder.expect(0, &["validate", "--format", "json"]).json();
    assert_eq!(valid["warnings"].as_array().map(Vec::len), Some(1), "{valid}");
    assert_eq!(valid["warnings"][0]["message"], "`gcp/analytcs` is not in the file");
    assert!(
        valid["warnings"][0]["hint"].as_str().unwrap().starts_with("did you mean `gcp/analytics`?"),
        "{valid}"
    );
}

#[test]
fn validate_tells_the_next_runs_in_the_zone_of_the_report() {
    let folder = Folder::with(&format!(
        "version: 1\nplatform: {{pod: simulator}}\nreconcile: {{timezone: Asia/Kolkata}}\nreports:\n\
         - {{name: a, cloud: AWS, format: pdf, policies: [{POLICY}], cron: \"0 0 6 1 1 * *\", timezone: Europe/Berlin}}\n\
         - {{name: b, cloud: azure, format: pdf, policies: [{POLICY}], cron: \"0 0 6 1 7 * *\"}}\n\
         - {{name: c, cloud: Azure, format: pdf, policies: [{POLICY}]}}\n"
    ));
    let valid = folder.expect(0, &["validate"]);
    assert_eq!(valid.stderr, "", "the zone of all is of use to a report");
    for (name, at, zone) in [("a", "-01-01 06:00", "Europe/Berlin"), ("b", "-07-01 06:00", "Asia/Kolkata")] {
        let line = valid
            .stdout
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("report/{name}  next runs  ")));
        let line = line.unwrap_or_else(|| panic!("no report/{name} in {valid}"));
        assert_eq!(line.matches(at).count(), 3, "{line}");
        assert!(line.ends_with(zone), "{line}");
    }
    assert!(!valid.stdout.contains("report/c"), "{valid}");
    let json = folder.expect(0, &["validate", "--format", "json"]).json();
    assert_eq!(json["schedules"][0]["address"], "report/a");
    let runs = json["schedules"][0]["next_runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.as_str().unwrap().ends_with("-01-01T05:00:00Z")), "{runs:?}");
    assert_eq!(json["declared"], json!(0), "a report is no object");
}
