//! The service account of snapshot scans, after the samples of "Register Service Account".

use super::*;

fn config() -> Spec {
    let fields = json!({
        "account_id": "951234567875", "schedule": "0 0 2 ? * * *", "tags": [{"key": "Owner", "value": "test"}]
    });
    spec(Kind::SnapshotScan, fields)
}

fn token() -> stub::Play {
    stub::reply(201, "a.b.c")
}

/// Method, path and body of what is asked besides the token.
fn asked(stub: &Stub) -> Vec<(String, String, String)> {
    let asked = stub.asked().into_iter().filter(|asked| asked.path != "/auth");
    asked.map(|asked| (asked.method, asked.path, asked.body)).collect()
}

#[tokio::test]
async fn to_look_at_the_registration_asks_for_nothing() {
    let stub = Stub::plays([token()]).await;
    assert_eq!(stub.reader().list(Kind::SnapshotScan).await.unwrap(), []);
    assert_eq!(stub.reader().read(Kind::SnapshotScan, &["951234567875".to_owned()]).await.unwrap(), []);
    assert_eq!(stub.asked().len(), 0, "GET register-scanner-run would start a scan");
}

#[tokio::test]
async fn what_is_registered_already_is_told_from_what_was_registered_now() {
    for (answer, existed) in [
        (stub::reply(200, "Successfully registered the service account"), Some(false)),
        (stub::reply(201, ""), Some(false)),
        (stub::reply(304, ""), Some(true)),
        (stub::reply(400, "Incorrect Params or connector is not cloudview"), None),
        (stub::reply(404, "Connector not found"), None),
    ] {
        let stub = Stub::plays([token(), answer.clone()]).await;
        let created = Writer::new(&stub.reader()).create(&config(), Context::new(&Known)).await;
        assert_eq!(created.as_ref().ok().map(|created| created.existed), existed, "{answer:?}");
        let [(method, path, body)] = &asked(&stub)[..] else { panic!("one request: {:?}", asked(&stub)) };
        assert_eq!(
            (method.as_str(), path.as_str()),
            ("POST", "/conn/snapshot/v1.0/register-service-account")
        );
        assert_eq!(
            serde_json::from_str::<Value>(body).unwrap(),
            json!({
                "accountId": "951234567875", "schedule": "0 0 2 ? * * *",
                "tags": [{"tagKey": "Owner", "tagValue": "test"}]
            })
        );
    }
}

#[tokio::test]
async fn a_change_takes_the_registration_away_and_makes_it_anew() {
    for gone in [204, 404] {
        let stub = Stub::plays([token(), stub::reply(gone, ""), stub::reply(201, "")]).await;
        let writer = Writer::new(&stub.reader());
        writer.update("951234567875", &config(), &["schedule"], Context::new(&Known)).await.unwrap();
        let calls: Vec<_> =
            asked(&stub).into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        let base = "/conn/snapshot/v1.0";
        assert_eq!(
            calls,
            [
                format!("DELETE {base}/deregister-service-account"),
                format!("POST {base}/register-service-account")
            ],
            "{gone}"
        );
    }
}
