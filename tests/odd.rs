//! What others made on the platform, however odd, costs no more than itself: what the program prints of it.

#![allow(clippy::unwrap_used, reason = "helpers fail the test")]

#[path = "support/bin.rs"]
mod bin;
mod stub;

use bin::{Ended, Folder};
use serde_json::{Value, json};
use stub::{Asked, Play, Stub, reply, success};

fn search(asked: &Asked, noun: &str) -> bool {
    asked.path.ends_with(&format!("search/am/{noun}"))
}

/// A platform with these answers to a search of one noun, and nothing else.
async fn with(noun: &'static str, play: Play) -> Stub {
    Stub::answers(
        move |_, asked| {
            if search(asked, noun) { play.clone() } else { success(&json!({"count": 0})) }
        },
    )
    .await
}

async fn run(folder: Folder, args: &'static [&'static str], code: i32) -> Ended {
    tokio::task::spawn_blocking(move || folder.expect(code, args)).await.unwrap()
}

const SETTINGS: &str = "journal: off\nreconcile: {pull: declared}\n";

fn aws(id: u64, name: &str, account: &str) -> Value {
    json!({"AwsAssetDataConnector": {"id": id, "name": name, "arn": format!("arn:aws:iam::{account}:role/Q")}})
}

fn entries(accounts: &[&str]) -> String {
    let entry = |account: &&str| {
        format!(
            "    - {{name: a-{account}, arn: \"arn:aws:iam::{account}:role/Q\", external_id: US1-1-11112222, capabilities: [AI]}}\n"
        )
    };
    format!("{SETTINGS}connectors:\n  aws:\n{}", accounts.iter().map(entry).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_without_an_arn_is_a_row_and_keeps_back_the_creates_of_its_account_alone() {
    let legacy = json!({"AwsAssetDataConnector": {"id": 101, "name": "legacy", "awsAccountId": "999999999999",
        "connectorState": "INCOMPLETE", "isDeleted": "false"}});
    let stub = with("awsassetdataconnector", success(&json!({"count": 1, "data": [legacy]}))).await;
    let accounts = ["111122223333", "111122223334", "111122223335"];
    let plan = run(Folder::remote(&stub.url, &entries(&accounts)), &["plan"], 0).await;
    assert!(plan.stdout.contains("Plan: 3 to create"), "{plan}");
    assert!(plan.stdout.contains("? aws/#101 "), "{plan}");
    let both = ["111122223333", "999999999999"];
    let plan = run(Folder::remote(&stub.url, &entries(&both)), &["plan"], 0).await;
    assert!(plan.stdout.contains("Plan: 1 to create"), "{plan}");
    assert!(plan.stdout.contains("only 999999999999: holds aws/a-999999999999"), "{plan}");
    let ignoring = entries(&both).replace("pull: declared", "pull: declared, unmanaged_ignore: ['aws/#101']");
    let plan = run(Folder::remote(&stub.url, &ignoring), &["plan"], 0).await;
    assert!(plan.stdout.contains("Plan: 2 to create") && !plan.stdout.contains("#101"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_character_in_a_name_is_no_difference_and_in_a_tag_that_nobody_names_nothing_at_all() {
    let data = json!([aws(1, "a-111122223333", "111122223333"), aws(2, "a-111122223334", "111122223334")]);
    let Play::Reply(_, _, body) = success(&json!({"count": 2, "data": data})) else { unreachable!() };
    let body = body.replace("\"a-111122223333\"", r#""a-111122223333 \ud83d""#);
    let stub = with("awsassetdataconnector", reply(200, body)).await;
    let file = entries(&["111122223333", "111122223334"])
        .replace(", external_id: US1-1-11112222, capabilities: [AI]", "");
    let plan = run(Folder::remote(&stub.url, &file), &["plan", "--detailed-exitcode"], 0).await;
    assert!(plan.stdout.contains("in sync · 2 unchanged"), "{plan}");
    assert!(plan.stdout.contains("a-111122223333 \u{fffd}"), "{plan}");

    let tag = r#"{"ServiceResponse": {"responseCode": "SUCCESS", "count": 1, "data": [{"Tag": {"id": 1, "name": "x\ude00"}}]}}"#;
    let stub = with("tag", reply(200, tag)).await;
    let plan = run(Folder::remote(&stub.url, &file), &["plan"], 0).await;
    assert!(plan.stdout.contains("Plan: 2 to create"), "{plan}");
    assert!(!plan.stdout.contains("tag/"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_costs_its_kind_nothing() {
    let mut odd = aws(1, "odd", "999999999999");
    odd["AwsAssetDataConnector"]["runFrequency"] = json!({"s3cret": 1});
    let data = json!([odd, aws(2, "a-111122223334", "111122223334")]);
    let stub = with("awsassetdataconnector", success(&json!({"count": 2, "data": data}))).await;
    let plan = run(Folder::remote(&stub.url, &entries(&["111122223335"])), &["plan"], 0).await;
    assert!(plan.stdout.contains("Plan: 1 to create"), "{plan}");
    assert!(plan.stdout.contains("\"odd\", cannot be read at runFrequency: holds nothing"), "{plan}");
    assert!(!plan.stdout.contains("s3cret"), "{plan}");
    let plan = run(Folder::remote(&stub.url, &entries(&["999999999999"])), &["plan"], 1).await;
    assert!(plan.stdout.contains("its object (id 1) cannot be read at runFrequency"), "{plan}");
    let file = "journal: off\n";
    let live = run(Folder::remote(&stub.url, file), &["export", "--kind", "aws"], 0).await;
    assert!(live.stdout.contains("its answer cannot be read at runFrequency"), "{live}");
}
