//! Lists of CloudView 1.x: pages, order, filters, and the errors of a connector.

use serde_json::{Value, json};
use trueup::simulator::{Seed, Settings};

use crate::client::Remote;
use crate::cloudview_connectors::{AWS, AZURE, aws};
use crate::gateway::Gateway;

async fn generated(count: usize) -> Gateway {
    let generate = [("aws".to_owned(), count)].into();
    Gateway::of(Remote::on(Settings { seed: Seed::Empty, generate, ..Settings::default() }).await).await
}

fn names(page: &Value) -> Vec<String> {
    let content = page["content"].as_array().unwrap();
    content.iter().map(|connector| connector["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_page_is_as_spring_writes_it() {
    let gateway = generated(5).await;
    let sort = json!({"sorted": true, "unsorted": false});
    for (number, named, first, last) in [
        (0, &["generated-00001", "generated-00002"][..], true, false),
        (1, &["generated-00003", "generated-00004"][..], false, false),
        (2, &["generated-00005"][..], false, true),
        (3, &[][..], false, true),
    ] {
        let path = format!("{AWS}?pageNo={number}&pageSize=2&sort=name%3Aasc");
        let mut page = gateway.json("GET", &path, &Value::Null).await;
        assert_eq!(names(&page), named);
        page["content"].take();
        assert_eq!(
            page,
            json!({
                "content": null,
                "pageable": {"sort": sort, "offset": 2 * number, "pageSize": 2, "pageNumber": number,
                    "paged": true, "unpaged": false},
                "last": last,
                "totalElements": 5,
                "totalPages": 3,
                "first": first,
                "sort": sort,
                "numberOfElements": named.len(),
                "size": 2,
                "number": number,
            })
        );
    }
    let empty = gateway.json("GET", &format!("{AZURE}?pageNo=0&pageSize=50"), &Value::Null).await;
    assert_eq!(
        (&empty["content"], &empty["first"], &empty["last"]),
        (&json!([]), &json!(true), &json!(true))
    );
}

#[tokio::test]
async fn lists_are_sorted_and_filtered() {
    let gateway = Gateway::with(&[("states", "frozen")]).await;
    gateway.json("POST", AWS, &aws()).await;
    let list = async |more: &str| {
        names(&gateway.json("GET", &format!("{AWS}?pageNo=0&pageSize=50{more}"), &Value::Null).await)
    };
    let newest_first = list("").await;
    assert_eq!(newest_first[0], "payments", "{newest_first:?}");
    assert_eq!(list("&sort=lastSyncedOn%3Adesc").await, newest_first);
    assert_eq!(list("&sort=name").await, ["payments", "prod-web", "sandbox", "shared-services"]);
    assert_eq!(list("&sort=name:desc").await, ["shared-services", "sandbox", "prod-web", "payments"]);
    assert_eq!(list("&filter=name:%22prod-web%22").await, ["prod-web"]);
    assert_eq!(list("&filter=state:PENDING%20and%20awsAccountId:123456789012").await, [""; 0]);
    assert_eq!(list("&filter=state:ERROR").await, ["prod-web"]);
    assert_eq!(list("&filter=name:nobody").await, [""; 0]);
    let one =
        gateway.json("GET", &format!("{AWS}?pageNo=0&pageSize=1&filter=name:sandbox"), &Value::Null).await;
    let by_id = format!("&filter=connectorId:{}", one["content"][0]["connectorId"].as_str().unwrap());
    assert_eq!(list(&by_id).await, ["sandbox"]);
    let azure =
        format!("{AZURE}?pageNo=0&pageSize=50&filter=subscriptionId:44444444-4444-4444-4444-444444444444");
    assert_eq!(names(&gateway.json("GET", &azure, &Value::Null).await), ["corp-lab"]);
}

#[tokio::test]
async fn a_list_takes_states_further_and_shows_no_deleted_ones() {
    let gateway = Gateway::with(&[("deleted_in_search", "shown")]).await;
    let made = gateway.json("POST", AWS, &aws()).await;
    let path = format!("{AWS}?pageNo=0&pageSize=50&filter=name:payments");
    for state in ["PENDING", "PENDING", "SUCCESS"] {
        let page = gateway.json("GET", &path, &Value::Null).await;
        assert_eq!(page["content"][0]["state"], state);
    }
    gateway.json("DELETE", AWS, &json!([made["connectorId"]])).await;
    assert_eq!(gateway.json("GET", &path, &Value::Null).await["totalElements"], 0);
}

#[tokio::test]
async fn lists_lag_behind_as_searches_do() {
    let gateway = Gateway::with(&[("search_lag", "1")]).await;
    gateway.json("POST", AWS, &aws()).await;
    let path = format!("{AWS}?pageNo=0&pageSize=50&filter=name:payments");
    for count in [0, 1] {
        assert_eq!(gateway.json("GET", &path, &Value::Null).await["totalElements"], count);
    }
}

#[tokio::test]
async fn the_errors_of_a_run_are_a_page() {
    let gateway = Gateway::with(&[]).await;
    let list = format!("{AWS}?pageNo=0&pageSize=50&filter=name:prod-web");
    let prod = gateway.json("GET", &list, &Value::Null).await["content"][0].clone();
    let path = format!("{AWS}/{}/errors?pageNo=0&pageSize=2", prod["connectorId"].as_str().unwrap());
    let page = gateway.json("GET", &path, &Value::Null).await;
    assert_eq!((&page["totalElements"], &page["numberOfElements"]), (&json!(3), &json!(2)));
    assert_eq!(
        page["content"][1],
        json!({
            "connectorId": prod["connectorId"],
            "connectorName": "prod-web",
            "error": "Processing error while evaluating control: LAMBDA. Please contact support",
            "occuredOn": "Mon Jan 12 06:00:03 UTC 2026",
        })
    );
    for (kind, name, base, place) in
        [("aws", "sandbox", AWS, "region"), ("azure", "corp-lab", AZURE, "location")]
    {
        let errors =
            json!([{"errorMessage": "no access", "created": "2026-01-12T06:00:03Z", "region": "north"}]);
        let set = json!({"kind": kind, "name": name, "set": {"errors": errors}});
        gateway.remote.control("POST", "/_sim/objects", set).await;
        let list = format!("{base}?pageNo=0&pageSize=50&filter=name:{name}");
        let found = gateway.json("GET", &list, &Value::Null).await["content"][0]["connectorId"].clone();
        let path = format!("{base}/{}/errors?pageNo=0&pageSize=50", found.as_str().unwrap());
        assert_eq!(gateway.json("GET", &path, &Value::Null).await["content"][0][place], "north");
    }
}
