//! Every documented form of an answer reads as the same object, and a request has the documented form.
//!
//! The payloads follow the samples of the Connectors API User Guide with names, ids and keys of our own.

#![allow(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "helpers take what json! makes, and fail the test"
)]

mod stub;

#[path = "wire/azure.rs"]
mod azure;
#[path = "wire/azure_organization.rs"]
mod azure_organization;
#[path = "wire/cloudview.rs"]
mod cloudview;
#[path = "wire/gcp.rs"]
mod gcp;
#[path = "wire/global_scan.rs"]
mod global_scan;
#[path = "wire/inventory.rs"]
mod inventory;
#[path = "wire/oci.rs"]
mod oci;
#[path = "wire/registries.rs"]
mod registries;
#[path = "wire/snapshot_scan.rs"]
mod snapshot_scan;

use std::path::PathBuf;

use serde_json::{Value, json};
use stub::{Play, Stub, reply, success};
use trueup::qualys::{ApiErrorKind, Context, Names, Writer};
use trueup::resource::{Kind, LiveObject, Owner, Spec};
use trueup::secret::{SecretRef, Secrets};

const ARN: &str = "arn:aws:iam::210987654321:role/team/Reader";

/// A connector in the form of the guide's "Search AWS Connector" sample.
fn connector() -> Value {
    json!({
        "description": "Orders, staging", "name": "staging-orders", "externalId": "US7-424242-20311201",
        "isChinaConfigured": "false", "lastSync": "2031-04-30T11:58:06Z", "disabled": "false",
        "connectorState": "FINISHED_SUCCESS", "qualysAwsAccountId": "000011112222", "runFrequency": 240,
        "id": 8001, "activation": {"ActivationModule": ["CLOUDVIEW", "CERTVIEW", "VM"]},
        "cloudviewUuid": "00000000-1111-2222-3333-444444444444", "type": "AWS", "isGovCloudConfigured": "false",
        "allRegions": "true", "arn": ARN,
        "connectorAppInfos": {"list": [
            {"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo":
                {"name": "CSA", "identifier": ARN, "tagId": 71, "tagMetadata": {"id": 71, "name": "edge"}}}]}},
            {"ConnectorAppInfoQList": {"list": [{"ConnectorAppInfo": {"name": "AI", "identifier": ARN}}]}},
        ]},
        "defaultTags": {"list": [{"TagSimple": {"id": 72, "name": "night"}}, {"TagSimple": {"id": 71}}]},
        "isRemediationEnabled": "true"
    })
}

/// What the connector above is.
fn expected() -> Value {
    json!({
        "name": "staging-orders", "description": "Orders, staging", "arn": ARN,
        "external_id": "US7-424242-20311201",
        "capabilities": [{"name": "CSA", "tag": "#71"}, "AI"], "activation": ["VM", "CERTVIEW"],
        "tags": ["#71", "#72"], "regions": "all", "run_frequency": "4h", "remediation": true, "enabled": true,
        "perimeter_scan": "off"
    })
}

async fn list(kind: Kind, data: Value) -> Result<Vec<LiveObject>, String> {
    let stub = Stub::plays([success(&json!({"count": 1, "hasMoreRecords": "false", "data": data}))]).await;
    stub.reader().list(kind).await.map_err(|error| error.to_string())
}

async fn one_of(kind: Kind, data: Value) -> LiveObject {
    let objects = list(kind, data.clone()).await.unwrap_or_else(|error| panic!("{error}: {data}"));
    assert_eq!(objects.len(), 1, "{data}");
    objects.into_iter().next().unwrap()
}

async fn one(data: Value) -> LiveObject {
    one_of(Kind::Aws, data).await
}

/// The object with some of its fields written in another way.
fn changed(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// The connector with some of its fields written in another way.
fn but(changes: Value) -> Value {
    changed(connector(), changes)
}

fn wrapped_as(kind: Kind, object: Value) -> Value {
    json!([{object_name(kind): object}])
}

fn wrapped(connector: Value) -> Value {
    wrapped_as(Kind::Aws, connector)
}

/// Capabilities sort by name in the normal form; the expectation above is written in the wire's order.
fn sorted(mut fields: Value) -> Value {
    if let Some(list) = fields["capabilities"].as_array_mut() {
        list.sort_by_key(|entry| entry.as_str().or(entry["name"].as_str()).unwrap().to_owned());
    }
    fields
}

#[tokio::test]
async fn every_documented_form_of_a_connector_reads_as_the_same_one() {
    let app =
        |name: &str, tag: Value| json!({"ConnectorAppInfo": {"name": name, "identifier": ARN, "tagId": tag}});
    let forms = [
        ("as documented", wrapped(connector())),
        ("data as one wrapped object", json!({"AwsAssetDataConnector": connector()})),
        ("data as a list inside the name", json!({"AwsAssetDataConnector": [connector()]})),
        (
            "real booleans",
            wrapped(but(json!({"disabled": false, "allRegions": true, "isRemediationEnabled": true}))),
        ),
        ("capital booleans", wrapped(but(json!({"disabled": "FALSE", "allRegions": "True"})))),
        ("numbers as strings", wrapped(but(json!({"id": "8001", "runFrequency": "240"})))),
        (
            "fields that nobody knows",
            wrapped(but(json!({"isWrapperAPI": "false", "tagUuid": {"deep": [1, null]}}))),
        ),
        (
            "empty strings for what is not there",
            wrapped(but(json!({
                "lastError": "", "isCPSEnabled": "", "connectorScanSetting": "", "connectorScanConfig": "",
                "endpoints": {"list": ""}
            }))),
        ),
        (
            "nulls for what is not there",
            wrapped(but(json!({
                "lastError": null, "isCPSEnabled": null, "connectorScanSetting": null, "connectorScanConfig": null,
                "endpoints": null, "isDeleted": null
            }))),
        ),
        (
            "activation under list",
            wrapped(but(json!({"activation": {"list": {"ActivationModule": ["VM", "CERTVIEW"]}}}))),
        ),
        (
            "activation as a list of objects",
            wrapped(but(json!({
                "activation": {"list": [{"ActivationModule": "CERTVIEW"}, {"ActivationModule": "VM"}]}
            }))),
        ),
        (
            "activation with counts",
            wrapped(but(json!({"activation": {"count": 2, "list": ["CERTVIEW", "VM"]}}))),
        ),
        (
            "tags as one list inside the name",
            wrapped(but(json!({
                "defaultTags": {"list": {"TagSimple": [{"id": "71"}, {"id": "72"}]}}
            }))),
        ),
        ("tags without list", wrapped(but(json!({"defaultTags": {"TagSimple": [{"id": 71}, {"id": 72}]}})))),
        (
            "tags as an echoed set",
            wrapped(but(json!({"defaultTags": {"set": {"TagSimple": [{"id": 71}, {"id": 72}]}}}))),
        ),
        (
            "the guide's other spelling of the app list",
            wrapped(but(json!({"connectorAppInfos": {"list": [
                {"ConnectorAppInfoQLList": {"list": [app("CSA", json!(71))]}},
                {"ConnectorAppInfoQLList": {"list": [app("AI", json!(""))]}},
            ]}}))),
        ),
        (
            "one app list with several apps",
            wrapped(but(json!({"connectorAppInfos": {"list":
                {"ConnectorAppInfoQList": {"list": [app("AI", json!(null)), app("CSA", json!("71"))]}}
            }}))),
        ),
        (
            "one app list with an array of apps",
            wrapped(but(json!({"connectorAppInfos": {"list":
                {"ConnectorAppInfoQList": {"list": {"ConnectorAppInfo": [
                    {"name": "AI"}, {"name": "CSA", "tagMetadata": {"id": 71, "name": "edge"}}
                ]}}}
            }}))),
        ),
        (
            "app lists as lists of lists",
            wrapped(but(json!({"connectorAppInfos": {"list":
                [[{"ConnectorAppInfoQList": [{"list": [app("AI", json!(null))]}, {"list": [[app("CSA", json!(71))]]}]}]]
            }}))),
        ),
    ];
    for (form, data) in forms {
        let object = one(data).await;
        assert_eq!(Value::Object(object.spec.fields()), sorted(expected()), "{form}");
        assert_eq!(object.id, "8001", "{form}");
        assert!(object.unreadable.is_empty() && object.owner.is_none() && object.locked.is_none(), "{form}");
        assert_eq!(object.health.state.as_deref(), Some("FINISHED_SUCCESS"), "{form}");
    }
}

#[tokio::test]
async fn one_field_of_a_connector_is_read_as_it_should_be() {
    let own = |configuration: Value| {
        json!({
            "isCPSEnabled": "true", "connectorScanSetting": {"isCustomScanConfigEnabled": "true"},
            "connectorScanConfig": {"list": [{"ConnectorScanConfiguration": configuration}]}
        })
    };
    let weekly = json!({
        "perimeter_scan": {"option_profile_id": 9, "recurrence": "WEEKLY", "days": ["SUN", "TUE"],
            "scan_prefix": "edge", "start_date": "2031-05-31", "start_time": "15:45", "timezone": "Africa/Cairo"}
    });
    let configuration = |days: Value, date: &str| {
        json!({"scanPrefix": "edge", "optionProfileId": 9, "recurrence": "WEEKLY", "startDate": date,
            "startTime": "15:45", "daysOfWeek": days, "timezone": "Africa/Cairo"})
    };
    for (changes, fields) in [
        (json!({"description": null}), json!({"description": ""})),
        (json!({"disabled": "true"}), json!({"enabled": false})),
        (json!({"runFrequency": "90"}), json!({"run_frequency": "90m"})),
        (json!({"defaultTags": {"count": 0}}), json!({"tags": []})),
        (json!({"activation": {"ActivationModule": ["CLOUDVIEW"]}}), json!({"activation": []})),
        (json!({"activation": {"ActivationModule": "SCA"}}), json!({"activation": ["SCA"]})),
        (json!({"connectorAppInfos": null}), json!({"capabilities": []})),
        (
            json!({"allRegions": "false", "endpoints": {"list": [
                {"AwsEndpointSimple": {"regionCode": "eu-west-1"}}, {"AwsEndpointSimple": {"regionCode": "af-south-1"}}
            ]}}),
            json!({"regions": ["af-south-1", "eu-west-1"]}),
        ),
        (
            json!({"isCPSEnabled": "false", "connectorScanSetting": {"isCustomScanConfigEnabled": "true"}}),
            json!({"perimeter_scan": "off"}),
        ),
        (json!({"isCPSEnabled": "true"}), json!({"perimeter_scan": "global"})),
        (
            json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": false}}),
            json!({"perimeter_scan": "global"}),
        ),
        (own(configuration(json!({"list": {"Day": ["TUE", "SUN"]}}), "05/31/2031")), weekly.clone()),
        (own(configuration(json!({"list": [{"Day": "SUN"}, {"Day": "TUE"}]}), "31/05/2031")), weekly.clone()),
        (own(configuration(json!({"set": {"Day": ["SUN", "TUE"]}}), "05/31/2031")), weekly.clone()),
        (own(configuration(json!({"Day": ["SUN", "TUE"]}), "05/31/2031")), weekly),
        (
            own(
                json!({"recurrence": "DAILY", "startDate": "MM/DD/YYYY", "startTime": "HH:MM", "scanPrefix": "",
            "daysOfWeek": {"list": {"Day": ["SUN"]}}}),
            ),
            json!({"perimeter_scan": {"recurrence": "DAILY"}}),
        ),
    ] {
        let object = one(wrapped(but(changes.clone()))).await;
        let mut wanted = sorted(expected());
        for (name, value) in fields.as_object().unwrap() {
            wanted[name] = value.clone();
        }
        assert_eq!(Value::Object(object.spec.fields()), wanted, "{changes}");
    }
}

#[tokio::test]
async fn what_is_about_a_connector_but_not_of_it_is_told_apart() {
    let object = one(wrapped(but(json!({
        "description": "Orders [trueup:night!]", "connectorState": "FINISHED_ERRORS", "lastError": "no such role",
        "isAttachedToOrgConnector": "true", "allRegions": "false"
    }))))
    .await;
    assert_eq!(object.spec.fields()["description"], "Orders");
    assert_eq!(object.owner, Some(Owner { name: "night".to_owned(), prevent_delete: true }));
    assert_eq!(object.health.last_error.as_deref(), Some("no such role"));
    assert_eq!(object.locked.as_deref(), Some("member of an organization connector"));
    assert_eq!(object.unreadable.into_keys().collect::<Vec<_>>(), ["regions"], "no list of regions was sent");

    let object = one(wrapped(but(json!({"lastError": "of an earlier run"})))).await;
    assert_eq!(object.health.last_error, None);

    let objects = list(Kind::Aws, wrapped(but(json!({"isDeleted": "true"})))).await.unwrap();
    assert_eq!(objects, [], "deletion is soft on the platform");
}

/// Ids, and the places that cannot be read.
fn ids(objects: &[LiveObject]) -> Vec<(&str, Option<&str>)> {
    objects.iter().map(|object| (object.id.as_str(), object.unread.as_deref())).collect()
}

#[tokio::test]
async fn an_object_that_cannot_be_read_costs_itself_alone_and_shows_no_value() {
    for (odd, id, place) in [
        (but(json!({"disabled": "s3cret"})), "8001", "disabled"),
        (
            but(json!({"defaultTags": {"list": [{"TagSimple": {"id": "s3cret"}}]}})),
            "8001",
            "defaultTags.list[0].TagSimple.id",
        ),
        (but(json!({"defaultTags": {"tags": []}, "arn": {}})), "8001", "arn, defaultTags"),
        (but(json!({"id": "s3"})), "s3", "id"),
        (json!({"name": "a"}), "?", "id"),
        (json!(17), "?", "all of it, id"),
    ] {
        let good = but(json!({"id": 8002}));
        let data = json!([{"AwsAssetDataConnector": odd}, {"AwsAssetDataConnector": good}]);
        let objects = list(Kind::Aws, data).await.unwrap();
        let mut ids = ids(&objects);
        ids.sort_unstable_by_key(|(id, _)| *id == "8002");
        assert_eq!(ids, [(id, Some(place)), ("8002", None)], "{odd}");
    }
    for kind in [Kind::Tag, Kind::Aws, Kind::Azure, Kind::Gcp, Kind::Oci] {
        let name = object_name(kind);
        let row =
            |id: u64, description: Value| json!({name: {"id": id, "name": "n", "description": description}});
        let objects = list(kind, json!([row(1, json!({"x": 1})), row(2, json!("d"))])).await.unwrap();
        assert_eq!(ids(&objects), [("1", Some("description")), ("2", None)], "{kind}");
        assert_eq!(objects[0].spec.name(), "n", "{kind}: the rest is read");
    }
    for (data, said) in [
        (json!([{"Tag": {"id": 1}}]), "data that do not hold AwsAssetDataConnector objects"),
        (json!([]), "a count without the data that it counts"),
    ] {
        let error = list(Kind::Aws, data).await.unwrap_err();
        assert_eq!(error, format!("could not search awsassetdataconnector: {said}"));
    }
}

#[tokio::test]
async fn half_a_character_or_a_doubled_member_costs_no_more_than_itself() {
    let answer = json!({"ServiceResponse": {"responseCode": "SUCCESS", "count": 1,
        "data": [{"AwsAssetDataConnector": connector()}]}});
    let name = |text: &str| text.replace("\"staging-orders\"", r#""staging-orders \ud83d""#);
    let doubled = |text: &str| {
        text.replace("\"runFrequency\":240", "\"runFrequency\":120,\"runFrequency\":240")
            .replace("\"count\":1", "\"count\":0,\"count\":1")
    };
    let text = answer.to_string();
    for (body, expected) in [
        (name(&text), changed(expected(), json!({"name": "staging-orders \u{fffd}"}))),
        (doubled(&text), expected()),
        (doubled(&name(&text)), changed(expected(), json!({"name": "staging-orders \u{fffd}"}))),
    ] {
        let stub = Stub::plays([reply(200, &body)]).await;
        let objects = stub.reader().list(Kind::Aws).await.unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(sorted(Value::Object(objects[0].spec.fields())), sorted(expected), "{body}");
        assert_eq!(objects[0].unread, None);
    }
}

#[tokio::test]
async fn an_aws_connector_without_a_role_is_known_by_its_account() {
    for (changes, within) in [
        (json!({"arn": null, "awsAccountId": "999999999999"}), Some("999999999999")),
        (json!({"arn": "", "awsAccountId": 999_999_999_999_u64}), Some("999999999999")),
        (json!({"arn": null}), None),
        (json!({"awsAccountId": "210987654321"}), None),
    ] {
        assert_eq!(one(wrapped(but(changes.clone()))).await.within.as_deref(), within, "{changes}");
    }
}

#[tokio::test]
async fn a_tag_is_where_it_or_its_parent_says() {
    let parent = json!({"Tag": {"id": 1, "name": "prod",
        "children": {"list": [{"TagSimple": {"id": 2, "name": "web"}}, {"TagSimple": {"id": 3, "name": "db"}}]}}});
    let child = json!({"Tag": {"id": 2, "name": "web", "children": {"list": [{"TagSimple": {"id": 4}}]}}});
    let elsewhere = json!({"Tag": {"id": 3, "name": "db", "parentTagId": "4"}});
    let below = json!({"Tag": {"id": 4, "name": "old"}});
    let all = json!([parent, child, elsewhere, below]);
    let paths = |tags: Vec<LiveObject>| -> Vec<String> {
        tags.into_iter().filter_map(|tag| tag.spec.identity()).collect()
    };
    let expected = ["prod", "prod/web", "prod/web/old/db", "prod/web/old"];
    assert_eq!(paths(list(Kind::Tag, all.clone()).await.unwrap()), expected);
    // Read by its id, a tag that tells no parent is looked for below others.
    let one = success(&json!({"count": 1, "data": [child]}));
    let whole = success(&json!({"count": 4, "hasMoreRecords": "false", "data": all}));
    let stub = Stub::plays([one, whole]).await;
    assert_eq!(paths(stub.reader().read(Kind::Tag, &["2".to_owned()]).await.unwrap()), ["prod/web"]);
}

#[tokio::test]
async fn tags_get_their_paths_from_the_whole_listing() {
    let tag =
        |id: u64, name: &str, parent: Value| json!({"Tag": {"id": id, "name": name, "parentTagId": parent}});
    let tags = list(
        Kind::Tag,
        json!([
            tag(12, "orders", json!(11)),
            tag(11, "staging", json!("10")),
            tag(10, "env", json!("0")),
            tag(13, "alone", json!(null)),
            tag(14, "lost", json!(99)),
            tag(15, "round", json!(16)),
            tag(16, "about", json!(15)),
            {"Tag": {"id": 17, "name": "ruled", "color": "#aa00ff", "ruleType": "NAME_CONTAINS", "ruleText": "ord",
                "children": {"list": [{"TagSimple": {"id": 1, "name": "x"}}]}, "criticalityScore": 3,
                "created": "2031-01-04T19:51:56Z", "description": "Orders [trueup:night]"}},
        ]),
    )
    .await
    .unwrap();
    let paths: Vec<_> = tags.iter().map(|tag| (tag.id.as_str(), tag.spec.address_name())).collect();
    let expected = [
        ("10", "env"),
        ("11", "env/staging"),
        ("12", "env/staging/orders"),
        ("13", "alone"),
        ("14", "#99/lost"),
        ("15", "#16/round"),
        ("16", "#15/about"),
        ("17", "ruled"),
    ];
    assert_eq!(paths, expected.map(|(id, path)| (id, path.to_owned())));
    assert_eq!(
        Value::Object(tags[0].spec.fields()),
        json!({"name": "env", "description": "", "rule": {"type": "STATIC"}}),
    );
    assert_eq!(
        Value::Object(tags[7].spec.fields()),
        json!({"name": "ruled", "description": "Orders", "color": "#AA00FF",
            "rule": {"type": "NAME_CONTAINS", "text": "ord"}}),
    );
    assert_eq!(tags[7].owner.as_ref().map(|owner| owner.name.as_str()), Some("night"));
}

#[tokio::test]
async fn tags_of_the_system_are_locked() {
    for (tag, locked) in [
        (json!({"name": "Cloud Agent"}), true),
        (json!({"name": "Cloud Agent", "parentTagId": 4}), false),
        (json!({"name": "Microsoft Azure", "provider": "AZURE"}), true),
        (json!({"name": "mine", "provider": "EC2", "ruleType": "CLOUD_ASSET", "ruleText": "x"}), false),
        (json!({"name": "Group 1", "srcAssetGroupId": 5}), true),
        (json!({"name": "Group 1", "srcAssetGroupId": "0"}), false),
        (json!({"name": "mine"}), false),
    ] {
        let mut wire = tag.clone();
        wire["id"] = 1.into();
        let found = list(Kind::Tag, json!([{"Tag": wire}])).await.unwrap();
        assert_eq!(found[0].locked.is_some(), locked, "{tag}");
    }
}

#[tokio::test]
async fn parents_that_a_read_by_id_leaves_out_are_fetched_too() {
    let stub = Stub::answers(|_, asked| {
        let ids =
            asked.json()["ServiceRequest"]["filters"]["Criteria"][0]["value"].as_str().unwrap().to_owned();
        let parent = |id: &str| id.parse::<u64>().unwrap() - 1;
        let data: Vec<Value> = ids
            .split(',')
            .filter(|id| *id != "7")
            .map(|id| json!({"Tag": {"id": id, "name": format!("t{id}"), "parentTagId": parent(id)}}))
            .collect();
        if data.is_empty() {
            success(&json!({"count": 0}))
        } else {
            success(&json!({"count": 1, "data": data}))
        }
    })
    .await;
    let tags = stub.reader().read(Kind::Tag, &["9".to_owned(), "3".to_owned()]).await.unwrap();
    let paths: Vec<_> = tags.iter().map(|tag| tag.spec.address_name()).collect();
    assert_eq!(paths, ["t1/t2/t3", "#7/t8/t9"]);
    assert_eq!(stub.asked().len(), 4, "one request a level");
}

struct Known;

impl Names for Known {
    fn id(&self, kind: Kind, name: &str) -> Option<String> {
        let known = [("env/edge", "71"), ("night", "72"), ("bad", "7x")];
        known.iter().find(|(known, _)| kind == Kind::Tag && *known == name).map(|(_, id)| (*id).to_owned())
    }
}

/// The name of the object in requests and answers.
fn object_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Tag => "Tag",
        Kind::Aws => "AwsAssetDataConnector",
        Kind::Azure => "AzureAssetDataConnector",
        Kind::Gcp => "GcpAssetDataConnector",
        Kind::Oci => "OciAssetDataConnector",
        Kind::GlobalScan => "GlobalScanConfiguration",
        other => panic!("{other} is no object of this family"),
    }
}

fn spec(kind: Kind, fields: Value) -> Spec {
    let mut spec = kind.deserialize(fields).unwrap();
    spec.check(&mut |_| {});
    spec
}

fn aws(fields: Value) -> Spec {
    spec(Kind::Aws, fields)
}

/// A secret in a file that goes with the value.
struct SecretFile {
    folder: tempfile::TempDir,
}

impl SecretFile {
    fn new(text: &str) -> SecretFile {
        let file = SecretFile { folder: tempfile::tempdir().unwrap() };
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// As the file of the desired state refers to it.
    fn reference(&self) -> Value {
        json!({"file": self.path()})
    }
}

fn secrets_of(spec: &Spec) -> Secrets {
    Secrets::resolve(spec.secrets().into_iter().map(|(_, reference)| SecretRef::clone(reference)).collect())
}

/// What is sent for a create.
async fn created(spec: &Spec, marker: Option<&Owner>) -> Value {
    let name = object_name(spec.kind());
    let stub = Stub::plays([success(&json!({"count": 1, "data": [{name: {"id": "9"}}]}))]).await;
    let secrets = secrets_of(spec);
    let context = Context { secrets: &secrets, ..Context::new(&Known).marked(marker) };
    let id = Writer::new(&stub.reader()).create(spec, context).await.unwrap();
    assert_eq!(id.id, "9");
    stub.asked()[0].json()["ServiceRequest"]["data"][name].clone()
}

/// What is sent for an update of these fields.
async fn updated(spec: &Spec, changed: &[&str], marker: Option<&Owner>) -> Value {
    let stub = Stub::plays([success(&json!({"count": 1, "data": []}))]).await;
    let secrets = secrets_of(spec);
    let context = Context { secrets: &secrets, ..Context::new(&Known).marked(marker) };
    Writer::new(&stub.reader()).update("9", spec, changed, context).await.unwrap();
    stub.asked()[0].json()["ServiceRequest"]["data"][object_name(spec.kind())].clone()
}

#[tokio::test]
async fn a_create_sends_all_that_the_file_says_in_the_documented_form() {
    let spec = aws(json!({
        "name": "orders", "description": "Orders", "arn": "arn:aws-us-gov:iam::210987654321:role/Reader",
        "external_id": "US7-424242-20311201", "capabilities": ["CI", {"name": "AI", "tag": "env/edge"}],
        "activation": ["VM", "SCA"], "tags": ["night", "#70"], "regions": ["eu-west-1", "af-south-1"],
        "run_frequency": "4h", "remediation": false, "enabled": true,
        "perimeter_scan": {"option_profile_id": 2, "recurrence": "WEEKLY", "days": ["TUE", "SUN"],
            "scan_prefix": "edge", "start_date": "2031-12-01", "start_time": "05:45", "timezone": "Africa/Cairo"}
    }));
    let arn = "arn:aws-us-gov:iam::210987654321:role/Reader";
    let owner = Owner { name: "night".to_owned(), prevent_delete: false };
    assert_eq!(
        created(&spec, Some(&owner)).await,
        json!({
            "name": "orders", "description": "Orders [trueup:night]", "arn": arn, "isGovCloudConfigured": true,
            "externalId": "US7-424242-20311201",
            "connectorAppInfos": {"set": {"ConnectorAppInfoQList": [
                {"set": {"ConnectorAppInfo": {"name": "AI", "identifier": arn, "tagId": 71}}},
                {"set": {"ConnectorAppInfo": {"name": "CI", "identifier": arn}}},
            ]}},
            "activation": {"set": {"ActivationModule": ["VM", "SCA"]}},
            "defaultTags": {"set": {"TagSimple": [{"id": 70}, {"id": 72}]}},
            "allRegions": false,
            "endpoints": {"add": {"AwsEndpointSimple": [{"regionCode": "af-south-1"}, {"regionCode": "eu-west-1"}]}},
            "runFrequency": 240, "isRemediationEnabled": false, "disabled": false, "isCPSEnabled": true,
            "connectorScanSetting": {"isCustomScanConfigEnabled": true},
            "connectorScanConfig": {"set": {"ConnectorScanConfiguration": {
                "optionProfileId": 2, "recurrence": "WEEKLY", "daysOfWeek": {"set": {"Day": ["SUN", "TUE"]}},
                "scanPrefix": "edge", "startDate": "12/01/2031", "startTime": "05:45", "timezone": "Africa/Cairo"
            }}}
        })
    );
}

#[tokio::test]
async fn a_create_leaves_out_what_the_file_leaves_out() {
    let arn = "arn:aws:iam::210987654321:role/Reader";
    let bare = json!({"name": "orders", "arn": arn});
    assert_eq!(created(&aws(bare.clone()), None).await, bare);
    let owner = Owner { name: "night".to_owned(), prevent_delete: true };
    let marked = created(&aws(bare), Some(&owner)).await;
    assert_eq!(marked["description"], "[trueup:night!]", "the mark stands alone where there is no text");
    let empty = json!({"name": "orders", "arn": arn, "capabilities": [], "activation": [], "tags": [],
        "perimeter_scan": "off"});
    assert_eq!(created(&aws(empty), None).await, json!({"name": "orders", "arn": arn}));
}

#[tokio::test]
async fn an_update_sends_the_changed_fields_alone() {
    let arn = "arn:aws:iam::210987654321:role/Reader";
    let spec = aws(json!({
        "name": "orders", "description": "Orders", "arn": arn, "capabilities": [{"name": "AI", "tag": ""}],
        "activation": [], "tags": [], "regions": ["eu-west-1"], "run_frequency": 90, "remediation": true,
        "enabled": false, "perimeter_scan": "off"
    }));
    let apps = json!({"set": {"ConnectorAppInfoQList": [{"set": {"ConnectorAppInfo": {"name": "AI", "identifier": arn}}}]}});
    for (changed, sent) in [
        (vec!["name"], json!({"name": "orders"})),
        (vec!["enabled"], json!({"disabled": true})),
        (vec!["run_frequency", "remediation"], json!({"runFrequency": 90, "isRemediationEnabled": true})),
        (vec!["activation"], json!({"activation": {"set": {"ActivationModule": []}}})),
        (vec!["tags"], json!({"defaultTags": {"set": {"TagSimple": []}}})),
        (vec!["capabilities"], json!({"connectorAppInfos": apps})),
        (vec!["arn"], json!({"arn": arn, "connectorAppInfos": apps})),
        (
            vec!["regions"],
            json!({"allRegions": false, "endpoints": {"set": {"AwsEndpointSimple": [{"regionCode": "eu-west-1"}]}}}),
        ),
        (vec!["perimeter_scan"], json!({"isCPSEnabled": false})),
        (vec!["description"], json!({"description": "Orders [trueup:night]"})),
    ] {
        let owner = Owner { name: "night".to_owned(), prevent_delete: false };
        assert_eq!(updated(&spec, &changed, Some(&owner)).await, sent, "{changed:?}");
    }
    let bare = aws(json!({"name": "orders", "arn": arn, "capabilities": []}));
    assert_eq!(updated(&bare, &["arn"], None).await, json!({"arn": arn}), "no application names the role");
    let global = aws(json!({"name": "orders", "arn": arn, "perimeter_scan": "global", "regions": "all"}));
    assert_eq!(
        updated(&global, &["perimeter_scan", "regions"], None).await,
        json!({"isCPSEnabled": true, "connectorScanSetting": {"isCustomScanConfigEnabled": false}, "allRegions": true})
    );
    let stub = Stub::plays([success(&json!({"count": 1}))]).await;
    let error =
        Writer::new(&stub.reader()).update("9", &global, &["tags"], Context::new(&Known)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not update awsassetdataconnector 9: none of these fields has a value to send: tags"
    );
    assert_eq!(stub.asked().len(), 0);
    let cleared = aws(json!({"name": "orders", "arn": arn, "description": ""}));
    assert_eq!(updated(&cleared, &["description"], None).await, json!({"description": ""}));
}

/// The platform may refuse a start date that has passed by now, so it goes only with a schedule that changes.
#[tokio::test]
async fn a_schedule_is_sent_whole_or_not_at_all() {
    let spec = aws(json!({
        "name": "orders", "arn": "arn:aws:iam::210987654321:role/Reader", "run_frequency": "4h",
        "perimeter_scan": {"option_profile_id": 2, "recurrence": "DAILY", "scan_prefix": "edge",
            "start_date": "2020-02-29", "start_time": "9:05", "timezone": "UTC"}
    }));
    assert_eq!(updated(&spec, &["run_frequency"], None).await, json!({"runFrequency": 240}));
    assert_eq!(
        updated(&spec, &["perimeter_scan"], None).await["connectorScanConfig"],
        json!({"set": {"ConnectorScanConfiguration": {"optionProfileId": 2, "recurrence": "DAILY", "scanPrefix": "edge",
            "startDate": "02/29/2020", "startTime": "09:05", "timezone": "UTC"}}})
    );
}

#[tokio::test]
async fn tags_are_written_in_the_documented_form() {
    let tag = |fields: Value| Kind::Tag.deserialize(fields).unwrap();
    let spec = tag(json!({"name": "ord", "parent": "env/edge", "color": "#aa00ff", "description": "x",
        "rule": {"type": "NAME_CONTAINS", "text": "ord"}}));
    assert_eq!(
        created(&spec, None).await,
        json!({"name": "ord", "parentTagId": 71, "color": "#AA00FF", "description": "x",
            "ruleType": "NAME_CONTAINS", "ruleText": "ord"})
    );
    assert_eq!(
        updated(&spec, &["rule", "color"], None).await,
        json!({"color": "#AA00FF", "ruleType": "NAME_CONTAINS", "ruleText": "ord"})
    );
    let fixed = tag(json!({"name": "ord", "parent": "", "rule": {"type": "STATIC"}}));
    assert_eq!(
        created(&fixed, None).await,
        json!({"name": "ord"}),
        "a static tag has no rule on the platform"
    );
    assert_eq!(updated(&fixed, &["rule"], None).await, json!({"ruleType": "STATIC"}));
}

#[tokio::test]
async fn a_name_that_is_not_on_the_platform_is_refused_before_any_request() {
    let stub = Stub::plays([success(&json!({"count": 0}))]).await;
    let writer = Writer::new(&stub.reader());
    for (tag, said) in
        [("nowhere", "tag `nowhere` is not on the platform"), ("bad", "`7x` is no id of the platform")]
    {
        let spec = aws(json!({"name": "orders", "arn": ARN, "tags": [tag]}));
        let error = writer.create(&spec, Context::new(&Known)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("could not create awsassetdataconnector aws/orders: {said}"));
        assert!(!error.outcome_unknown());
        let error = writer.update("5", &spec, &["tags"], Context::new(&Known)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("could not update awsassetdataconnector 5: {said}"));
    }
    assert_eq!(stub.asked().len(), 0);
}

// Runs.

#[tokio::test]
async fn a_run_is_asked_for_by_id_alone_and_once() {
    let stub = Stub::plays([success(&json!({"count": 1, "data": wrapped(connector())}))]).await;
    Writer::new(&stub.reader()).run(Kind::Aws, "8001").await.unwrap();
    let asked = stub.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str(), asked[0].body.as_str()),
        ("POST", "/qps/rest/3.0/run/am/awsassetdataconnector/8001", "")
    );
    // Whether it was taken up is not known: sent again it might run twice.
    let stub = Stub::plays([Play::Close]).await;
    let error = Writer::new(&stub.reader()).run(Kind::Aws, "8001").await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(stub.asked().len(), 1);
    let stub = Stub::plays([success(&json!({"count": 0}))]).await;
    let error = Writer::new(&stub.reader()).run(Kind::Aws, "8001").await.unwrap_err();
    assert_eq!(error.to_string(), "could not run awsassetdataconnector 8001: no object has this id");
}

#[tokio::test]
async fn a_run_without_an_id_or_of_what_does_not_run_is_never_sent() {
    let stub = Stub::plays([success(&json!({"count": 1}))]).await;
    let writer = Writer::new(&stub.reader());
    for (kind, id, said) in [
        (Kind::Aws, "", "could not run awsassetdataconnector: `` is no id of the platform"),
        (Kind::Aws, "7/../8", "could not run awsassetdataconnector: `7/../8` is no id of the platform"),
        (Kind::Aws, "0", "could not run awsassetdataconnector: `0` is no id of the platform"),
        (Kind::Tag, "7", "could not run tag 7: nothing of that kind can be run"),
    ] {
        assert_eq!(writer.run(kind, id).await.unwrap_err().to_string(), said);
    }
    assert_eq!(stub.reader().run_errors(Kind::Tag, "7").await.unwrap(), []);
    assert!(stub.reader().run_errors(Kind::Aws, "").await.is_err());
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn the_errors_of_a_run_are_read_newest_first_in_every_documented_form() {
    let error = |message: &str, created: &str| json!({"errorMessage": message, "created": created});
    let [old, new] = [error("old", "2031-04-30T10:00:00Z"), error("new", "2031-04-30T11: 00: 00Z")];
    let name = "AssetDataConnectorErrors";
    for data in [
        json!([{name: old}, {name: new}]),
        json!([{name: new}, {name: old}]),
        json!({name: [old, new]}),
        json!({"list": [{name: old}, {name: new}, {name: {"created": "2031-04-30T12:00:00Z"}}]}),
    ] {
        let stub =
            Stub::plays([success(&json!({"count": 2, "hasMoreRecords": "false", "data": data}))]).await;
        let errors = stub.reader().run_errors(Kind::Aws, "8001").await.unwrap();
        assert_eq!(
            serde_json::to_value(&errors).unwrap(),
            json!([
                {"message": "new", "created": "2031-04-30T11:00:00Z"},
                {"message": "old", "created": "2031-04-30T10:00:00Z"}
            ]),
            "{data}"
        );
        let asked = stub.asked();
        assert_eq!(
            (asked[0].method.as_str(), asked[0].path.as_str()),
            ("POST", "/qps/rest/3.0/search/am/assetdataconnectorerrors")
        );
        assert_eq!(
            asked[0].json()["ServiceRequest"]["filters"],
            json!({"Criteria": [{"field": "id", "operator": "EQUALS", "value": "8001"}]})
        );
    }
}

#[tokio::test]
async fn an_error_of_a_run_without_a_time_comes_last_and_no_hit_is_no_error() {
    let data = json!([
        {"AssetDataConnectorErrors": {"errorMessage": "some time"}},
        {"AssetDataConnectorErrors": {"errorMessage": "then", "created": "2031-04-30T10:00:00Z"}},
    ]);
    let stub = Stub::plays([success(&json!({"count": 2, "data": data}))]).await;
    let errors = stub.reader().run_errors(Kind::Aws, "8001").await.unwrap();
    let told: Vec<(&str, bool)> =
        errors.iter().map(|error| (error.message.as_str(), error.created.is_some())).collect();
    assert_eq!(told, [("then", true), ("some time", false)]);
    let stub = Stub::plays([success(&json!({"count": 0}))]).await;
    assert_eq!(stub.reader().run_errors(Kind::Aws, "8001").await.unwrap(), []);
}

#[tokio::test]
async fn an_error_of_a_run_repeats_no_secret() {
    let data = json!([{"AssetDataConnectorErrors": {"errorMessage": "login acme_ab1 pa55-w0rd refused"}}]);
    let stub = Stub::plays([success(&json!({"count": 1, "data": data}))]).await;
    let errors = stub.reader().run_errors(Kind::Aws, "8001").await.unwrap();
    assert!(!errors[0].message.contains("pa55-w0rd") && errors[0].message.contains("refused"), "{errors:?}");
}

#[tokio::test]
async fn an_organization_connector_is_run_alone_and_a_count_of_none_is_a_refusal() {
    let answer = |count: u64| {
        reply(200, format!("A total of {count} Organization connectors have been marked for running."))
    };
    let stub = Stub::plays([reply(201, "t0ken-1"), answer(1)]).await;
    Writer::new(&stub.reader()).run(Kind::AzureOrganization, "7").await.unwrap();
    let asked = stub.asked();
    assert_eq!(
        (asked[1].method.as_str(), asked[1].path.as_str(), asked[1].body.as_str()),
        ("POST", "/connectors/v1.0/org/azure/run/", "7")
    );
    let stub = Stub::plays([reply(201, "t0ken-1"), answer(0)]).await;
    let writer = Writer::new(&stub.reader());
    let error = writer.run(Kind::AzureOrganization, "7").await.unwrap_err();
    assert!(!error.outcome_unknown() && error.to_string().contains("A total of 0"), "{error}");
    assert!(writer.run(Kind::AzureOrganization, "7,8").await.is_err(), "a list is never sent");
    assert_eq!(stub.asked().len(), 2);
}
