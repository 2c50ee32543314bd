//! The global scan configuration, after the samples of "Global Scan Configuration", written as JSON.

use super::*;

fn shown() -> Value {
    json!({
        "scanPrefix": "Global Scan", "optionProfileId": 7, "recurrence": "WEEKLY", "startDate": "06/22/2031",
        "startTime": "12:45", "daysOfWeek": {"list": {"Day": ["SUN", "TUE"]}}, "timezone": "Africa/Cairo"
    })
}

fn expected() -> Value {
    json!({
        "option_profile_id": 7, "recurrence": "WEEKLY", "days": ["SUN", "TUE"], "scan_prefix": "Global Scan",
        "start_date": "2031-06-22", "start_time": "12:45", "timezone": "Africa/Cairo"
    })
}

/// The configuration as requests have it, with these changes; `null` takes a field away.
fn sent(changes: Value) -> Value {
    let mut fields = changed(shown(), json!({"daysOfWeek": {"set": {"Day": ["SUN", "TUE"]}}}));
    fields = changed(fields, changes);
    fields.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    fields
}

fn there() -> stub::Play {
    success(&json!({"count": 1, "hasMoreRecords": "false", "data": [{"GlobalScanConfiguration": shown()}]}))
}

fn none() -> stub::Play {
    success(&json!({"count": 0}))
}

fn config(changes: Value) -> Spec {
    spec(Kind::GlobalScan, changed(expected(), changes))
}

fn body(asked: &stub::Asked) -> Value {
    asked.json()["ServiceRequest"]["data"]["GlobalScanConfiguration"].clone()
}

fn paths(stub: &Stub) -> Vec<String> {
    let start = "/qps/rest/3.0/";
    stub.asked().iter().map(|asked| asked.path.strip_prefix(start).unwrap().to_owned()).collect()
}

const SEARCH: &str = "search/am/globalscanconfiguration";
const CREATE: &str = "create/am/globalscanconfiguration";
const UPDATE: &str = "update/am/globalscanconfiguration";

#[tokio::test]
async fn every_documented_form_of_the_configuration_reads_as_the_same_one() {
    for (form, data) in [
        ("as searched for", json!([{"GlobalScanConfiguration": shown()}])),
        ("data as one wrapped object", json!({"GlobalScanConfiguration": shown()})),
        (
            "the id as a string",
            json!({"GlobalScanConfiguration": changed(shown(), json!({"optionProfileId": "7"}))}),
        ),
        ("days as an echoed set", json!([{"GlobalScanConfiguration": sent(json!({}))}])),
        (
            "the other order of a date",
            json!([{"GlobalScanConfiguration": changed(shown(), json!({"startDate": "22/06/2031"}))}]),
        ),
    ] {
        let object = one_of(Kind::GlobalScan, data).await;
        assert_eq!(Value::Object(object.spec.fields()), expected(), "{form}");
        assert_eq!((object.id.as_str(), object.spec.address_name().as_str()), ("global", "global"), "{form}");
    }
}

#[tokio::test]
async fn the_search_asks_for_nothing_and_none_is_an_answer() {
    let stub = Stub::plays([none()]).await;
    assert_eq!(stub.reader().list(Kind::GlobalScan).await.unwrap(), []);
    let asked = &stub.asked()[0];
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("POST", ""));
    assert_eq!(paths(&stub), [SEARCH]);

    let stub = Stub::plays([there()]).await;
    let reader = stub.reader();
    assert_eq!(reader.read(Kind::GlobalScan, &["global".to_owned()]).await.unwrap().len(), 1);
    assert_eq!(reader.read(Kind::GlobalScan, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_that_does_not_tell_the_one_configuration_is_a_failed_read() {
    let one = json!({"GlobalScanConfiguration": shown()});
    for (answer, said) in [
        (json!({"count": 2, "data": [one, one]}), "more than one global scan configuration"),
        (json!({"count": 1, "data": []}), "a count without the data that it counts"),
        (json!({"count": 1}), "a count without the data that it counts"),
        (json!({}), "success without count and data"),
        (
            json!({"count": 1, "data": [{"GlobalScanConfiguration": {"optionProfileId": "x"}}]}),
            "data that do not hold a GlobalScanConfiguration that can be read",
        ),
    ] {
        let stub = Stub::plays([success(&answer)]).await;
        let error = stub.reader().list(Kind::GlobalScan).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("could not search globalscanconfiguration: {said}"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_create_looks_first_and_updates_what_is_there_by_now() {
    let stub = Stub::plays([none(), there()]).await;
    let made = Writer::new(&stub.reader()).create(&config(json!({})), Context::new(&Known)).await.unwrap();
    assert_eq!(made.id, "global");
    assert_eq!(paths(&stub), [SEARCH, CREATE]);
    assert_eq!(body(&stub.asked()[1]), sent(json!({})));

    let stub = Stub::plays([there()]).await;
    let partly = spec(Kind::GlobalScan, json!({"scan_prefix": "Edge"}));
    Writer::new(&stub.reader()).create(&partly, Context::new(&Known)).await.unwrap();
    assert_eq!(paths(&stub), [SEARCH, UPDATE]);
    assert_eq!(
        body(&stub.asked()[1]),
        sent(json!({"scanPrefix": "Edge"})),
        "what is left out stays as it is"
    );
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_sent_again() {
    let stub = Stub::plays([none(), stub::Play::Close]).await;
    let error =
        Writer::new(&stub.reader()).create(&config(json!({})), Context::new(&Known)).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(paths(&stub), [SEARCH, CREATE]);
    // Where the look before it fails, nothing was sent.
    let stub = Stub::plays([stub::reply(403, "")]).await;
    let error =
        Writer::new(&stub.reader()).create(&config(json!({})), Context::new(&Known)).await.unwrap_err();
    assert!(!error.outcome_unknown(), "{error}");
    assert_eq!(paths(&stub), [SEARCH]);
}

#[tokio::test]
async fn an_update_sends_all_and_the_start_date_only_when_the_schedule_changes() {
    for (changed, changes) in [
        ("option_profile_id", json!({"startDate": null})),
        ("scan_prefix", json!({"startDate": null})),
        ("recurrence", json!({})),
        ("days", json!({})),
        ("start_date", json!({})),
        ("start_time", json!({})),
        ("timezone", json!({})),
    ] {
        let stub = Stub::plays([there()]).await;
        let writer = Writer::new(&stub.reader());
        writer.update("global", &config(json!({})), &[changed], Context::new(&Known)).await.unwrap();
        assert_eq!(paths(&stub), [UPDATE]);
        assert_eq!(body(&stub.asked()[0]), sent(changes), "{changed}");
    }
    let stub = Stub::plays([there()]).await;
    let daily = config(json!({"recurrence": "DAILY", "days": null}));
    Writer::new(&stub.reader())
        .update("global", &daily, &["recurrence"], Context::new(&Known))
        .await
        .unwrap();
    assert_eq!(body(&stub.asked()[0]), sent(json!({"recurrence": "DAILY", "daysOfWeek": null})));
}

#[tokio::test]
async fn an_update_of_what_is_not_there_says_so() {
    let stub = Stub::plays([none()]).await;
    let writer = Writer::new(&stub.reader());
    let error =
        writer.update("global", &config(json!({})), &["days"], Context::new(&Known)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not update globalscanconfiguration global_scan/global: there is no global scan configuration"
    );
}

#[tokio::test]
async fn it_cannot_be_deleted() {
    let stub = Stub::plays([there()]).await;
    let error = Writer::new(&stub.reader()).delete(Kind::GlobalScan, "global").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not delete globalscanconfiguration global: the platform has no call to delete the global scan \
         configuration; it stays as it is"
    );
    assert_eq!(stub.asked().len(), 0);
}
