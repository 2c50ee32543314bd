//! Each option runs with each of its values.

use serde_json::{Value, json};
use trueup::simulator::Options;

use crate::client::{AWS, AZURE, GCP, Remote, request_of};
use crate::samples::{app, connector, request};

const ARN: &str = "arn:aws:iam::123456789012:role/QualysConnector";
const OTHER: &str = "arn:aws:iam::123456789013:role/QualysConnector";

/// Whether a create goes through under an option.
async fn created(option: (&str, &str), object: Value) -> bool {
    let remote = Remote::with(&[option]).await;
    remote.json("create", AWS, request(&object)).await["responseCode"] == "SUCCESS"
}

fn with(fields: Value) -> Value {
    let mut object = connector("payments", ARN);
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    object.as_object_mut().unwrap().extend(fields);
    object
}

#[tokio::test]
async fn creates_are_taken_or_refused_as_the_option_says() {
    let modules = |modules: Value| json!({"activation": {"set": {"ActivationModule": modules}}});
    let cps = json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": false},
        "activation": {"set": {"ActivationModule": ["SCA"]}}});
    let scan = |date: &str| json!({"connectorScanConfig": {"set": {"ConnectorScanConfiguration": {"startDate": date}}}});
    let identifier = json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQList": app("AI", OTHER)}}});
    let existing = json!({"arn": "arn:aws:iam::456789012345:role/Sandbox", "connectorAppInfos": {}});
    let cases = [
        ("duplicate_name", "accepted", "refused", json!({"name": "sandbox"})),
        ("duplicate_identity", "accepted", "refused", existing),
        ("odd_run_frequency", "accepted", "refused", json!({"runFrequency": 300})),
        ("pc_with_sca", "accepted", "refused", modules(json!(["PC", "SCA"]))),
        ("newer_words", "accepted", "refused", modules(json!(["VM", "SWCA"]))),
        (
            "newer_words",
            "accepted",
            "refused",
            json!({"connectorAppInfos": {"set": {"ConnectorAppInfoQList": app("XSPM", ARN)}}}),
        ),
        ("cps_without_vm", "accepted", "refused", cps),
        ("past_start_date", "accepted", "refused", scan("05/31/2022")),
        ("date_order", "lenient", "mdy", scan("31/05/2022")),
        ("app_identifier", "any", "own", identifier),
    ];
    for (option, taking, refusing, fields) in cases {
        assert!(created((option, taking), with(fields.clone())).await, "{option} {taking}");
        assert!(!created((option, refusing), with(fields)).await, "{option} {refusing}");
    }
}

#[tokio::test]
async fn an_update_names_another_subscription_or_project_in_vain_or_not() {
    let subscription = "55555555-5555-4555-8555-555555555555";
    for (value, taken) in [("accepted", true), ("refused", false)] {
        let remote = Remote::with(&[("identity_update", value)]).await;
        let cases = [
            ("azure", "corp-lab", AZURE, "AzureAssetDataConnector", "subscriptionId", subscription),
            ("gcp", "research", GCP, "GcpAssetDataConnector", "projectId", "another-project"),
        ];
        for (kind, name, noun, object, field, other) in cases {
            let id = remote.id(kind, name).await;
            let path = format!("{noun}/{id}");
            let own = remote.plain(kind, id).await["authRecord"][field].clone();
            let update = async |identity: &Value| {
                let body = request_of(object, &json!({"description": "d", "authRecord": {field: identity}}));
                remote.json("update", &path, body).await
            };
            assert_eq!(update(&own).await["responseCode"], "SUCCESS", "{field}: the same again");
            let answer = update(&json!(other)).await;
            assert_eq!(answer["responseCode"] == "SUCCESS", taken, "{field}: {answer}");
            assert_eq!(remote.plain(kind, id).await["authRecord"][field] == other, taken, "{field}");
        }
        // An ARN is among the fields that the guide lists for update.
        let path = format!("{AWS}/{}", remote.id("aws", "sandbox").await);
        let answer = remote.json("update", &path, request(&json!({"arn": ARN}))).await;
        assert_eq!(answer["responseCode"], "SUCCESS", "{answer}");
    }
}

#[tokio::test]
async fn odd_run_frequencies_can_be_rounded() {
    let remote = Remote::with(&[("odd_run_frequency", "rounded")]).await;
    let created = remote.json("create", AWS, request(&with(json!({"runFrequency": 300})))).await;
    assert_eq!(created["data"][0]["AwsAssetDataConnector"]["runFrequency"], 240);
}

#[tokio::test]
async fn a_deleted_identity_is_free_again_after_some_requests_or_at_once() {
    for (value, at_once) in [("refused", false), ("allowed", true)] {
        let remote = Remote::with(&[("reuse_after_delete", value), ("reuse_after", "3")]).await;
        let id = remote.id("aws", "sandbox").await;
        remote.json("delete", &format!("{AWS}/{id}"), Value::Null).await;
        let arn = "arn:aws:iam::456789012345:role/Sandbox";
        let again = request(&connector("sandbox", arn));
        let first = remote.json("create", AWS, again.clone()).await;
        assert_eq!(first["responseCode"] == "SUCCESS", at_once, "{first}");
        if !at_once {
            assert!(
                first["responseErrorDetails"]["errorMessage"].as_str().unwrap().contains("deleted"),
                "{first}"
            );
            remote.json("search", AWS, Value::Null).await;
            remote.json("search", AWS, Value::Null).await;
            assert_eq!(remote.json("create", AWS, again).await["responseCode"], "SUCCESS");
        }
    }
}

#[tokio::test]
async fn deleted_connectors_are_hidden_or_shown() {
    for (value, count) in [("hidden", 2), ("shown", 3)] {
        let remote = Remote::with(&[("deleted_in_search", value)]).await;
        let id = remote.id("aws", "sandbox").await;
        remote.json("delete", &format!("{AWS}/{id}"), Value::Null).await;
        let found = remote.json("search", AWS, Value::Null).await;
        assert_eq!(found["count"], count);
        let deleted = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|object| object["AwsAssetDataConnector"]["isDeleted"] == "true");
        assert_eq!(deleted.count(), count - 2);
    }
}

#[tokio::test]
async fn statuses_and_headers_follow_their_options() {
    let get = "/qps/rest/3.0/get/am/awsassetdataconnector/17";
    for (option, value, status) in [
        ("unknown_id", "200", 200),
        ("unknown_id", "404", 404),
        ("auth_failure", "200", 200),
        ("auth_failure", "401", 401),
    ] {
        let remote = Remote::with(&[(option, value)]).await;
        let ask = remote.ask("GET", get).json();
        let ask = if option == "auth_failure" { ask.without("Authorization") } else { ask };
        let answer = ask.send().await;
        assert_eq!(answer.status, status, "{option} {value}");
        let code = if option == "auth_failure" { "INVALID_CREDENTIALS" } else { "OBJECT_NOT_FOUND" };
        assert_eq!(answer.value()["ServiceResponse"]["responseCode"], code);
    }
    for (value, sent) in [("on", true), ("off", false)] {
        let remote = Remote::with(&[("powered_by", value), ("subscription", "s"), ("pod", "EUPOD01")]).await;
        let header = remote.ask("GET", get).send().await.headers.get("x-powered-by").cloned();
        assert_eq!(header.is_some_and(|header| header.starts_with("Qualys:EUPOD01:s:")), sent, "{value}");
    }
}

#[tokio::test]
async fn methods_are_strict_or_tolerant() {
    let cases = [
        ("methods", "strict", "PUT", "update", 405),
        ("methods", "tolerant", "PUT", "update", 200),
        ("methods", "strict", "GET", "delete", 405),
        ("methods", "tolerant", "GET", "delete", 200),
        ("methods", "tolerant", "GET", "run", 200),
        ("methods", "tolerant", "GET", "search", 405),
        ("update_method", "post", "PUT", "update", 405),
        ("update_method", "post_or_put", "PUT", "update", 200),
    ];
    for (option, value, method, verb, status) in cases {
        let remote = Remote::with(&[(option, value)]).await;
        let path = format!("/qps/rest/3.0/{verb}/am/{AWS}/17");
        assert_eq!(remote.ask(method, &path).send().await.status, status, "{option} {value} {method} {verb}");
    }
}

#[tokio::test]
async fn an_empty_set_clears_or_does_nothing() {
    for (value, left) in [("clears", 0), ("ignored", 2)] {
        let remote = Remote::with(&[("empty_set", value)]).await;
        let id = remote.id("aws", "prod-web").await;
        for empty in
            [json!({"set": {}}), json!({"set": []}), json!({"set": {"TagSimple": []}}), json!({"set": ""})]
        {
            let updated =
                remote.json("update", &format!("{AWS}/{id}"), request(&json!({"defaultTags": empty}))).await;
            assert_eq!(updated["responseCode"], "SUCCESS", "{updated}");
        }
        let xml = "<ServiceRequest><data><AwsAssetDataConnector><defaultTags><set/></defaultTags></AwsAssetDataConnector>\
                   </data></ServiceRequest>";
        remote.xml("update", &format!("{AWS}/{id}"), xml).await;
        let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
        let tags = got["data"][0]["AwsAssetDataConnector"]
            .get("defaultTags")
            .map(|tags| tags["list"].as_array().unwrap().len());
        assert_eq!(tags.unwrap_or(0), left, "{value}");
    }
}

#[tokio::test]
async fn answers_look_as_their_options_say() {
    for (value, expected) in [("strings", json!("false")), ("real", json!(false))] {
        let remote = Remote::with(&[("json_booleans", value)]).await;
        let found = remote.json("search", AWS, Value::Null).await;
        assert_eq!(found["hasMoreRecords"], expected);
        assert_eq!(found["data"][0]["AwsAssetDataConnector"]["disabled"], expected);
    }
    for (value, is_array) in [("array", true), ("object-when-single", false)] {
        let remote = Remote::with(&[("data_shape", value)]).await;
        let id = remote.id("aws", "sandbox").await;
        let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
        assert_eq!(got["data"].is_array(), is_array);
        assert!(remote.json("search", AWS, Value::Null).await["data"].is_array(), "several are an array");
    }
    for (value, expected) in [
        ("list", "<activation><list><ActivationModule>VM</ActivationModule></list></activation>"),
        ("bare", "<activation><ActivationModule>VM</ActivationModule></activation>"),
    ] {
        let remote = Remote::with(&[("activation_xml", value)]).await;
        let id = remote.id("aws", "sandbox").await;
        let got = remote.xml("get", &format!("{AWS}/{id}"), "").await;
        assert!(got.contains(expected), "{got}");
    }
    for (value, expected) in
        [("off", Value::Null), ("on", json!({"list": [{"AwsEndpointSimple": {"regionCode": "eu-west-1"}}]}))]
    {
        let remote = Remote::with(&[("echo_endpoints", value)]).await;
        let endpoints = json!({"set": {"AwsEndpointSimple": {"regionCode": "eu-west-1"}}});
        let object = with(json!({"allRegions": false, "endpoints": endpoints}));
        let created = remote.json("create", AWS, request(&object)).await;
        assert_eq!(created["data"][0]["AwsAssetDataConnector"]["endpoints"], expected, "{value}");
    }
}

#[tokio::test]
async fn runs_end_as_the_option_says() {
    for (value, expected) in [
        ("success", ["QUEUED", "RUNNING", "FINISHED_SUCCESS"]),
        ("errors", ["QUEUED", "RUNNING", "FINISHED_ERRORS"]),
        ("frozen", ["QUEUED", "QUEUED", "QUEUED"]),
    ] {
        let remote = Remote::with(&[("states", value), ("state_reads", "2")]).await;
        let created = remote.json("create", AWS, request(&connector("payments", ARN))).await;
        let id = created["data"][0]["AwsAssetDataConnector"]["id"].as_u64().unwrap();
        for state in expected {
            for _ in 0..2 {
                let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
                let live = &got["data"][0]["AwsAssetDataConnector"];
                assert_eq!(live["connectorState"], state, "{value}");
                assert_eq!(live.get("lastSync").is_some(), state.starts_with("FINISHED"));
                assert_eq!(live.get("lastError").is_some(), state == "FINISHED_ERRORS");
            }
        }
    }
}

#[tokio::test]
async fn searching_follows_its_options() {
    for (value, count) in [("inclusive", 3), ("exclusive", 2)] {
        let remote = Remote::with(&[("start_from_id", value)]).await;
        let id = remote.id("aws", "prod-web").await;
        let body = json!({"ServiceRequest": {"preferences": {"startFromId": id}}});
        assert_eq!(remote.json("search", AWS, body).await["count"], count);
    }
    let remote = Remote::with(&[("page_limit", "2")]).await;
    let page = remote.json("search", AWS, Value::Null).await;
    assert_eq!((&page["count"], &page["hasMoreRecords"]), (&json!(2), &json!("true")));
    let next = json!({"ServiceRequest": {"preferences": {"startFromId": page["lastId"]}}});
    assert_eq!(remote.json("search", AWS, next).await["count"], 2, "the last one, and the one after it");
    for (value, count) in [("sensitive", 0), ("insensitive", 1)] {
        let remote = Remote::with(&[("search_case", value)]).await;
        for operator in ["EQUALS", "CONTAINS"] {
            let body = json!({"ServiceRequest": {"filters": {"Criteria":
                {"field": "name", "operator": operator, "value": "SANDBOX"}}}});
            assert_eq!(remote.json("search", AWS, body).await["count"], count, "{value} {operator}");
        }
    }
    for (value, code) in [("all", "SUCCESS"), ("refused", "INVALID_REQUEST")] {
        let remote = Remote::with(&[("unfiltered_writes", value)]).await;
        assert_eq!(remote.json("delete", AWS, Value::Null).await["responseCode"], code);
    }
}

#[tokio::test]
async fn a_lagging_search_shows_changes_late() {
    let remote = Remote::with(&[("search_lag", "2")]).await;
    let created = remote.json("create", AWS, request(&connector("payments", ARN))).await;
    let id = created["data"][0]["AwsAssetDataConnector"]["id"].as_u64().unwrap();
    let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
    assert_eq!(got["responseCode"], "SUCCESS", "a get does not lag");
    for count in [3, 3, 4, 4] {
        assert_eq!(remote.json("search", AWS, Value::Null).await["count"], count);
    }
    remote.json("delete", &format!("{AWS}/{id}"), Value::Null).await;
    for count in [4, 4, 3] {
        assert_eq!(remote.json("search", AWS, Value::Null).await["count"], count);
    }
}

#[tokio::test]
async fn what_a_lagging_search_shows_does_not_come_back_into_force() {
    let remote = Remote::with(&[("search_lag", "2")]).await;
    let created = remote.json("create", AWS, request(&connector("payments", ARN))).await;
    let id = created["data"][0]["AwsAssetDataConnector"]["id"].as_u64().unwrap();
    // Its run is under way, and searches show it so.
    for _ in 0..3 {
        remote.json("search", AWS, Value::Null).await;
    }
    let frequency = json!({"runFrequency": 60});
    remote.json("update", &format!("{AWS}/{id}"), request(&frequency)).await;
    for _ in 0..4 {
        // A look takes the run further, and nothing else back.
        remote.json("search", AWS, Value::Null).await;
        let got = remote.json("get", &format!("{AWS}/{id}"), Value::Null).await;
        assert_eq!(got["data"][0]["AwsAssetDataConnector"]["runFrequency"], 60);
    }
}

#[tokio::test]
async fn tags_follow_their_options() {
    for (value, code, left) in
        [("cascade", "SUCCESS", 6), ("refused", "INVALID_REQUEST", 8), ("orphan", "SUCCESS", 7)]
    {
        let remote = Remote::with(&[("tag_parent_delete", value)]).await;
        let id = remote.id("tag", "prod").await;
        assert_eq!(remote.json("delete", &format!("tag/{id}"), Value::Null).await["responseCode"], code);
        assert_eq!(remote.json("search", "tag", Value::Null).await["count"], left, "{value}");
    }
    for (value, code) in [("allowed", "SUCCESS"), ("refused", "INVALID_REQUEST")] {
        let remote = Remote::with(&[("tag_in_use_delete", value)]).await;
        let id = remote.id("tag", "web").await;
        assert_eq!(remote.json("delete", &format!("tag/{id}"), Value::Null).await["responseCode"], code);
        let connector = remote.id("aws", "prod-web").await;
        let got = remote.json("get", &format!("{AWS}/{connector}"), Value::Null).await;
        let tags = got["data"][0]["AwsAssetDataConnector"]["defaultTags"]["list"].as_array().unwrap().len();
        assert_eq!(tags, if value == "allowed" { 1 } else { 2 });
    }
    for (value, code) in [("refused", "INVALID_REQUEST"), ("accepted", "SUCCESS")] {
        let remote = Remote::with(&[("duplicate_tag", value)]).await;
        let tag = |object: Value| json!({"ServiceRequest": {"data": {"Tag": object}}});
        assert_eq!(remote.json("create", "tag", tag(json!({"name": "unused"}))).await["responseCode"], code);
        let elsewhere = tag(json!({"name": "unused", "parentTagId": remote.id("tag", "prod").await}));
        assert_eq!(remote.json("create", "tag", elsewhere).await["responseCode"], "SUCCESS");
    }
}

#[tokio::test]
async fn the_rate_limit_answers_as_the_two_regimes_do() {
    for (value, status, wait) in [("409", 409, "x-ratelimit-towait-sec"), ("429", 429, "retry-after")] {
        let remote = Remote::with(&[("rate_limit", value), ("rate_limit_requests", "2")]).await;
        let path = format!("/qps/rest/3.0/search/am/{AWS}");
        for remaining in ["1", "0"] {
            let under = remote.ask("POST", &path).send().await;
            assert_eq!((under.status, under.headers["x-ratelimit-remaining"].as_str()), (200, remaining));
        }
        let over = remote.ask("POST", &path).send().await;
        assert_eq!(over.status, status);
        assert_eq!(over.headers["x-ratelimit-limit"], "2");
        assert_eq!(over.headers["x-ratelimit-remaining"], "0");
        assert!(over.headers[wait].parse::<u64>().unwrap() > 3590, "{over:?}");
        remote.ask("POST", &format!("/qps/rest/3.0/delete/am/{AWS}")).send().await;
        let log = remote.control("GET", "/_sim/requests", Value::Null).await;
        assert_eq!(
            (&log["requests"][3]["write"], &log["requests"][3]["without_id"]),
            (&json!(true), &json!(true))
        );
    }
}

#[tokio::test]
async fn a_call_leaves_the_rate_limits_window_by_itself_or_with_all_others() {
    for (kind, remaining) in [("sliding", "0"), ("fixed", "1")] {
        let options = [("rate_limit", "429"), ("rate_limit_kind", kind), ("rate_limit_requests", "2")];
        let remote = Remote::with(&[&options[..], &[("rate_limit_window", "1")]].concat()).await;
        let path = format!("/qps/rest/3.0/search/am/{AWS}");
        let first = std::time::Instant::now();
        remote.ask("POST", &path).send().await;
        let passed = |share: f64| {
            tokio::time::sleep_until((first + std::time::Duration::from_secs(1).mul_f64(share)).into())
        };
        passed(0.6).await;
        let begun = std::time::Instant::now();
        assert_eq!(remote.ask("POST", &path).send().await.headers["x-ratelimit-remaining"], "0");
        passed(1.1).await;
        let third = remote.ask("POST", &path).send().await;
        // Where the machine took too long for it, the second call has left too.
        if begun.elapsed().as_millis() < 900 {
            assert_eq!(third.headers["x-ratelimit-remaining"], remaining, "{kind}");
        }
    }
}

#[tokio::test]
async fn the_answers_of_a_rate_limit_say_how_long_to_wait_or_do_not() {
    for (regime, header) in [("409", "x-ratelimit-towait-sec"), ("429", "retry-after")] {
        for (wait, told) in [("told", true), ("silent", false)] {
            let options = [("rate_limit", regime), ("rate_limit_wait", wait), ("rate_limit_requests", "1")];
            let remote = Remote::with(&options).await;
            let path = format!("/qps/rest/3.0/search/am/{AWS}");
            let last = remote.ask("POST", &path).send().await;
            assert_eq!(
                last.headers.contains_key(header),
                told && regime == "409",
                "{regime} {wait}: {last:?}"
            );
            let over = remote.ask("POST", &path).send().await;
            assert_eq!(over.headers.contains_key(header), told, "{regime} {wait}: {over:?}");
        }
    }
}

#[tokio::test]
async fn without_a_rate_limit_there_are_no_headers_of_one() {
    let remote = Remote::with(&[("rate_limit", "none")]).await;
    let answer = remote.ask("POST", &format!("/qps/rest/3.0/search/am/{AWS}")).send().await;
    assert!(answer.headers.keys().all(|name| !name.contains("ratelimit")), "{answer:?}");
}

#[tokio::test]
async fn answers_are_held_back_by_the_latency() {
    let remote = Remote::with(&[("latency_ms", "60")]).await;
    let begun = std::time::Instant::now();
    remote.json("search", AWS, Value::Null).await;
    assert!(begun.elapsed().as_millis() >= 60);
}

#[test]
fn options_say_what_they_accept() {
    let mut options = Options::default();
    assert_eq!(
        options.set("states", "happy").unwrap_err(),
        "option states does not accept \"happy\"; it accepts success, errors, frozen"
    );
    assert_eq!(
        options.set("latency_ms", "slow").unwrap_err(),
        "option latency_ms does not accept \"slow\"; it accepts a whole number from 0 to 3600000"
    );
    assert!(
        options.set("colour", "red").unwrap_err().starts_with("there is no option \"colour\"; there are ")
    );
    for option in Options::table() {
        assert_eq!(options.values()[option.name], option.default, "{}", option.name);
        for value in option.values {
            options.set(option.name, value).unwrap();
            assert_eq!(options.values()[option.name], *value);
        }
    }
}

#[test]
fn the_page_lists_every_option_with_its_values() {
    let page = include_str!("../../docs/simulator.md");
    for option in Options::table() {
        let values = if option.values.is_empty() { vec![option.default] } else { option.values.to_vec() };
        let line = page.lines().find(|line| line.starts_with(&format!("| `{}` |", option.name)));
        let line = line.unwrap_or_else(|| panic!("docs/simulator.md does not list {}", option.name));
        for value in values {
            assert!(line.contains(&format!("`{value}`")), "{line} does not name {value}");
        }
        for said in [option.about, option.source] {
            assert!(!said.is_empty() && line.contains(said), "{line} does not say: {said}");
        }
    }
}
