//! What holds for the connectors of every cloud, asked of each of them.

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::{AWS, AZURE, GCP, OCI, Remote, changed, request_of};
use crate::refusals::check_refused;
use crate::{azure, gcp, oci, samples};

/// One cloud's connectors: how they are called, one to be made, and what it is known by.
struct Cloud {
    kind: &'static str,
    noun: &'static str,
    object: &'static str,
    example: &'static str,
    identity: &'static str,
    known_by: &'static str,
    sample: Value,
}

fn clouds(tag: u64) -> [Cloud; 4] {
    const ARN: &str = "arn:aws:iam::123456789012:role/QualysConnector";
    [
        Cloud {
            kind: "aws",
            noun: AWS,
            object: "AwsAssetDataConnector",
            example: "sandbox",
            identity: "arn",
            known_by: ARN,
            sample: samples::connector("payments", ARN),
        },
        Cloud {
            kind: "azure",
            noun: AZURE,
            object: "AzureAssetDataConnector",
            example: "corp-shared",
            identity: "subscriptionId",
            known_by: azure::SUBSCRIPTION,
            sample: azure::connector(tag),
        },
        Cloud {
            kind: "gcp",
            noun: GCP,
            object: "GcpAssetDataConnector",
            example: "research",
            identity: "projectId",
            known_by: gcp::PROJECT,
            sample: gcp::connector(),
        },
        Cloud {
            kind: "oci",
            noun: OCI,
            object: "OciAssetDataConnector",
            example: "oracle-main",
            identity: "tenantId",
            known_by: oci::TENANCY,
            sample: oci::connector(),
        },
    ]
}

/// OCI's answers as those of the others, so that one test reads all.
async fn remote(options: &[(&str, &str)]) -> (Remote, [Cloud; 4]) {
    let options: Vec<_> = options.iter().copied().chain([("oci_answers", "common")]).collect();
    let remote = Remote::with(&options).await;
    let clouds = clouds(remote.id("tag", "prod").await);
    (remote, clouds)
}

impl Cloud {
    async fn create(&self, remote: &Remote) -> Value {
        remote.json("create", self.noun, request_of(self.object, &self.sample)).await
    }

    async fn made(&self, remote: &Remote) -> u64 {
        let created = self.create(remote).await;
        assert_eq!(created["responseCode"], "SUCCESS", "{}: {created}", self.kind);
        created["data"][0][self.object]["id"].as_u64().unwrap()
    }

    async fn get(&self, remote: &Remote, id: u64) -> Value {
        remote.json("get", &format!("{}/{id}", self.noun), Value::Null).await["data"][0][self.object].take()
    }
}

#[tokio::test]
async fn an_identity_is_taken_once_and_stays_reserved_for_a_while() {
    for (option, value, second, again) in [
        ("duplicate_identity", "refused", "INVALID_REQUEST", "INVALID_REQUEST"),
        ("duplicate_identity", "accepted", "SUCCESS", "INVALID_REQUEST"),
        ("reuse_after_delete", "allowed", "INVALID_REQUEST", "SUCCESS"),
    ] {
        let (remote, clouds) = remote(&[(option, value)]).await;
        for cloud in &clouds {
            let id = cloud.made(&remote).await;
            let twice = cloud.create(&remote).await;
            assert_eq!(twice["responseCode"], second, "{} {option} {value}: {twice}", cloud.kind);
            if second == "INVALID_REQUEST" {
                check_refused(&twice, cloud.known_by);
            }
            remote.json("delete", &format!("{}/{id}", cloud.noun), Value::Null).await;
            let after = cloud.create(&remote).await;
            assert_eq!(after["responseCode"], again, "{} {option} {value}: {after}", cloud.kind);
        }
    }
}

#[tokio::test]
async fn a_failing_run_leaves_its_error_in_the_connector_and_in_the_search_for_errors() {
    let (remote, clouds) = remote(&[("states", "errors")]).await;
    for cloud in &clouds {
        let id = cloud.made(&remote).await;
        for state in ["QUEUED", "RUNNING", "FINISHED_ERRORS"] {
            assert_eq!(cloud.get(&remote, id).await["connectorState"], state, "{}", cloud.kind);
        }
        let live = cloud.get(&remote, id).await;
        let criterion = json!({"field": "id", "operator": "EQUALS", "value": id.to_string()});
        let body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
        let errors = remote.json("search", "assetdataconnectorerrors", body.clone()).await;
        assert_eq!(errors["count"], 1, "{errors}");
        let error = &errors["data"][0]["AssetDataConnectorErrors"];
        assert_eq!(error["errorMessage"], live["lastError"], "{}", cloud.kind);
        assert!(error["created"].is_string());

        remote.control("POST", "/_sim/options", json!({"states": "success"})).await;
        remote.json("run", &format!("{}/{id}", cloud.noun), Value::Null).await;
        for _ in 0..2 {
            cloud.get(&remote, id).await;
        }
        assert!(cloud.get(&remote, id).await.get("lastError").is_none(), "{}", cloud.kind);
        let none = remote.json("search", "assetdataconnectorerrors", body).await;
        assert_eq!(none, json!({"responseCode": "SUCCESS", "count": 0}));
        remote.control("POST", "/_sim/options", json!({"states": "errors"})).await;
    }
}

#[tokio::test]
async fn a_disabled_connector_does_not_run() {
    let (remote, clouds) = remote(&[]).await;
    for cloud in &clouds {
        let id = cloud.made(&remote).await;
        let disable = request_of(cloud.object, &json!({"disabled": true}));
        remote.json("update", &format!("{}/{id}", cloud.noun), disable).await;
        assert_eq!(cloud.get(&remote, id).await["connectorState"], "DISABLED");
        check_refused(&remote.json("run", &format!("{}/{id}", cloud.noun), Value::Null).await, "disabled");
    }
}

#[tokio::test]
async fn control_calls_name_a_connector_by_its_cloud_identity() {
    let (remote, clouds) = remote(&[]).await;
    for cloud in &clouds {
        let id = cloud.made(&remote).await;
        let set = json!({"kind": cloud.kind, cloud.identity: cloud.known_by, "set": {"disabled": true}});
        let changed = remote.control("POST", "/_sim/objects", set).await;
        assert_eq!(
            (&changed["id"], &changed["object"]["disabled"]),
            (&json!(id), &json!(true)),
            "{}",
            cloud.kind
        );
        let nobody = json!({"kind": cloud.kind, cloud.identity: "nobody", "set": {"disabled": true}});
        let answer = remote.ask("POST", "/_sim/objects").json().body(&nobody.to_string()).send().await;
        assert!(answer.status == 400 && answer.body.contains("nobody"), "{answer:?}");
        let none = json!({"kind": cloud.kind, "delete": true});
        let answer = remote.ask("POST", "/_sim/objects").json().body(&none.to_string()).send().await;
        assert!(answer.status == 400 && answer.body.contains(cloud.identity), "{answer:?}");
    }
}

#[tokio::test]
async fn connectors_of_other_origin_refuse_updates_in_every_cloud() {
    let (remote, clouds) = remote(&[]).await;
    for cloud in &clouds {
        for field in ["madeElsewhere", "isAttachedToOrgConnector"] {
            let set = |value: bool| json!({"kind": cloud.kind, "name": cloud.example, "set": {field: value}});
            let id = remote.control("POST", "/_sim/objects", set(true)).await["id"].as_u64().unwrap();
            let change = request_of(cloud.object, &json!({"description": "changed"}));
            let answer = remote.json("update", &format!("{}/{id}", cloud.noun), change).await;
            check_refused(&answer, cloud.example);
            remote.control("POST", "/_sim/objects", set(false)).await;
        }
    }
}

#[tokio::test]
async fn an_unknown_id_is_answered_as_the_option_says() {
    for (value, status, code) in
        [("200", 200, "OBJECT_NOT_FOUND"), ("404", 404, "OBJECT_NOT_FOUND"), ("not_found", 200, "NOT_FOUND")]
    {
        let (remote, clouds) = remote(&[("unknown_id", value)]).await;
        for cloud in &clouds {
            let path = format!("/qps/rest/3.0/get/am/{}/17", cloud.noun);
            let answer = remote.ask("GET", &path).json().send().await;
            assert_eq!(answer.status, status, "{} {value}", cloud.kind);
            assert_eq!(answer.value()["ServiceResponse"]["responseCode"], code);
        }
    }
}

#[tokio::test]
async fn generated_connectors_are_the_same_every_time_and_could_have_been_asked_for() {
    let generate: std::collections::BTreeMap<_, _> =
        ["aws", "azure", "gcp", "oci"].map(|kind| (kind.to_owned(), 3)).into();
    let settings = Settings { seed: Seed::Empty, generate, ..Settings::default() };
    let (first, second) = (Remote::on(settings.clone()).await, Remote::on(settings).await);
    let objects = first.control("GET", "/_sim/objects", Value::Null).await;
    assert_eq!(objects, second.control("GET", "/_sim/objects", Value::Null).await);
    let tag = first.id("tag", "Cloud Agent").await;
    for cloud in clouds(tag) {
        let found = first.control("GET", &format!("/_sim/objects?kind={}", cloud.kind), Value::Null).await;
        let found = found["objects"].as_array().unwrap();
        assert_eq!(found.len(), 3, "{}", cloud.kind);
        let path =
            if cloud.kind == "aws" { "arn".to_owned() } else { format!("authRecord.{}", cloud.identity) };
        let identity = |index: usize| {
            let pointer = format!("/object/{}", path.replace('.', "/"));
            found[index].pointer(&pointer).unwrap().as_str().unwrap()
        };
        assert_ne!(identity(0), identity(1));
        // What is generated is what a request could have made: only that it is there already stands in the way.
        let same = json!({path.as_str(): identity(0), "connectorAppInfos": {"set": {}}});
        let sample = request_of(cloud.object, &changed(cloud.sample, &same));
        let again = first.json("create", cloud.noun, sample).await;
        check_refused(&again, &format!("'{}' exists already", identity(0)));
    }
    let refused = Settings { generate: [("global_scan".to_owned(), 1)].into(), ..Settings::default() };
    let error = trueup::simulator::start(refused).await.unwrap_err().to_string();
    assert!(error.ends_with("the kinds are tag, aws, azure, gcp, oci, azure_tenant, azure_organization, registry_connector, registry, \
         registry_schedule, asset, report"), "{error}");
}
