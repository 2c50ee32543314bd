//! `trueup report` against the simulator, which takes a report a step further with each look.

use serde_json::{Value, json};

use crate::bin::{Ended, Folder, Simulator};

const POLICY: &str = "0e7c2b5a-53c4-4a0e-8f0b-6a3f5d9e1c44";

pub(crate) fn sections() -> String {
    format!(
        "reports:\n\
         - {{name: gcp-weekly, cloud: GCP, format: pdf, policies: [{POLICY}], connectors: [gcp/research], period: 7d}}\n\
         - {{name: aws all, cloud: aws, format: csv, policies: [{POLICY}], results: [FAIL], download_to: ./csv/made}}\n"
    )
}

fn with_platform() -> (Folder, Simulator) {
    let aside = Folder::with("");
    let simulator = Simulator::start(&aside, &[]);
    (Folder::remote(&simulator.url, &sections()), simulator)
}

#[track_caller]
fn paths(ended: &Ended) -> Vec<String> {
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn both_formats_are_made_twice_and_the_first_files_stay_as_they_are() {
    let (folder, simulator) = with_platform();
    let first = paths(&folder.expect(0, &["report", "gcp-weekly", "aws all"]));
    let contents: Vec<Vec<u8>> = first.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let second = paths(&folder.expect(0, &["report", "gcp-weekly", "aws all", "aws all"]));
    assert_eq!((first.len(), second.len()), (2, 2), "{first:?} {second:?}");
    for (at, (folder_name, begin, end)) in
        [("reports", "gcp-weekly-2", ".pdf"), ("csv/made", "aws-all-2", ".csv")].into_iter().enumerate()
    {
        assert_ne!(first[at], second[at]);
        for path in [&first[at], &second[at]] {
            let path = std::path::Path::new(path);
            assert_eq!(path.parent().unwrap(), folder.path(folder_name));
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with(begin) && name.ends_with(end), "{name}");
        }
        assert_eq!(std::fs::read(&first[at]).unwrap(), contents[at], "the first is untouched");
        assert_eq!(
            std::fs::read_dir(folder.path(folder_name)).unwrap().count(),
            2,
            "and nothing else is left"
        );
    }
    assert!(contents[0].starts_with(b"%PDF-"));
    assert!(String::from_utf8_lossy(&contents[1]).lines().count() > 1);

    // The one about a connector names it by its id in CloudView; nothing but reports was written.
    let reports = simulator.objects("report");
    let connector = simulator.object("gcp", "research");
    let named = reports.iter().find(|report| report["format"] == "pdf").unwrap();
    assert_eq!(named["connectorIds"], json!([connector["cloudviewUuid"]]));
    let writes = simulator.writes();
    assert_eq!(writes.len(), 4, "{writes:?}");
    assert!(writes.iter().all(|write| write["path"] == "/cloudview-api/rest/v1/report/assessment/create"));
}

#[test]
fn every_way_to_a_download_gives_the_same_kind_of_file() {
    let (folder, simulator) = with_platform();
    for (download, login) in [
        ("link_in_json", "ignored"),
        ("link_in_text", "refused"),
        ("link_in_json", "required"),
        ("file", "ignored"),
    ] {
        simulator.options(&json!({"report_download": download, "report_link_login": login}));
        let made = paths(&folder.expect(0, &["report", "gcp-weekly", "aws all"]));
        assert!(std::fs::read(&made[0]).unwrap().starts_with(b"%PDF-"), "{download}");
        assert!(std::fs::read_to_string(&made[1]).unwrap().contains(','), "{download}");
    }
}

#[test]
fn a_connector_that_is_managed_through_cloudview_is_named_by_its_own_id() {
    let (folder, simulator) = with_platform();
    folder.edit("pod: simulator,", "pod: simulator, connectors_api: cloudview,");
    folder.expect(0, &["report", "gcp-weekly"]);
    let connector = simulator.object("gcp", "research");
    assert_eq!(simulator.objects("report")[0]["connectorIds"], json!([connector["cloudviewUuid"]]));
}

#[test]
fn progress_is_told_and_json_says_what_was_made() {
    let (folder, _simulator) = with_platform();
    let ended = folder.expect(0, &["report", "gcp-weekly", "--format", "json", "--log-format", "json"]);
    let json = ended.json();
    assert_eq!((&json["format"], &json["exit"]), (&json!("trueup.report/v1"), &json!(0)));
    let made = &json["reports"][0];
    assert_eq!(
        (&made["name"], &made["outcome"], &made["error"]),
        (&json!("gcp-weekly"), &json!("made"), &Value::Null)
    );
    let file = std::path::Path::new(made["file"].as_str().unwrap());
    assert_eq!(made["bytes"], std::fs::metadata(file).unwrap().len());

    let events = ended.events();
    let named =
        |name: &str| -> Vec<&Value> { events.iter().filter(|event| event["event"] == name).collect() };
    assert_eq!(named("report_started").len(), 1);
    let states: Vec<&Value> = named("report_progress").iter().map(|event| &event["state"]).collect();
    assert_eq!(states, ["ACCEPTED", "QUEUED", "PROCESSING", "COMPLETED"]);
    let finished = named("report_finished")[0];
    assert_eq!(
        (&finished["name"], &finished["file"], &finished["bytes"]),
        (&made["name"], &made["file"], &made["bytes"])
    );
    assert!(finished["duration_ms"].is_u64(), "{finished}");
}

#[test]
fn what_fails_is_said_and_the_others_are_made() {
    let (folder, simulator) = with_platform();
    simulator.options(&json!({"report_end": "rejected"}));
    let ended = folder.expect(1, &["report", "gcp-weekly", "--log-format", "json"]);
    let failed = ended.events().into_iter().find(|event| event["event"] == "report_failed").unwrap();
    assert_eq!((&failed["name"], &failed["level"]), (&json!("gcp-weekly"), &json!("ERROR")));
    assert!(failed["error"].as_str().unwrap().contains("as REJECTED"), "{failed}");
    assert_eq!(ended.stdout, "");

    simulator.options(&json!({"report_end": "never"}));
    let ended = folder.expect(1, &["report", "gcp-weekly", "--timeout", "1s", "--format", "json"]);
    let error = ended.json()["reports"][0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("is not completed after 1s: its state is "), "{error}");
    assert!(error.ends_with("; it stays on the platform"), "{error}");

    // A connector that is gone fails the one report that names it.
    simulator.options(&json!({"report_end": "completed"}));
    folder.edit("gcp/research", "gcp/elsewhere");
    let ended = folder.expect(1, &["report", "gcp-weekly", "aws all", "--format", "json"]).json();
    assert_eq!(
        ended["reports"][0]["error"],
        "could not find gcp/elsewhere: neither on the platform nor in the file"
    );
    assert_eq!(ended["reports"][1]["outcome"], "made", "{ended}");
}

#[test]
fn a_name_that_the_file_does_not_have_is_wrong_usage_and_those_it_has_are_told() {
    let folder = Folder::remote("http://127.0.0.1:9", &sections());
    let wrong = folder.expect(64, &["report", "gcp-weekly", "nightly"]);
    assert!(wrong.stderr.contains("error: no such report: nightly"), "{wrong}");
    assert!(wrong.stderr.contains("hint: the file has gcp-weekly, aws all"), "{wrong}");
    let json = folder.expect(64, &["report", "nightly", "--format", "json"]).json();
    assert_eq!(json["exit"], 64);
    let none = Folder::simulated("").expect(64, &["report", "nightly"]);
    assert!(none.stderr.contains("the file has no reports"), "{none}");
}

#[test]
fn a_create_whose_answer_is_lost_makes_one_report() {
    let (folder, simulator) = with_platform();
    simulator
        .fault(&json!({"kind": "lost", "method": "POST", "path": "/report/assessment/create", "times": 1}));
    folder.expect(0, &["report", "gcp-weekly"]);
    assert_eq!(simulator.objects("report").len(), 1, "it was found, not made again");
}
