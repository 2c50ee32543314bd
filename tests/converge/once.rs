//! What once went wrong.

use serde_json::json;

use crate::platform::arn;
use crate::support::{May, Scene, complaints};
use crate::{assert_clean, journal, shown, state};

#[tokio::test]
async fn tags_that_share_a_name_are_told_apart() {
    for (live, file, expected) in [
        (&[][..], "[{name: a}, {name: a, parent: a}]", &["a", "a/a"][..]),
        (&[], "[{name: a, parent: a}, {name: a, parent: ''}]", &["a", "a/a"]),
        (
            &[],
            "[{name: a, parent: b}, {name: b}, {name: b, parent: a}, {name: a}]",
            &["a", "a/b", "b", "b/a"],
        ),
        (&["b"], "[{name: a, parent: b}, {name: a}]", &["a", "b", "b/a"]),
        (&["b", "b/a"], "[{name: a}, {name: a, parent: b}]", &["a", "b", "b/a"]),
        // The one of the name, wherever it is.
        (&["b", "b/a"], "[{name: a, description: x}]", &["b", "b/a"]),
    ] {
        let scene = Scene::new(&[]).await;
        let tags = live.iter().enumerate().map(|(number, path)| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            json!({"id": 7001 + number, "name": name, "parent": Some(parent).filter(|parent| !parent.is_empty())})
        });
        for mut tag in tags {
            tag.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            scene.make("tag", [tag]).await;
        }
        let desired = scene.file(&format!("version: 1\nplatform: {{pod: simulator}}\ntags: {file}\n"));
        assert_clean(&scene.pass(&desired, &mut journal(), May::Write).await);
        let paths: Vec<String> = state(&scene).await.tags.into_keys().collect();
        assert_eq!(paths, expected, "{live:?} {file}");
        assert_eq!(scene.look(&desired).await.applicable().count(), 0, "{live:?} {file}");
    }
}

#[tokio::test]
async fn what_needs_a_withheld_tag_waits_with_it_however_far_below() {
    let scene = Scene::new(&[]).await;
    let file = "version: 1\nplatform: {pod: simulator}\ntags:\n  - {name: a, policy: observe}\n  \
                - {name: b, parent: a}\n  - {name: c, parent: b}\n  - {name: d}\nconnectors:\n  aws:\n  \
                - {name: e, arn: 'arn:aws:iam::210000000000:role/R', external_id: xx, tags: [c]}\n";
    let report = scene.pass(&scene.file(file), &mut journal(), May::Write).await;
    let addresses: Vec<_> =
        report.plan.failed.iter().map(|failed| failed.address.clone().unwrap().to_string()).collect();
    assert_eq!(addresses, ["tag/a/b", "tag/a/b/c", "aws/e"]);
    assert_eq!(scene.writes().await, ["/qps/rest/2.0/create/am/tag"], "the one that needs nothing");
}

#[tokio::test]
async fn prune_takes_no_tag_that_others_need() {
    let ours = |id: u64, name: &str, parent: Option<u64>| json!({"id": id, "name": name, "parentTagId": parent, "description": "[trueup:cloudsec]"});
    let file = "version: 1\nplatform: {pod: simulator}\nreconcile: {owner: cloudsec, prune: owned}\ntags: []\n\
                connectors:\n  aws:\n  - {name: e, arn: 'arn:aws:iam::210000000000:role/R', external_id: xx, tags: [used]}\n";
    let scene = Scene::new(&[]).await;
    let below = json!({"id": 7003, "name": "theirs", "parentTagId": 7002});
    scene
        .make("tag", [ours(7001, "used", None), ours(7002, "above", None), below, ours(7004, "free", None)])
        .await;
    let desired = scene.file(file);
    let mut journal = journal();
    let report = scene.pass(&desired, &mut journal, May::Write).await;
    assert_eq!(complaints(&report), [""; 0]);
    let tags: Vec<String> = state(&scene).await.tags.into_keys().collect();
    assert_eq!(tags, ["above", "above/theirs", "used"], "{}", shown(&report.plan));
    assert_clean(&scene.pass(&desired, &mut journal, May::Write).await);
}

#[test]
fn what_the_platform_would_give_back_as_something_else_is_refused() {
    for (entry, message) in [
        ("description: 'x [trueup:cloudsec]'", "the description ends in the mark of the owner cloudsec"),
        ("description: '[trueup:others!]'", "the description ends in the mark of the owner others"),
        ("perimeter_scan: {scan_prefix: ''}", "scan_prefix is empty"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        let arn = arn(0, 0);
        let file = format!(
            "version: 1\nplatform: {{pod: simulator}}\nconnectors: {{aws: [{{name: e, arn: '{arn}', {entry}}}]}}\n"
        );
        std::fs::write(&path, file).unwrap();
        let problems = trueup::desired::load(&path).unwrap_err().problems;
        let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages, [message], "{entry}");
    }
}
