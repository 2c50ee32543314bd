//! The global scan configuration: the guide's samples re-made, what is refused, and the options that concern it.

use serde_json::{Value, json};

use crate::client::{GLOBAL_SCAN, Remote, changed, request_of};
use crate::refusals::check_refused;

pub(crate) fn configuration() -> Value {
    json!({"scanPrefix": "Global Scan", "optionProfileId": 2, "recurrence": "WEEKLY", "startDate": "06/22/2031",
        "startTime": "12:45", "daysOfWeek": {"set": {"Day": ["SUN", "TUE"]}}, "timezone": "Africa/Cairo"})
}

pub(crate) fn request(object: &Value) -> Value {
    request_of("GlobalScanConfiguration", object)
}

fn shown(fields: &Value) -> Value {
    let days = json!({"daysOfWeek": {"list": {"Day": ["TUE", "SUN"]}}});
    json!([{"GlobalScanConfiguration": changed(changed(configuration(), &days), fields)}])
}

#[tokio::test]
async fn the_global_scan_configuration_is_made_changed_and_found_without_an_id() {
    let remote = Remote::example().await;
    assert_eq!(
        remote.json("search", GLOBAL_SCAN, Value::Null).await,
        json!({"responseCode": "SUCCESS", "count": 0})
    );
    let created = remote.json("create", GLOBAL_SCAN, request(&configuration())).await;
    assert_eq!(created, json!({"responseCode": "SUCCESS", "count": 1, "data": shown(&json!({}))}));
    let change = json!({"scanPrefix": "update global scan", "startDate": "06/23/2031"});
    let updated = remote.json("update", GLOBAL_SCAN, request(&change)).await;
    assert_eq!(
        updated,
        json!({"responseCode": "SUCCESS", "count": 1, "data": shown(&change)}),
        "what is left out stays"
    );
    let found = remote.json("search", GLOBAL_SCAN, Value::Null).await;
    assert_eq!(
        found,
        json!({"responseCode": "SUCCESS", "count": 1, "hasMoreRecords": "false", "data": shown(&change)})
    );

    let daily = remote.json("update", GLOBAL_SCAN, request(&json!({"recurrence": "DAILY"}))).await;
    let without_days = changed(change, &json!({"recurrence": "DAILY", "daysOfWeek": null}));
    let mut expected = shown(&without_days);
    expected[0]["GlobalScanConfiguration"].as_object_mut().unwrap().remove("daysOfWeek");
    assert_eq!(daily["data"], expected);

    let log = remote.control("GET", "/_sim/requests", Value::Null).await;
    let marked: Vec<_> =
        log["requests"].as_array().unwrap().iter().map(|request| &request["without_id"]).collect();
    assert!(
        marked.iter().all(|marked| **marked == false),
        "there is no id that could have been forgotten: {log}"
    );
}

#[tokio::test]
async fn the_global_scan_configuration_is_made_and_found_in_xml() {
    let remote = Remote::with(&[("unfiltered_writes", "refused")]).await;
    let fields = |prefix: &str, days: &str| {
        format!(
            "<data><GlobalScanConfiguration><scanPrefix>{prefix}</scanPrefix><optionProfileId>2</optionProfileId>\
             <recurrence>WEEKLY</recurrence><startDate>06/22/2022</startDate><startTime>12:45</startTime>\
             <daysOfWeek>{days}</daysOfWeek><timezone>Africa/Cairo</timezone></GlobalScanConfiguration></data>"
        )
    };
    let asked = |prefix: &str| {
        let days = "<set><Day>SUN</Day><Day>TUE</Day></set>";
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><ServiceRequest>{}</ServiceRequest>",
            fields(prefix, days)
        )
    };
    let answered = |prefix: &str, more: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ServiceResponse \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:noNamespaceSchemaLocation=\"{}/qps/xsd/3.0/am/globalscanconfiguration.xsd\">\
             <responseCode>SUCCESS</responseCode><count>1</count>{more}{}</ServiceResponse>",
            remote.simulator.url(),
            fields(prefix, "<list><Day>TUE</Day><Day>SUN</Day></list>"),
        )
    };
    assert_eq!(remote.xml("create", GLOBAL_SCAN, &asked("Global Scan")).await, answered("Global Scan", ""));
    assert_eq!(remote.xml("update", GLOBAL_SCAN, &asked("changed")).await, answered("changed", ""));
    let more = "<hasMoreRecords>false</hasMoreRecords>";
    assert_eq!(remote.xml("search", GLOBAL_SCAN, "").await, answered("changed", more));
}

#[tokio::test]
async fn a_global_scan_configuration_is_refused_by_the_name_of_the_field() {
    let remote = Remote::example().await;
    let mut cases = vec![
        (json!({"recurrence": "DAILY"}), "daysOfWeek"),
        (json!({"recurrence": "MONTHLY"}), "recurrence"),
        (json!({"daysOfWeek": {"set": {"Day": []}}}), "daysOfWeek"),
        (json!({"daysOfWeek": {"set": {"Day": "SUNDAY"}}}), "daysOfWeek.set.Day"),
        (json!({"daysOfWeek": {"list": {"Day": "SUN"}}}), "daysOfWeek.list"),
        (json!({"startDate": "22/06/2031"}), "startDate"),
        (json!({"startDate": "2031-06-22"}), "startDate"),
        (json!({"startTime": "12:45:00"}), "startTime"),
        (json!({"startTime": "25:00"}), "startTime"),
        (json!({"timezone": "Cairo"}), "timezone"),
        (json!({"optionProfileId": "standard"}), "optionProfileId"),
        (json!({"name": "global"}), "name"),
        (json!({"id": 1}), "id"),
    ];
    let whole = configuration();
    cases.extend(whole.as_object().unwrap().keys().map(|name| (json!({name: null}), name.as_str())));
    for (fields, named) in cases {
        check_refused(
            &remote.json("create", GLOBAL_SCAN, request(&changed(configuration(), &fields))).await,
            named,
        );
    }
    check_refused(&remote.json("create", &format!("{GLOBAL_SCAN}/1"), request(&configuration())).await, "id");
    check_refused(&remote.json("update", &format!("{GLOBAL_SCAN}/1"), request(&configuration())).await, "id");
    check_refused(&remote.json("search", &format!("{GLOBAL_SCAN}/1"), Value::Null).await, "id");
    let criterion = json!({"field": "scanPrefix", "operator": "EQUALS", "value": "x"});
    let body = json!({"ServiceRequest": {"filters": {"Criteria": criterion}}});
    check_refused(&remote.json("search", GLOBAL_SCAN, body).await, "scanPrefix");
    assert_eq!(remote.json("search", GLOBAL_SCAN, Value::Null).await["count"], 0, "nothing was made");
    for verb in ["get", "delete", "count", "run"] {
        let answer = remote.json(verb, &format!("{GLOBAL_SCAN}/1"), Value::Null).await;
        assert_eq!(answer["responseCode"], "INVALID_API_VERSION", "{verb}");
    }
    let wrong_path = "/r/qps/rest/3.0/create/am/globalscanconfiguration";
    assert_eq!(remote.ask("POST", wrong_path).json().send().await.status, 404, "the samples' path is none");
}

#[tokio::test]
async fn a_second_or_missing_global_scan_configuration_is_as_the_options_say() {
    for (value, second) in [("refused", "INVALID_REQUEST"), ("overwrite", "SUCCESS")] {
        let remote = Remote::with(&[("global_scan_create_when_present", value)]).await;
        remote.json("create", GLOBAL_SCAN, request(&configuration())).await;
        let daily = changed(configuration(), &json!({"recurrence": "DAILY", "daysOfWeek": null}));
        assert_eq!(
            remote.json("create", GLOBAL_SCAN, request(&daily)).await["responseCode"],
            second,
            "{value}"
        );
        let found = remote.json("search", GLOBAL_SCAN, Value::Null).await;
        let recurrence = if second == "SUCCESS" { "DAILY" } else { "WEEKLY" };
        assert_eq!(found["count"], 1);
        assert_eq!(found["data"][0]["GlobalScanConfiguration"]["recurrence"], recurrence);
    }
    for (value, code, count) in [("refused", "INVALID_REQUEST", 0), ("create", "SUCCESS", 1)] {
        let remote = Remote::with(&[("global_scan_update_when_absent", value)]).await;
        assert_eq!(
            remote.json("update", GLOBAL_SCAN, request(&configuration())).await["responseCode"],
            code,
            "{value}"
        );
        assert_eq!(remote.json("search", GLOBAL_SCAN, Value::Null).await["count"], count);
    }
    for (option, value, date, code) in [
        ("past_start_date", "accepted", "06/22/2022", "SUCCESS"),
        ("past_start_date", "refused", "06/22/2022", "INVALID_REQUEST"),
        ("date_order", "mdy", "22/06/2031", "INVALID_REQUEST"),
        ("date_order", "lenient", "22/06/2031", "SUCCESS"),
    ] {
        let remote = Remote::with(&[(option, value)]).await;
        let object = changed(configuration(), &json!({"startDate": date}));
        assert_eq!(
            remote.json("create", GLOBAL_SCAN, request(&object)).await["responseCode"],
            code,
            "{option} {value}"
        );
    }
}

#[tokio::test]
async fn control_calls_and_seeds_know_the_one_configuration() {
    let remote = Remote::example().await;
    let plain = changed(configuration(), &json!({"daysOfWeek": ["SUN", "TUE"]}));
    let create = json!({"kind": "global_scan", "create": plain});
    assert_eq!(
        remote.control("POST", "/_sim/objects", create.clone()).await["object"]["scanPrefix"],
        "Global Scan"
    );
    let second = remote.ask("POST", "/_sim/objects").json().body(&create.to_string()).send().await;
    assert_eq!(second.status, 400, "{second:?}");
    let set = json!({"kind": "global_scan", "set": {"startTime": "01:30"}});
    remote.control("POST", "/_sim/objects", set).await;
    let found = remote.json("search", GLOBAL_SCAN, Value::Null).await;
    assert_eq!(found["data"], shown(&json!({"startTime": "01:30"})));
    remote.control("POST", "/_sim/objects", json!({"kind": "global_scan", "delete": true})).await;
    assert_eq!(remote.json("search", GLOBAL_SCAN, Value::Null).await["count"], 0);
}
