//! Logins, methods, paths, formats, pages, limited fields, and writes that match many.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use trueup::simulator::{Seed, Settings};

use crate::client::{AWS, Remote};

async fn generated(kind: &str, count: usize) -> Remote {
    let generate = [(kind.to_owned(), count)].into();
    Remote::on(Settings { seed: Seed::Empty, generate, ..Settings::default() }).await
}

#[tokio::test]
async fn a_wrong_password_is_a_200_that_says_invalid_credentials() {
    let remote = Remote::example().await;
    let path = format!("/qps/rest/3.0/search/am/{AWS}");
    for login in ["Basic c2ltdWxhdG9yOm90aGVy", "Bearer x", "Basic !"] {
        let answer = remote.ask("POST", &path).json().header("Authorization", login).send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.value()["ServiceResponse"],
            json!({"responseCode": "INVALID_CREDENTIALS", "responseErrorDetails": {
                "errorMessage": "Authentication failed",
                "errorResolution": "Verify both, user and password credentials.",
            }})
        );
        assert!(!answer.headers.contains_key("x-powered-by"));
    }
    let none = remote.ask("POST", &path).json().without("Authorization").send().await;
    assert_eq!(none.value()["ServiceResponse"]["responseCode"], "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn the_powered_by_header_comes_with_valid_and_invalid_requests_alone() {
    let remote = Remote::example().await;
    let cases = [
        ("POST", "/qps/rest/3.0/search/am/awsassetdataconnector", "", true),
        ("POST", "/qps/rest/3.0/search/am/awsassetdataconnector", "nonsense", true),
        ("POST", "/qps/rest/3.0/search/am/nothing", "", true),
        ("GET", "/qps/rest/portal/version", "", true),
        ("GET", "/qps/rest/nothing", "", false),
        ("GET", "/nothing", "", false),
    ];
    for (method, path, body, expected) in cases {
        let answer = remote.ask(method, path).body(body).send().await;
        let header = answer.headers.get("x-powered-by");
        assert_eq!(header.is_some(), expected, "{method} {path}");
        if let Some(header) = header {
            assert!(header.starts_with("Qualys:USPOD01:"), "{header}");
            assert_eq!(header.split(':').count(), 4);
        }
    }
}

#[tokio::test]
async fn unknown_objects_paths_and_methods_are_told_apart() {
    let remote = Remote::example().await;
    let cases = [
        ("POST", "/qps/rest/2.0/search/am/awsassetdataconnector", 200),
        ("POST", "/qps/rest/3.0/search/am/ociassetdata", 200),
        ("POST", "/qps/rest/3.0/launch/am/awsassetdataconnector", 200),
        ("POST", "/qps/rest/3.0/search/am", 404),
        ("GET", "/cloudview", 404),
        ("GET", "/qps/rest/3.0/search/am/awsassetdataconnector", 405),
        ("POST", "/qps/rest/3.0/get/am/awsassetdataconnector/1", 405),
        ("PUT", "/qps/rest/3.0/update/am/awsassetdataconnector/1", 405),
        ("GET", "/qps/rest/3.0/delete/am/awsassetdataconnector/1", 405),
        ("DELETE", "/qps/rest/3.0/delete/am/awsassetdataconnector/1", 405),
    ];
    for (method, path, status) in cases {
        let answer = remote.ask(method, path).json().send().await;
        assert_eq!(answer.status, status, "{method} {path}");
        if status == 200 {
            assert_eq!(answer.value()["ServiceResponse"]["responseCode"], "INVALID_API_VERSION", "{path}");
        }
    }
}

#[tokio::test]
async fn the_two_directions_choose_their_format_apart() {
    let remote = Remote::example().await;
    let path = format!("/qps/rest/3.0/search/am/{AWS}");
    let xml = "<ServiceRequest><filters><Criteria><field>name</field><operator>EQUALS</operator><value>sandbox</value>\
               </Criteria></filters><preferences><limitResults>5</limitResults></preferences></ServiceRequest>";
    let json = json!({"ServiceRequest": {"preferences": {"limitResults": "5"},
        "filters": {"Criteria": {"field": "name", "operator": "EQUALS", "value": "sandbox"}}}});
    let json = json.to_string();
    for (content_type, body) in [("application/xml", xml), ("application/json", json.as_str())] {
        for accept in ["application/json", "application/xml", "*/*"] {
            let ask = remote.ask("POST", &path).header("Content-Type", content_type).header("Accept", accept);
            let answer = ask.body(body).send().await;
            let is_json = accept == "application/json";
            assert_eq!(answer.headers["content-type"], if is_json { accept } else { "application/xml" });
            let expected = if is_json { "\"count\":1" } else { "<count>1</count>" };
            assert!(answer.body.contains(expected), "{content_type} {accept}: {}", answer.body);
        }
    }
    let without = remote.ask("POST", &path).body(xml).send().await;
    assert!(without.body.contains("<count>1</count>"), "XML is the default: {}", without.body);
}

#[tokio::test]
async fn no_hits_have_neither_data_nor_more_records() {
    let remote = Remote::example().await;
    let nobody = json!({"ServiceRequest": {"filters": {"Criteria":
        {"field": "name", "operator": "EQUALS", "value": "nobody"}}}});
    let found = remote.json("search", AWS, nobody).await;
    assert_eq!(found, json!({"responseCode": "SUCCESS", "count": 0}));
}

#[tokio::test]
async fn pages_can_be_walked_by_offset_and_by_id() {
    let remote = generated("aws", 250).await;
    let first = remote.json("search", AWS, Value::Null).await;
    assert_eq!(
        (&first["count"], &first["hasMoreRecords"]),
        (&json!(100), &json!("true")),
        "100 is the default"
    );
    let last_id = first["lastId"].as_u64().unwrap();

    let preferences = |preferences: Value| json!({"ServiceRequest": {"preferences": preferences}});
    let by_offset = remote.json("search", AWS, preferences(json!({"startFromOffset": 201}))).await;
    assert_eq!((&by_offset["count"], &by_offset["hasMoreRecords"]), (&json!(50), &json!("false")));
    assert!(by_offset.get("lastId").is_none(), "only where there is more");

    let after = json!({"ServiceRequest": {"preferences": {"limitResults": 1000}, "filters": {"Criteria":
        [{"field": "id", "operator": "GREATER", "value": last_id}]}}});
    let by_id = remote.json("search", AWS, after).await;
    assert_eq!(by_id["count"], 150);
    assert_eq!(by_id["data"][0]["AwsAssetDataConnector"]["id"], last_id + 1);

    let inclusive = remote.json("search", AWS, preferences(json!({"startFromId": last_id}))).await;
    assert_eq!(inclusive["data"][0]["AwsAssetDataConnector"]["id"], last_id);
}

#[tokio::test]
async fn ten_thousand_connectors_are_paged_and_grow_without_pause() {
    let remote = generated("aws", 10_000).await;
    let begun = std::time::Instant::now();
    let mut seen = 0;
    let mut last_id = 0;
    loop {
        let body = json!({"ServiceRequest": {"preferences": {"limitResults": 1000}, "filters": {"Criteria":
            [{"field": "id", "operator": "GREATER", "value": last_id}]}}});
        let path = format!("/qps/rest/3.0/search/am/{AWS}");
        let page = remote.ask("POST", &path).json().body(&body.to_string()).send().await.value();
        let page = &page["ServiceResponse"];
        seen += page["count"].as_u64().unwrap();
        match page.get("lastId") {
            Some(id) => last_id = id.as_u64().unwrap(),
            None => break,
        }
    }
    assert_eq!(seen, 10_000);
    // Far beyond what it takes, even unoptimised: this notices a page that costs the square of the objects.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn fields_limit_what_is_shown() {
    let remote = Remote::example().await;
    let prod = remote.id("tag", "prod").await;
    let id = remote.id("aws", "prod-web").await;
    let cases = [
        ("fields=id,name", json!({"id": id, "name": "prod-web"})),
        (
            "fields=id,defaultTags.list.TagSimple.name",
            json!({"id": id, "defaultTags":
            {"list": [{"TagSimple": {"name": "web"}}, {"TagSimple": {"name": "prod"}}]}}),
        ),
        (
            "fields=defaultTags.*.*.name,run*",
            json!({"runFrequency": 120, "defaultTags":
            {"list": [{"TagSimple": {"name": "web"}}, {"TagSimple": {"name": "prod"}}]}}),
        ),
        ("fields=activation", json!({"activation": {"ActivationModule": ["CLOUDVIEW", "CERTVIEW", "VM"]}})),
    ];
    for (query, expected) in cases {
        let got = remote.json("get", &format!("{AWS}/{id}?{query}"), Value::Null).await;
        assert_eq!(got["data"][0]["AwsAssetDataConnector"], expected, "{query}");
    }
    let searched = remote.json("search", "tag?fields=id,children.list.TagSimple.name", Value::Null).await;
    let tags = searched["data"].as_array().unwrap();
    let tag = tags.iter().find(|tag| tag["Tag"]["id"] == prod).unwrap();
    assert_eq!(tag["Tag"], json!({"id": prod, "children": {"list": [{"TagSimple": {"name": "web"}}]}}));
}

#[tokio::test]
async fn every_documented_criterion_finds_its_connector() {
    let remote = Remote::example().await;
    let prod = remote.id("tag", "prod").await.to_string();
    let id = remote.id("aws", "prod-web").await.to_string();
    let cases = [
        ("id", "EQUALS", id.as_str()),
        ("name", "CONTAINS", "rod-we"),
        ("description", "EQUALS", "Web, production"),
        ("lastSync", "GREATER", "2026-01-12T05:30:00Z"),
        ("lastError", "CONTAINS", "EBS"),
        ("connectorState", "IN", "FINISHED_ERRORS,ERROR"),
        ("activation", "EQUALS", "CERTVIEW"),
        ("defaultTags.name", "EQUALS", "web"),
        ("defaultTag", "EQUALS", prod.as_str()),
        ("appCapability.name", "EQUALS", "CSA"),
        ("appCapability.tag.name", "EQUALS", "prod"),
        ("awsAccountId", "EQUALS", "210987654321"),
    ];
    for (field, operator, value) in cases {
        let body = json!({"ServiceRequest": {"filters": {"Criteria":
            {"field": field, "operator": operator, "value": value}}}});
        let found = remote.json("search", AWS, body).await;
        assert_eq!(found["count"], 1, "{field}: {found}");
        assert_eq!(found["data"][0]["AwsAssetDataConnector"]["name"], "prod-web", "{field}");
    }
    for (field, value, count) in
        [("allRegions", "true", 3), ("disabled", "true", 0), ("endpoint.region", "eu-west-1", 0)]
    {
        let body = json!({"ServiceRequest": {"filters": {"Criteria":
            {"field": field, "operator": "EQUALS", "value": value}}}});
        assert_eq!(remote.json("search", AWS, body).await["count"], count, "{field}");
    }
}

#[tokio::test]
async fn a_write_without_an_id_acts_on_everything_that_matches_and_is_recorded() {
    let remote = generated("aws", 5).await;
    let body = json!({"ServiceRequest": {
        "filters": {"Criteria": {"field": "name", "operator": "CONTAINS", "value": "0000"}},
        "data": {"AwsAssetDataConnector": {"runFrequency": 60}},
    }});
    assert_eq!(remote.json("update", AWS, body).await["count"], 5);
    // The sample of Delete AWS Connector filters by tagName.
    let tagged = "<ServiceRequest><filters><Criteria field=\"tagName\" operator=\"EQUALS\">To Delete</Criteria></filters>\
                  </ServiceRequest>";
    assert!(remote.xml("delete", AWS, tagged).await.contains("<count>0</count>"));
    assert_eq!(remote.json("delete", AWS, Value::Null).await["count"], 5);
    assert_eq!(remote.json("search", AWS, Value::Null).await["count"], 0);

    let log = remote.control("GET", "/_sim/requests", Value::Null).await;
    let without_id: Vec<_> =
        log["requests"].as_array().unwrap().iter().map(|entry| entry["without_id"].clone()).collect();
    assert_eq!(without_id, [true, true, true, false]);
    assert_eq!((&log["total"], &log["reads"], &log["writes"]), (&json!(4), &json!(1), &json!(3)));
}

#[tokio::test]
async fn a_name_that_xml_cannot_write_leaves_the_answer_readable() {
    let remote = Remote::example().await;
    let name = "a\u{1}\u{fffe}<b>\t\u{1f600}";
    let created =
        remote.json("create", "tag", json!({"ServiceRequest": {"data": {"Tag": {"name": name}}}})).await;
    assert_eq!(created["data"][0]["Tag"]["name"], name, "{created}");
    let shown = remote.xml("search", "tag", "").await;
    assert!(shown.contains("<name>a\u{fffd}\u{fffd}&lt;b&gt;\t\u{1f600}</name>"), "{shown}");
    let unreadable = |letter: char| (letter < ' ' && !"\t\n\r".contains(letter)) || letter == '\u{fffe}';
    assert!(!shown.contains(unreadable));
}

#[tokio::test]
async fn a_body_that_is_none_or_too_large_is_told_at_once() {
    let remote = Remote::example().await;
    let (address, head) =
        (remote.simulator.url().strip_prefix("http://").unwrap(), "POST /auth HTTP/1.1\r\nHost: x\r\n");
    let cases = [
        ("Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", "HTTP/1.1 400 "),
        ("Content-Length: 99999999999\r\n\r\n", "HTTP/1.1 413 "),
    ];
    for (rest, expected) in cases {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}{rest}").as_bytes()).await.unwrap();
        let mut start = vec![0; expected.len()];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(String::from_utf8(start).unwrap(), expected);
    }
    assert_eq!(remote.json("search", AWS, Value::Null).await["count"], 3, "the others are served");
}
