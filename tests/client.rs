//! How the client speaks: paging, errors, what is sent again, and how long is waited.

mod stub;

use serde_json::json;
use stub::{Stub, success};
use trueup::qualys::Writer;
use trueup::resource::{Kind, Spec};

struct NoNames;

impl trueup::qualys::Names for NoNames {
    fn id(&self, _: Kind, _: &str) -> Option<String> {
        None
    }
}

#[tokio::test]
async fn smoke() {
    let stub = Stub::plays([
        success(&json!({"count": 0})),
        success(&json!({"count": 1, "data": [{"AwsAssetDataConnector": {"id": 7}}]})),
    ])
    .await;
    let reader = stub.reader();
    assert_eq!(reader.list(Kind::Aws).await.unwrap(), []);
    let spec: Spec = Kind::Aws
        .deserialize(json!({"name": "a", "arn": "arn:aws:iam::123456789012:role/Q", "regions": ["eu-west-1"], "capabilities": ["AI"]}))
        .unwrap();
    let id = Writer::new(&reader).create(&spec, None, &NoNames).await.unwrap();
    assert_eq!(id, "7");
    println!("{:#?}", stub.asked());
}
