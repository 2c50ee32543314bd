//! Container Security: registries, their schedules and their connectors.

use serde_json::{Value, json};

use crate::gateway::Gateway;

const BASE: &str = "/csapi/v1.3";
const SHOP: &str = "88888888-8888-4888-8888-888888888888";
const ARN: &str = "arn:aws:iam::210987654321:role/QualysRegistry";

fn schedules() -> String {
    format!("{BASE}/registry/{SHOP}/schedule")
}

/// The release notes' sample: every Thursday.
fn weekly() -> Value {
    json!({
        "filters": [{"days": null, "repoTags": [{"repo": "shop/web", "tag": null}]}],
        "name": "Automatic Scan Schedule",
        "onDemand": false,
        "schedule": "09:30",
        "forceScan": true,
        "registryType": "AWS",
        "scheduleIntervalInDays": 7,
        "additionalFilters": {"numberOfTags": 5, "sortCriteria": "createdDate"},
        "weekDay": "THURSDAY",
    })
}

fn with(fields: Value) -> Value {
    let (Value::Object(mut body), Value::Object(fields)) = (weekly(), fields) else {
        panic!("objects are merged")
    };
    body.extend(fields);
    Value::Object(body)
}

fn without(field: &str) -> Value {
    let mut body = weekly();
    body.as_object_mut().unwrap().remove(field);
    body
}

async fn create(gateway: &Gateway, body: &Value) -> String {
    let created = gateway.json("POST", &schedules(), body).await;
    created["profileUuid"].as_str().unwrap().to_owned()
}

async fn statuses(gateway: &Gateway) -> Vec<Value> {
    let listed = gateway.call("GET", &schedules(), &Value::Null).await;
    if listed.status == 204 {
        return Vec::new();
    }
    listed.value()["data"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect()
}

#[tokio::test]
async fn a_schedule_is_made_and_listed_as_documented() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    let none = gateway.call("GET", &schedules(), &Value::Null).await;
    assert_eq!((none.status, none.body.as_str()), (204, ""));
    let id = create(&gateway, &weekly()).await;
    assert_eq!(gateway.last_effect().await, (true, false));
    let listed =
        gateway.json("GET", &format!("{}?pageNumber=1&pageSize=50", schedules()), &Value::Null).await;
    assert_eq!(listed["count"], 1);
    let created = listed["data"][0]["created"].as_str().unwrap().to_owned();
    assert!(created.parse::<u64>().is_ok(), "milliseconds as a text: {created}");
    assert_eq!(
        listed["data"][0],
        json!({
            "scheduleUuid": id,
            "onDemand": false,
            "created": created,
            "updated": created,
            "jobStartDate": null,
            "jobCompletionDate": null,
            "name": null,
            "errors": null,
            "schedule": "09:30",
            "filters": [{"days": 0, "repoTags": [{"repo": "shop/web", "tag": null}]}],
            "additionalFilters": {"numberOfTags": 5, "sortCriteria": "createdDate"},
            "status": "Queued",
            "jobListingStartDate": null,
            "jobListingCompletionDate": null,
            "jobScanningStartDate": null,
            "jobScanningCompletionDate": null,
            "forceScan": true,
            "scheduleIntervalInDays": 7,
            "weekDay": "THURSDAY",
        })
    );
}

#[tokio::test]
async fn refusals_name_the_field() {
    let gateway = Gateway::with(&[]).await;
    let cases = [
        (without("filters"), "filters"),
        (without("weekDay"), "weekDay"),
        (without("schedule"), "schedule"),
        (with(json!({"filters": []})), "filters"),
        (with(json!({"filters": [{"days": 8, "repoTags": [{"repo": "a"}]}]})), "filters.days"),
        (with(json!({"filters": [{"days": null, "repoTags": []}]})), "filters.repoTags"),
        (with(json!({"filters": [{"repoTags": [{"tag": "latest"}]}]})), "filters.repoTags.repo"),
        (with(json!({"filters": [{"repoTags": [{"repo": 7}]}]})), "repo"),
        (with(json!({"schedule": "9:30"})), "schedule"),
        (with(json!({"schedule": "24:00"})), "schedule"),
        (with(json!({"weekDay": "THU"})), "weekDay"),
        (with(json!({"scheduleIntervalInDays": 1})), "weekDay"),
        (with(json!({"onDemand": true})), "weekDay"),
        (with(json!({"scheduleIntervalInDays": 366, "weekDay": null})), "scheduleIntervalInDays"),
        (with(json!({"scheduleIntervalInDays": 0, "weekDay": null})), "scheduleIntervalInDays"),
        (with(json!({"scheduleScanIntervalInDays": 7})), "scheduleScanIntervalInDays"),
        (with(json!({"forceScan": "true"})), "forceScan"),
    ];
    for (body, named) in cases {
        gateway.refused("POST", &schedules(), &body, 400, named).await;
    }
    gateway.refused("POST", &format!("{BASE}/registry/nobody/schedule"), &weekly(), 404, "nobody").await;
    gateway.refused("GET", &format!("{}?pageNumber=0", schedules()), &Value::Null, 400, "pageNumber").await;
    assert_eq!(statuses(&gateway).await, [] as [Value; 0]);
}

#[tokio::test]
async fn updates_keep_what_a_schedule_scans() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    let id = create(&gateway, &weekly()).await;
    let path = format!("{}/{id}", schedules());
    for (fields, named) in [
        (json!({"onDemand": true}), "onDemand"),
        (json!({"filters": [{"days": 3, "repoTags": [{"repo": "shop/web", "tag": null}]}]}), "filters.days"),
        (json!({"filters": [{"repoTags": [{"repo": "shop/api"}]}]}), "filters.repoTags.repo"),
        (json!({"filters": [{"repoTags": [{"repo": "shop/web", "tag": "latest"}]}]}), "filters.repoTags.tag"),
    ] {
        gateway.refused("PUT", &path, &with(fields), 400, named).await;
    }
    let changed = with(json!({"schedule": "10:45", "scheduleIntervalInDays": 1, "weekDay": null}));
    let updated = gateway.json("PUT", &path, &changed).await;
    assert_eq!(updated, json!({"profileUuid": id}));
    let listed = gateway.json("GET", &schedules(), &Value::Null).await;
    let shown = &listed["data"][0];
    assert_eq!(
        (&shown["schedule"], &shown["scheduleIntervalInDays"], &shown["weekDay"]),
        (&json!("10:45"), &json!(1), &Value::Null)
    );
    gateway.refused("PUT", &format!("{}/17", schedules()), &weekly(), 404, "17").await;

    let on_demand = json!({"filters": [{"repoTags": [{"repo": "shop/web"}]}], "onDemand": true});
    let id = create(&gateway, &on_demand).await;
    gateway.refused("PUT", &format!("{}/{id}", schedules()), &on_demand, 400, "onDemand").await;
}

#[tokio::test]
async fn runs_go_on_by_looking_and_a_running_one_cannot_be_updated() {
    for (states, last) in [("success", "Finished"), ("errors", "Error")] {
        let gateway = Gateway::with(&[("states", states)]).await;
        let id = create(&gateway, &weekly()).await;
        assert_eq!(statuses(&gateway).await, ["Queued"]);
        gateway.refused("PUT", &format!("{}/{id}", schedules()), &weekly(), 400, "Running").await;
        assert_eq!(statuses(&gateway).await, ["Running"]);
        let listed = gateway.json("GET", &schedules(), &Value::Null).await;
        assert_eq!(listed["data"][0]["status"], last);
        assert!(listed["data"][0]["jobCompletionDate"].is_string());
    }
}

#[tokio::test]
async fn deletion_is_a_job_that_leaves_busy_ones_alone() {
    for reads in [1, 3] {
        let gateway = Gateway::with(&[("job_reads", &reads.to_string())]).await;
        let id = create(&gateway, &weekly()).await;
        let bulk = format!("{}/bulk?scheduleIds={id}", schedules());
        let job = gateway.json("DELETE", &bulk, &Value::Null).await;
        assert!(job["deletionJobId"].is_string(), "{job}");
        assert_eq!(gateway.last_effect().await, (true, false));
        assert_eq!(statuses(&gateway).await, ["Queued"], "not a word of it");
        let cancel = format!("{}/cancel?scheduleIds={id}", schedules());
        assert!(gateway.json("POST", &cancel, &Value::Null).await["CancelJobId"].is_string());
        assert_eq!(statuses(&gateway).await, ["Canceled"]);
        gateway.json("DELETE", &bulk, &Value::Null).await;
        for read in 1..=reads {
            assert_eq!(statuses(&gateway).await.len(), usize::from(read < reads), "{read} of {reads}");
        }
    }
}

#[tokio::test]
async fn a_deletion_without_ids_is_for_all_or_refused() {
    for (value, status) in [("all", 200), ("refused", 400)] {
        let gateway = Gateway::with(&[("unfiltered_writes", value)]).await;
        create(&gateway, &weekly()).await;
        create(&gateway, &weekly()).await;
        let bulk = format!("{}/bulk", schedules());
        let cancel = format!("{}/cancel", schedules());
        assert_eq!(gateway.call("POST", &cancel, &Value::Null).await.status, status);
        assert_eq!(gateway.call("DELETE", &bulk, &Value::Null).await.status, status);
        assert_eq!(gateway.last_effect().await, (true, true));
        assert_eq!(statuses(&gateway).await.len(), if status == 200 { 0 } else { 2 });
    }
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    create(&gateway, &weekly()).await;
    gateway.json("POST", &format!("{}/cancel", schedules()), &Value::Null).await;
    create(&gateway, &weekly()).await;
    gateway.json("DELETE", &format!("{}/bulk?filter=status:Canceled", schedules()), &Value::Null).await;
    assert_eq!(statuses(&gateway).await, ["Queued"]);
    let path = format!("{}/bulk?filter=colour:red", schedules());
    gateway.refused("DELETE", &path, &Value::Null, 400, "colour").await;
}

#[tokio::test]
async fn the_answered_id_is_the_schedules_or_another() {
    for (value, same) in [("same", true), ("different", false)] {
        let gateway = Gateway::with(&[("schedule_id", value)]).await;
        let id = create(&gateway, &weekly()).await;
        let listed = gateway.json("GET", &schedules(), &Value::Null).await;
        assert_eq!(listed["data"][0]["scheduleUuid"] == id, same, "{value}");
    }
}

#[tokio::test]
async fn registries_are_listed_and_found() {
    let gateway = Gateway::with(&[]).await;
    let registries = format!("{BASE}/registry");
    let listed = gateway.json("GET", &registries, &Value::Null).await;
    assert_eq!((&listed["count"], &listed["data"][0]["registryUuid"]), (&json!(1), &json!(SHOP)));
    let got = gateway.json("GET", &format!("{registries}/{SHOP}"), &Value::Null).await;
    assert_eq!(got, listed["data"][0]);
    gateway.refused("GET", &format!("{registries}/17"), &Value::Null, 404, "17").await;
    for (filter, status) in
        [("registryName:%22shop%22", 200), ("registryName:other", 204), ("colour:red", 400)]
    {
        let path = format!("{registries}?filter={filter}");
        assert_eq!(gateway.call("GET", &path, &Value::Null).await.status, status, "{filter}");
    }
    assert_eq!(gateway.call("GET", &format!("{registries}?pageNumber=2"), &Value::Null).await.status, 204);
}

#[tokio::test]
async fn an_empty_list_is_no_content_or_an_object() {
    for (value, status, body) in [("204", 204, ""), ("object", 200, "{\"data\":[],\"count\":0}")] {
        let gateway = Gateway::with(&[("empty_list", value)]).await;
        let listed = gateway.call("GET", &schedules(), &Value::Null).await;
        assert_eq!((listed.status, listed.body.as_str()), (status, body), "{value}");
    }
}

#[tokio::test]
async fn a_connector_goes_only_when_no_registry_uses_it() {
    let gateway = Gateway::with(&[]).await;
    let acr = json!({"kind": "registry_connector", "create": {"name": "images", "connectorId": "an-id"}});
    gateway.remote.control("POST", "/_sim/objects", acr).await;
    let (aws, acr) = (format!("{BASE}/registry/aws/connector"), format!("{BASE}/registry/acr/connector"));
    gateway.refused("DELETE", &aws, &json!({"arn": ARN}), 412, "shop").await;
    gateway.refused("DELETE", &aws, &json!({"arn": "other"}), 404, "arn").await;
    gateway.refused("DELETE", &aws, &json!({}), 400, "arn").await;
    gateway.refused("DELETE", &acr, &json!({"arn": ARN}), 400, "arn").await;
    let gone = gateway.call("DELETE", &acr, &json!({"connectorId": "an-id"})).await;
    assert_eq!((gone.status, gone.body.as_str()), (200, ""));
    gateway.refused("DELETE", &acr, &json!({"connectorId": "an-id"}), 404, "connectorId").await;

    let registry = json!({"kind": "registry", "name": "shop", "delete": true});
    gateway.remote.control("POST", "/_sim/objects", registry).await;
    assert_eq!(gateway.call("DELETE", &aws, &json!({"arn": ARN})).await.status, 200);
}

#[tokio::test]
async fn connectors_can_be_listed_or_not() {
    for (value, aws, acr) in [("on", 200, 204), ("off", 404, 404)] {
        let gateway = Gateway::with(&[("registry_connector_listing", value)]).await;
        for (path, status) in [("aws", aws), ("acr", acr)] {
            let path = format!("{BASE}/registry/{path}/connectors");
            assert_eq!(gateway.call("GET", &path, &Value::Null).await.status, status, "{value} {path}");
        }
    }
}

#[tokio::test]
async fn container_security_can_be_missing() {
    for (value, status) in [("on", 200), ("off", 404)] {
        let gateway = Gateway::with(&[("container_security", value)]).await;
        assert_eq!(gateway.call("GET", &format!("{BASE}/registry"), &Value::Null).await.status, status);
    }
    let gateway = Gateway::with(&[("container_security", "off")]).await;
    assert_eq!(gateway.call("POST", &schedules(), &weekly()).await.status, 404);
}

#[tokio::test]
async fn sensor_profiles_name_the_permission_that_is_missing() {
    let path = format!("{BASE}/sensorProfile");
    let one = format!("{path}/17");
    for (method, path, permission) in [
        ("GET", &path, "VIEW"),
        ("POST", &path, "CREATE"),
        ("PUT", &one, "UPDATE"),
        ("DELETE", &one, "DELETE"),
    ] {
        let gateway = Gateway::with(&[("sensor_profiles", "forbidden")]).await;
        let named = format!("CS.SENSOR_PROFILE.{permission}");
        gateway.refused(method, path, &Value::Null, 403, &named).await;
    }
    let gateway = Gateway::with(&[("sensor_profiles", "allowed")]).await;
    assert_eq!(gateway.call("GET", &path, &Value::Null).await.status, 204);
    assert_eq!(gateway.call("GET", &one, &Value::Null).await.status, 404);
}
