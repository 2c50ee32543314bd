//! The state file: one story over several processes.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings, StartError, start, start_or_join};

use crate::client::{AWS, Remote, ask};
use crate::samples::{connector, request};

const ARN: &str = "arn:aws:iam::123456789012:role/QualysConnector";

fn settings(directory: &Path) -> Settings {
    Settings { state: Some(directory.join("trueup-simulator.json")), ..Settings::default() }
}

async fn count(url: &str) -> Value {
    let path = format!("/qps/rest/3.0/search/am/{AWS}");
    ask(url, "POST", &path).json().send().await.value()["ServiceResponse"]["count"].clone()
}

#[tokio::test]
async fn objects_and_ids_go_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let remote = Remote::on(settings(directory.path())).await;
    let created = remote.json("create", AWS, request(&connector("payments", ARN))).await;
    let id = created["data"][0]["AwsAssetDataConnector"]["id"].as_u64().unwrap();
    remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    let tag = remote
        .json("create", "tag", json!({"ServiceRequest": {"data": {"Tag": {"name": "short-lived"}}}}))
        .await;
    let tag = tag["data"][0]["Tag"]["id"].as_u64().unwrap();
    remote.json("delete", &format!("tag/{tag}"), Value::Null).await;
    remote.simulator.shutdown().await;

    // Twice: what is compacted at open is the same story.
    for _ in 0..2 {
        let remote = Remote::on(Settings { seed: Seed::Empty, ..settings(directory.path()) }).await;
        let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
        assert_eq!(got["data"][0]["AwsAssetDataConnector"]["name"], "payments");
        assert_eq!(count(remote.simulator.url()).await, 4, "the seed is for the first start alone");
        let gone = remote.json("get", &format!("tag/{tag}"), Value::Null).await;
        assert_eq!(gone["responseCode"], "OBJECT_NOT_FOUND");
        remote.simulator.shutdown().await;
    }
    let remote = Remote::on(settings(directory.path())).await;
    let next =
        remote.json("create", "tag", json!({"ServiceRequest": {"data": {"Tag": {"name": "next"}}}})).await;
    assert!(next["data"][0]["Tag"]["id"].as_u64().unwrap() > tag, "ids are never used again");
}

#[tokio::test]
async fn a_change_is_on_disk_before_it_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let remote = Remote::on(settings(directory.path())).await;
    remote.json("create", AWS, request(&connector("payments", ARN))).await;
    let text = fs::read_to_string(directory.path().join("trueup-simulator.json")).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["kind"], &last["object"]["name"]), (&json!("aws"), &json!("payments")));
}

#[cfg(unix)]
#[tokio::test]
async fn the_state_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let _remote = Remote::on(settings(directory.path())).await;
    let mode = fs::metadata(directory.path().join("trueup-simulator.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_torn_last_line_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    Remote::on(settings(directory.path())).await.simulator.shutdown().await;
    let path = directory.path().join("trueup-simulator.json");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"kind\":\"aws\",\"i").unwrap();
    let remote = Remote::on(settings(directory.path())).await;
    assert_eq!(count(remote.simulator.url()).await, 3);
    let aside = fs::read_to_string(directory.path().join("trueup-simulator.json.torn")).unwrap();
    assert_eq!(aside, "{\"kind\":\"aws\",\"i");
}

#[tokio::test]
async fn a_file_of_something_else_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trueup-simulator.json");
    fs::write(&path, "no line ends here").unwrap();
    let error = start(settings(directory.path())).await.unwrap_err();
    assert!(error.to_string().ends_with("line 1: this is no state file of a simulator"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "no line ends here");
}

#[tokio::test]
async fn a_broken_line_elsewhere_is_told_by_its_number() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trueup-simulator.json");
    fs::write(&path, "{\"trueup_simulator\":1,\"next_id\":9}\nnonsense\n").unwrap();
    let error = start(settings(directory.path())).await.unwrap_err();
    assert!(error.to_string().ends_with("trueup-simulator.json line 2"), "{error}");
}

#[tokio::test]
async fn a_second_one_joins_the_first_and_takes_over_when_it_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let first = start_or_join(settings(directory.path())).await.unwrap();
    assert!(!first.joined());
    let second = start_or_join(settings(directory.path())).await.unwrap();
    assert!(second.joined());
    assert_eq!(second.url(), first.url());
    let refused = start(settings(directory.path())).await.unwrap_err();
    assert!(matches!(refused, StartError::Locked { .. }), "{refused}");

    second.shutdown().await;
    assert_eq!(count(first.url()).await, 3, "who joined does not end the server");
    first.shutdown().await;
    let third = start_or_join(settings(directory.path())).await.unwrap();
    assert!(!third.joined());
    assert_eq!(count(third.url()).await, 3);
}

#[tokio::test]
async fn many_that_start_at_once_share_one_server() {
    let directory = tempfile::tempdir().unwrap();
    let all = futures::future::join_all((0..8).map(|_| start_or_join(settings(directory.path())))).await;
    let all: Vec<_> = all.into_iter().map(|running| running.unwrap()).collect();
    assert_eq!(all.iter().filter(|running| !running.joined()).count(), 1);
    assert!(all.iter().all(|running| running.url() == all[0].url()));
}

#[tokio::test]
async fn a_seed_file_and_generated_objects_are_the_same_every_time() {
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.json");
    let objects =
        json!({"tag": [{"name": "a"}], "aws": [{"name": "seeded", "arn": ARN, "defaultTags": ["a"]}]});
    fs::write(&seed, objects.to_string()).unwrap();
    let settings = Settings {
        seed: Seed::File(seed),
        generate: [("aws".to_owned(), 3), ("tag".to_owned(), 2)].into(),
        ..Settings::default()
    };
    let (first, second) = (Remote::on(settings.clone()).await, Remote::on(settings).await);
    let generated = first.json("search", AWS, Value::Null).await;
    assert_eq!(generated["count"], 4);
    let object = &generated["data"][1]["AwsAssetDataConnector"];
    assert_eq!(object["name"], "generated-00001");
    assert_eq!(object["arn"], "arn:aws:iam::900000000001:role/QualysConnector");
    assert_eq!(object["externalId"], "US1-1368984-00000001");
    let mut again = second.json("search", AWS, Value::Null).await;
    // The seeded one ran just now; generated ones carry fixed times.
    again["data"][0] = generated["data"][0].clone();
    assert_eq!(again, generated);
}

#[tokio::test]
async fn what_a_simulator_shows_is_a_seed_for_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let first = Remote::example().await;
    let objects = first.control("GET", "/_sim/objects", Value::Null).await;
    let seed = directory.path().join("seed.json");
    fs::write(&seed, objects.to_string()).unwrap();
    let second = Remote::on(Settings { seed: Seed::File(seed), ..Settings::default() }).await;
    assert_eq!(second.control("GET", "/_sim/objects", Value::Null).await, objects);
}

#[tokio::test]
async fn seeds_that_cannot_be_used_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.json");
    for (text, named) in [
        ("{", "could not understand the seed"),
        ("[]", "an object of kinds"),
        ("{\"cloud\": [{}]}", "there is no kind \"cloud\""),
        ("{\"aws\": [{\"name\": \"x\", \"colour\": 1}]}", "no field \"colour\""),
        ("{\"aws\": [{\"name\": \"x\", \"defaultTags\": [\"nope\"]}]}", "no tag \"nope\""),
        ("{\"cloud\": []}", "there is no kind \"cloud\""),
        ("{\"tag\": [{\"name\": \"a\"}, {\"color\": \"#AA0000\"}]}", "tag[1] \"\": tag objects need a name"),
        ("{\"objects\": [{\"kind\": \"cloud\"}]}", "objects[0]: there is no kind"),
    ] {
        fs::write(&seed, text).unwrap();
        let error =
            start(Settings { seed: Seed::File(seed.clone()), ..Settings::default() }).await.unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
    let unknown = Settings { generate: [("cloud".to_owned(), 1)].into(), ..Settings::default() };
    assert!(start(unknown).await.unwrap_err().to_string().contains("tag, aws"));
}

#[tokio::test]
async fn every_kind_can_be_seeded_in_the_form_that_the_page_shows() {
    let page = include_str!("../../docs/simulator.md");
    let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.json");
    fs::write(&seed, shown).unwrap();
    let remote = Remote::on(Settings { seed: Seed::File(seed.clone()), ..Settings::default() }).await;
    for kind in ["tag", "aws", "azure", "gcp", "oci", "global_scan"] {
        let objects = remote.control("GET", &format!("/_sim/objects?kind={kind}"), Value::Null).await;
        assert!(!objects["objects"].as_array().unwrap().is_empty(), "the page shows no {kind}");
    }
    let two = json!({"global_scan": [{"scanPrefix": "a"}, {"scanPrefix": "b"}]});
    fs::write(&seed, two.to_string()).unwrap();
    let error = start(Settings { seed: Seed::File(seed), ..Settings::default() }).await.unwrap_err();
    assert!(error.to_string().contains("no more than one"), "{error}");
}
