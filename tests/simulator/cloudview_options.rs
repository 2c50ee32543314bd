//! Each option of CloudView 1.x with each of its values.

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::{self, Remote, changed};
use crate::cloudview_connectors::{AWS, AZURE, GCP, aws, azure, form, gcp_form, text};
use crate::gateway::Gateway;

async fn made(gateway: &Gateway) -> (String, Value) {
    let made = gateway.json("POST", AWS, &aws()).await;
    (format!("{AWS}/{}", made["connectorId"].as_str().unwrap()), made)
}

#[tokio::test]
async fn a_bad_request_is_a_400_or_a_200_with_an_error_code() {
    for (value, status) in [("400", 400), ("200", 200)] {
        let gateway = Gateway::with(&[("cloudview_bad_request", value)]).await;
        let answer = gateway.call("POST", AWS, &json!({"name": "n"})).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.value()["errorCode"], "400 BAD_REQUEST");
        assert!(
            answer.value()["message"].as_str().unwrap().contains("externalId") || answer.body.contains("arn")
        );
        assert_eq!(gateway.call("GET", &format!("{AWS}/none"), &Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn a_polling_frequency_counts_or_is_accepted_and_ignored() {
    let hours = |hours: u64, minutes: u64| json!({"hours": hours, "minutes": minutes});
    for (value, after_create, after_update) in
        [("taken", hours(1, 1), hours(6, 30)), ("ignored", hours(24, 0), hours(24, 0))]
    {
        let gateway = Gateway::with(&[("cloudview_polling_frequency", value)]).await;
        let (path, made) = made(&gateway).await;
        assert_eq!(made["pollingFrequency"], after_create, "{value}");
        let body = changed(aws(), &json!({"pollingFrequency": hours(6, 30)}));
        assert_eq!(gateway.json("PUT", &path, &body).await["pollingFrequency"], after_update, "{value}");
        // What is wrong is refused either way.
        let body = changed(aws(), &json!({"pollingFrequency": hours(25, 0)}));
        gateway.refused("PUT", &path, &body, 400, "hours").await;
        // What Connectors 3.0 says counts either way, and stays.
        let id = gateway.remote.id("aws", "payments").await;
        let update = json!({"ServiceRequest": {"data": {"AwsAssetDataConnector": {"runFrequency": 120}}}});
        gateway.remote.json("update", &format!("{}/{id}", client::AWS), update).await;
        assert_eq!(gateway.json("GET", &path, &Value::Null).await["pollingFrequency"], hours(2, 0));
    }
}

#[tokio::test]
async fn fields_that_an_update_leaves_out_are_kept_or_reset() {
    let bare = json!({"externalId": "USPOD01-4765-9011278609223"});
    let full = changed(bare.clone(), &json!({"name": "payments", "arn": aws()["arn"]}));
    for (value, kept) in [("kept", true), ("reset", false)] {
        let gateway = Gateway::with(&[("cloudview_edit_omitted", value)]).await;
        let body = changed(aws(), &json!({"remediationEnabled": true}));
        let made = gateway.json("POST", AWS, &body).await;
        let path = format!("{AWS}/{}", made["connectorId"].as_str().unwrap());
        let updated = gateway.json("PUT", &path, &full).await;
        assert_eq!(updated.get("description").is_some(), kept, "{updated}");
        assert_eq!(updated.get("remediationEnabled").is_some(), kept);
        assert_eq!(updated["isGovCloud"], kept);
        assert_eq!(updated["pollingFrequency"]["hours"], if kept { 1 } else { 4 });
        if kept {
            assert_eq!(gateway.json("PUT", &path, &bare).await["name"], "payments");
        } else {
            gateway.refused("PUT", &path, &bare, 400, "name").await;
        }
        assert_eq!(gateway.json("GET", &path, &Value::Null).await["arn"], aws()["arn"]);

        let made = gateway.json("POST", AZURE, &changed(azure(), &json!({"isGovCloud": true}))).await;
        let path = format!("{AZURE}/{}", made["connectorId"].as_str().unwrap());
        let body = json!({"name": "billing", "applicationId": azure()["applicationId"], "directoryId": azure()["directoryId"]});
        let updated = gateway.json("PUT", &path, &body).await;
        assert_eq!((&updated["isGovCloud"], updated.get("description").is_some()), (&json!(kept), kept));

        let made = form(&gateway, "POST", GCP, &gcp_form()).await.value();
        let path = format!("{GCP}/{}", made["connectorId"].as_str().unwrap());
        let updated = form(&gateway, "PUT", &path, &[text("name", "renamed")]).await.value();
        assert_eq!(updated["projectId"], "sample_project-208707");
        assert_eq!(updated["pollingFrequency"]["hours"], if kept { 10 } else { 4 });
        let nameless = form(&gateway, "PUT", &path, &[text("description", "d")]).await;
        assert_eq!(nameless.status, if kept { 200 } else { 400 });
    }
}

#[tokio::test]
async fn an_update_without_a_key_keeps_it_or_is_refused() {
    for (value, status) in [("kept", 200), ("refused", 400)] {
        let gateway = Gateway::with(&[("cloudview_edit_without_key", value)]).await;
        let made = gateway.json("POST", AZURE, &azure()).await;
        let path = format!("{AZURE}/{}", made["connectorId"].as_str().unwrap());
        let body = changed(azure(), &json!({"subscriptionId": null, "authenticationKey": null}));
        let answer = gateway.call("PUT", &path, &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.body.contains("authenticationKey"), status == 400);
        let body = changed(azure(), &json!({"subscriptionId": null, "authenticationKey": "another"}));
        gateway.json("PUT", &path, &body).await;
        let id = gateway.remote.id("azure", "billing").await;
        assert_eq!(gateway.remote.plain("azure", id).await["authRecord"]["authenticationKey"], "another");
    }
}

#[tokio::test]
async fn a_deletion_has_an_array_or_an_object() {
    for (value, array, object) in [("array", 200, 400), ("object", 400, 200), ("either", 200, 200)] {
        let gateway =
            Gateway::with(&[("cloudview_delete_body", value), ("reuse_after_delete", "allowed")]).await;
        for (status, wrapped) in [(array, false), (object, true)] {
            let (path, made) = made(&gateway).await;
            let ids = json!([made["connectorId"]]);
            let body = if wrapped { json!({"connectorIds": ids}) } else { ids };
            let answer = gateway.call("DELETE", AWS, &body).await;
            assert_eq!(answer.status, status, "{value}: {answer:?}");
            let left = gateway.call("GET", &path, &Value::Null).await.status;
            assert_eq!(left, if status == 200 { 404 } else { 200 });
            if left == 200 {
                let set = json!({"kind": "aws", "name": "payments", "delete": true});
                gateway.remote.control("POST", "/_sim/objects", set).await;
            }
        }
        if object == 200 {
            gateway.refused("DELETE", AWS, &json!({"ids": []}), 400, "connectorIds").await;
            gateway.refused("DELETE", AWS, &json!({"connectorIds": ["a"], "all": true}), 400, "all").await;
        }
    }
}

#[tokio::test]
async fn a_deletion_answers_with_or_without_content() {
    for (value, status, empty) in [("200", 200, false), ("204", 204, true)] {
        let gateway = Gateway::with(&[("cloudview_delete_status", value)]).await;
        let (_, made) = made(&gateway).await;
        let answer = gateway.call("DELETE", AWS, &json!([made["connectorId"]])).await;
        assert_eq!((answer.status, answer.body.is_empty()), (status, empty));
    }
}

#[tokio::test]
async fn ids_without_a_connector_are_refused_or_passed_over() {
    for (value, status) in [("refused", 404), ("ignored", 200)] {
        let gateway = Gateway::with(&[("cloudview_unknown_ids", value)]).await;
        let (path, made) = made(&gateway).await;
        let ids = json!(["none", made["connectorId"], made["connectorId"]]);
        let disable = format!("{AWS}/connectors/disable");
        assert_eq!(gateway.call("PATCH", &disable, &ids).await.status, status);
        let read = gateway.json("GET", &path, &Value::Null).await;
        assert_eq!(read["isDisabled"], status == 200);
        assert_eq!(gateway.call("POST", &format!("{AWS}/run"), &ids).await.status, status);
        assert_eq!(gateway.call("DELETE", AWS, &ids).await.status, status);
        assert_eq!(gateway.call("DELETE", AWS, &json!(["none"])).await.status, status);
    }
}

#[tokio::test]
async fn large_pages_are_taken_capped_or_refused() {
    for (value, status, size) in [("taken", 200, 60), ("capped", 200, 50), ("refused", 400, 0)] {
        let generate = [("aws".to_owned(), 60)].into();
        let mut settings = Settings { seed: Seed::Empty, generate, ..Settings::default() };
        settings.options.set("cloudview_large_pages", value).unwrap();
        let gateway = Gateway::of(Remote::on(settings).await).await;
        let answer = gateway.call("GET", &format!("{AWS}?pageNo=0&pageSize=100"), &Value::Null).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 200 {
            let page = answer.value();
            assert_eq!(
                (page["content"].as_array().unwrap().len(), &page["totalElements"]),
                (size, &json!(60))
            );
            assert_eq!(page["size"], if size == 60 { 100 } else { 50 });
        }
        assert_eq!(
            gateway.call("GET", &format!("{AWS}?pageNo=0&pageSize=50"), &Value::Null).await.status,
            200
        );
    }
}

#[tokio::test]
async fn what_is_taken_in_connectors_3_0_is_taken_here_too() {
    let sandbox = json!({"arn": "arn:aws:iam::456789012345:role/Sandbox"});
    for (value, status) in [("refused", 400), ("accepted", 200)] {
        let gateway = Gateway::with(&[("duplicate_identity", value)]).await;
        let answer = gateway.call("POST", AWS, &changed(aws(), &sandbox)).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(status == 200 || answer.value()["message"].as_str().unwrap().contains("arn"));
    }
    for (value, status) in [("refused", 400), ("accepted", 200)] {
        let gateway = Gateway::with(&[("duplicate_name", value)]).await;
        assert_eq!(
            gateway.call("POST", AWS, &changed(aws(), &json!({"name": "sandbox"}))).await.status,
            status
        );
    }
    for (value, status) in [("refused", 400), ("allowed", 200)] {
        let gateway = Gateway::with(&[("reuse_after_delete", value)]).await;
        let (_, made) = made(&gateway).await;
        gateway.json("DELETE", AWS, &json!([made["connectorId"]])).await;
        assert_eq!(gateway.call("POST", AWS, &aws()).await.status, status);
    }
    let gateway = Gateway::with(&[("odd_run_frequency", "refused")]).await;
    gateway.refused("POST", AWS, &aws(), 400, "pollingFrequency").await;
}

#[tokio::test]
async fn a_connector_that_runs_waits_or_has_discovered_regions() {
    for (value, running) in [("PENDING", "PENDING"), ("REGIONS_DISCOVERED", "REGIONS_DISCOVERED")] {
        let gateway = Gateway::with(&[("cloudview_running", value)]).await;
        let (path, made) = made(&gateway).await;
        assert_eq!(made["state"], "PENDING");
        for state in ["PENDING", running, "SUCCESS"] {
            assert_eq!(gateway.json("GET", &path, &Value::Null).await["state"], state, "{value}");
        }
        let made = gateway.json("POST", AZURE, &azure()).await;
        let path = format!("{AZURE}/{}", made["connectorId"].as_str().unwrap());
        for state in ["PENDING", "PENDING", "SUCCESS"] {
            assert_eq!(gateway.json("GET", &path, &Value::Null).await["state"], state, "{value}");
        }
    }
}
