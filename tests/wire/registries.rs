//! Schedules of registries, after the samples of the Container Security release notes 1.22.

use super::*;
use trueup::resource::Scope;

const REGISTRY: &str = "0d0c0b0a-1111-4222-8333-444455556666";
const SCHEDULE: &str = "0a0b0c0d-1111-4222-8333-444455556666";

/// A schedule in the form of the sample of the list.
fn shown() -> Value {
    json!({
        "scheduleUuid": SCHEDULE, "onDemand": false, "created": "1674040668619", "updated": "1674040958610",
        "jobStartDate": "1674040958610", "jobCompletionDate": "1674041047101", "name": null, "errors": null,
        "schedule": "11:19", "filters": [{"repoTags": [{"repo": "team/site", "tag": null}], "days": 0}],
        "additionalFilters": {"numberOfTags": 5, "sortCriteria": "createdDate"}, "status": "Finished",
        "forceScan": true, "scheduleIntervalInDays": 7, "weekDay": "WEDNESDAY"
    })
}

async fn platform(schedules: Value) -> Stub {
    let registry =
        json!({"registryUuid": REGISTRY, "registryName": "site", "registryUri": "https://site.example"});
    let page = |row: &Value| stub::reply(200, json!({"data": [row], "count": 1}).to_string());
    Stub::answers(move |_, asked| match (asked.method.as_str(), asked.path.split('?').next().unwrap()) {
        ("POST", "/auth") => stub::reply(201, "a.b.c"),
        ("GET", path) if path.ends_with("/registry") => page(&registry),
        ("GET", _) => page(&schedules),
        ("POST", _) => stub::reply(200, json!({"profileUuid": "something-else"}).to_string()),
        _ => stub::reply(200, ""),
    })
    .await
}

fn wanted(changes: Value) -> Spec {
    let entry = json!({
        "registry": {"name": "site"}, "name": "Weekly", "at": "11:19", "every_days": 7, "week_day": "WEDNESDAY",
        "on_demand": false, "registry_type": "Azure", "force_scan": true, "filters": [{"repo": "team/site"}],
        "number_of_tags": 5, "sort": "createdDate"
    });
    Kind::RegistrySchedule.deserialize(changed(entry, changes)).unwrap()
}

#[tokio::test]
async fn a_schedule_reads_as_documented_whatever_stands_for_nothing() {
    let name = json!({"name": "site"});
    for changes in [
        json!({}),
        json!({"forceScan": "true", "scheduleIntervalInDays": "7", "errors": [], "weekDay": "Wednesday"}),
        json!({"filters": [{"repoTags": [{"repo": "team/site", "tag": ""}], "days": null}], "more": {"deep": 1}}),
    ] {
        let stub = platform(changed(shown(), changes.clone())).await;
        let scope = Scope::Declared { above: vec![&name], declared: Vec::new() };
        let all = stub.reader().list_within(Kind::RegistrySchedule, &scope).await.unwrap();
        assert_eq!((all.len(), &all[0].id), (1, &format!("{REGISTRY}/{SCHEDULE}")), "{changes}");
        let mut fields = Value::Object(all[0].spec.fields());
        assert_eq!(fields["name"], format!("#{SCHEDULE}"));
        fields.as_object_mut().unwrap().remove("name");
        let mut expected = Value::Object(wanted(json!({})).fields());
        for unread in ["name", "registry_type"] {
            expected.as_object_mut().unwrap().remove(unread);
        }
        assert_eq!(fields, expected, "{changes}");
    }
}

#[tokio::test]
async fn the_sample_of_the_list_reads_as_it_says_to_the_last_field() {
    // With what the schedule above leaves out, and with the numbers of pages that the sample has none of.
    let more = json!({
        "jobListingStartDate": "1674040958610", "jobListingCompletionDate": null,
        "jobScanningStartDate": "1674040965940", "jobScanningCompletionDate": "1674041047101"
    });
    let stub = platform(changed(shown(), more)).await;
    let name = json!({"name": "site"});
    let scope = Scope::Declared { above: vec![&name], declared: Vec::new() };
    let all = stub.reader().list_within(Kind::RegistrySchedule, &scope).await.unwrap();
    let [schedule] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        Value::Object(schedule.spec.fields()),
        json!({
            "registry": {"name": "site"}, "name": format!("#{SCHEDULE}"), "at": "11:19", "every_days": 7,
            "week_day": "WEDNESDAY", "on_demand": false, "force_scan": true,
            "filters": [{"repo": "team/site", "tag": null, "days": null}], "number_of_tags": 5, "sort": "createdDate"
        })
    );
    let health = &schedule.health;
    assert_eq!((health.state.as_deref(), health.last_error.as_deref()), (Some("FINISHED"), None));
    assert_eq!(health.last_sync.as_deref(), Some("1674041047101"));
    assert_eq!(schedule.busy, None);
}

#[tokio::test]
async fn a_delete_is_a_job_in_the_documented_forms_and_done_when_the_list_shows_it_no_more() {
    // What is under way is cancelled first: each of the two answers with the id of a job.
    let lists = std::sync::atomic::AtomicUsize::new(0);
    let stub = Stub::answers(move |_, asked| match (asked.method.as_str(), asked.path.as_str()) {
        (_, "/auth") => stub::reply(201, "a.b.c"),
        ("POST", path) if path.contains("/schedule/cancel?") => {
            stub::reply(200, json!({"CancelJobId": "0d0c0b0a-3333-4222-8333-444455556666"}).to_string())
        }
        ("DELETE", path) if path.contains("/schedule/bulk?") => {
            stub::reply(200, json!({"deletionJobId": "0d0c0b0a-4444-4222-8333-444455556666"}).to_string())
        }
        ("GET", _) => match lists.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => {
                let row = changed(shown(), json!({"status": "Running"}));
                stub::reply(200, json!({"data": [row], "count": 1}).to_string())
            }
            _ => stub::reply(204, ""),
        },
        _ => stub::reply(400, ""),
    })
    .await;
    let writer = Writer::new(&stub.reader());
    writer.delete(Kind::RegistrySchedule, &format!("{REGISTRY}/{SCHEDULE}")).await.unwrap();
    let asked = stub.asked();
    let trace: Vec<(&str, &str)> =
        asked.iter().skip(1).map(|asked| (asked.method.as_str(), asked.path.as_str())).collect();
    let base = format!("/csapi/v1.3/registry/{REGISTRY}/schedule");
    let list = format!("{base}?pageNumber=1&pageSize=50");
    let cancel = format!("{base}/cancel?scheduleIds={SCHEDULE}");
    let delete = format!("{base}/bulk?scheduleIds={SCHEDULE}");
    assert_eq!(
        trace,
        [
            ("GET", list.as_str()),
            ("POST", cancel.as_str()),
            ("DELETE", delete.as_str()),
            ("GET", list.as_str())
        ]
    );
}

#[tokio::test]
async fn a_create_and_an_edit_send_the_documented_body_and_the_id_is_looked_for() {
    let stub = platform(shown()).await;
    let writer = Writer::new(&stub.reader());
    let created = writer.create(&wanted(json!({})), Context::new(&NoNames)).await.unwrap();
    let id = format!("{REGISTRY}/{SCHEDULE}");
    assert_eq!((created.id.as_str(), created.incomplete.is_none()), (id.as_str(), true));
    let asked = stub.asked();
    let create = asked.iter().find(|asked| asked.method == "POST" && asked.path != "/auth").unwrap();
    assert_eq!(create.path, format!("/csapi/v1.3/registry/{REGISTRY}/schedule"));
    let body = json!({
        "filters": [{"days": null, "repoTags": [{"repo": "team/site", "tag": null}]}], "name": "Weekly",
        "onDemand": false, "schedule": "11:19", "forceScan": true, "registryType": "Azure",
        "scheduleIntervalInDays": 7, "additionalFilters": {"numberOfTags": 5, "sortCriteria": "createdDate"},
        "weekDay": "WEDNESDAY"
    });
    assert_eq!(create.json(), body);
    let pages: Vec<&str> =
        asked.iter().filter_map(|asked| asked.path.split_once('?')).map(|(_, query)| query).collect();
    assert!(pages.iter().all(|query| *query == "pageNumber=1&pageSize=50"), "{pages:?}");

    // What the file leaves out is sent as it is; the day of the week goes with the seven days.
    let before = wanted(json!({}));
    let after = wanted(json!({"every_days": 2, "week_day": null, "sort": null, "at": null}));
    let context = Context { before: Some(&before), ..Context::new(&NoNames) };
    writer.update(&id, &after, &["every_days"], context).await.unwrap();
    let asked = stub.asked();
    let edit = asked.iter().find(|asked| asked.method == "PUT").unwrap();
    assert_eq!(edit.path, format!("/csapi/v1.3/registry/{REGISTRY}/schedule/{SCHEDULE}"));
    let mut expected = changed(body, json!({"scheduleIntervalInDays": 2}));
    expected.as_object_mut().unwrap().remove("weekDay");
    assert_eq!(edit.json(), expected);
}

#[tokio::test]
async fn connectors_are_deleted_by_what_their_cloud_knows_them_by() {
    let stub = platform(shown()).await;
    let writer = Writer::new(&stub.reader());
    for (id, path, body) in [
        ("arn:aws:iam::210987654321:role/old", "aws", json!({"arn": "arn:aws:iam::210987654321:role/old"})),
        (SCHEDULE, "acr", json!({"connectorId": SCHEDULE})),
    ] {
        writer.delete(Kind::RegistryConnector, id).await.unwrap();
        let asked = stub.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.json()), ("DELETE", body));
        assert_eq!(asked.path, format!("/csapi/v1.3/registry/{path}/connector"));
    }
}

struct NoNames;

impl Names for NoNames {
    fn id(&self, _kind: Kind, _name: &str) -> Option<String> {
        None
    }
}
