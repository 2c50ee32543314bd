//! AWS connectors: the table of the Connectors API User Guide ("AWS Connectors 3.0") and what follows from the ARN.

use serde_json::{Value, json};

use super::connector::{
    ACTIVATION, APP_INFOS, ATTACHED, CLOUDVIEW_SYNC, CLOUDVIEW_UUID, CPS, Connector, DEFAULT_TAGS,
    DESCRIPTION, DISABLED, GOV_CLOUD, INSTANT, IS_DELETED, LAST_ERROR, LAST_SYNC, MADE_ELSEWHERE, MODULES,
    NAME, NEXT_SYNC, REMEDIATION, RUN_FREQUENCY, SCAN_CONFIG, SCAN_SETTING, STATE, STATES, TOTAL_ASSETS,
    TYPE, both, shown,
};
use super::criteria::{Operand, Searchable, Source, by};
use super::noun::{Field, Item, List, Many, Noun, Replies, Shape, Show, Write, always};
use super::patch::Patch;
use super::refusal::Refusal;
use super::route::Verb;
use crate::simulator::store::Object;

/// The accounts that connectors' roles trust: commercial, government, China.
pub(crate) const QUALYS_ACCOUNTS: [&str; 3] = ["100020003001", "100020003002", "100020003003"];

/// `awsassetdataconnector`.
pub(crate) static AWS: Noun = Noun {
    kind: "aws",
    path: "awsassetdataconnector",
    object: "AwsAssetDataConnector",
    version: "3.0",
    verbs: &[Verb::Create, Verb::Update, Verb::Get, Verb::Search, Verb::Count, Verb::Delete, Verb::Run],
    fields: &[
        NAME,
        shown("awsAccountId", Shape::Text { max: 0 }, Show::Always),
        DESCRIPTION,
        LAST_SYNC,
        LAST_ERROR,
        STATE,
        TYPE,
        DEFAULT_TAGS,
        ACTIVATION,
        DISABLED,
        GOV_CLOUD,
        shown("isChinaConfigured", Shape::Flag, Show::Always),
        IS_DELETED,
        RUN_FREQUENCY,
        NEXT_SYNC,
        REMEDIATION,
        CPS,
        APP_INFOS,
        CLOUDVIEW_UUID,
        SCAN_SETTING,
        SCAN_CONFIG,
        INSTANT,
        ATTACHED,
        both("arn", Shape::Checked(check_arn)),
        both("externalId", Shape::Checked(check_external_id)),
        shown("qualysAwsAccountId", Shape::Text { max: 0 }, Show::Always),
        both("allRegions", Shape::Flag),
        Field {
            name: "endpoints",
            shape: Shape::Many(Many {
                item: "AwsEndpointSimple",
                of: Item::Keyed("regionCode", check_region),
                list: List::Wrapped,
            }),
            write: Write::Both,
            show: Show::Endpoints,
        },
        MADE_ELSEWHERE,
        TOTAL_ASSETS,
        CLOUDVIEW_SYNC,
        shown("accountAlias", Shape::Text { max: 0 }, Show::Never),
        // What a call of CloudView said of the ARN's partition, right or wrong.
        shown("saidGovCloud", Shape::Flag, Show::Never),
        shown("saidChinaRegion", Shape::Flag, Show::Never),
    ],
    searchable: &[
        by("id", Operand::Integer, Source::Id),
        by("name", Operand::Text, Source::Field("name")),
        by("description", Operand::Text, Source::Field("description")),
        by("lastSync", Operand::Date, Source::Field("lastSync")),
        // "Last error date of the connector", says the table; what answers hold is a text.
        by("lastError", Operand::Text, Source::Field("lastError")),
        by("connectorState", Operand::Keyword(STATES), Source::Field("connectorState")),
        by("activation", Operand::Keyword(MODULES), Source::Items("activation")),
        by("defaultTags.name", Operand::Text, Source::TagNames("defaultTags")),
        by("defaultTag", Operand::Integer, Source::Items("defaultTags")),
        by("allRegions", Operand::Boolean, Source::Field("allRegions")),
        by("endpoint.region", Operand::Word, Source::Items("endpoints")),
        by("disabled", Operand::Boolean, Source::Field("disabled")),
        by("appCapability.name", Operand::Word, Source::Member("connectorAppInfos", "name")),
        by("appCapability.tag.name", Operand::Word, Source::MemberTagNames("connectorAppInfos")),
        by("awsAccountId", Operand::Word, Source::Field("awsAccountId")),
        // The sample of Delete AWS Connector filters by this name, the table of Search knows it not.
        Searchable {
            name: "tagName",
            operand: Operand::Text,
            source: Source::TagNames("defaultTags"),
            only_in_writes: true,
        },
    ],
    rules: &Connector {
        identity: "arn",
        required: &["name", "arn", "externalId"],
        failure: "Error getting EBS Encryption By Default Status from af-south-1. Please check if region is enabled",
        defaults,
        derive,
        learn,
    },
    replies: Replies::usual,
    offered: always,
    single: false,
};

/// The partition, account and role of an ARN of a role, by IAM's own grammar.
fn split_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(partition), Some("iam"), Some(""), Some(account), Some(resource)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let role = resource.strip_prefix("role/")?;
    let name = role.rsplit('/').next().unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&byte);
    let valid = matches!(partition, "aws" | "aws-us-gov" | "aws-cn")
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=64).contains(&name.len())
        && role.len() <= 576
        && role.bytes().all(allowed);
    valid.then_some((partition, account, role))
}

pub(crate) fn check_arn(arn: &str) -> Result<(), &'static str> {
    split_arn(arn)
        .map(|_| ())
        .ok_or("Ensure that you provide the same ARN that is generated by AWS: arn:<partition>:iam::<account of 12 digits>:role/<name>.")
}

/// What AWS itself takes for `sts:ExternalId`.
fn check_external_id(text: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    if (2..=1224).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err("Specify 2 to 1224 letters, digits and characters of _+=,.@:/- .")
    }
}

fn check_region(text: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let valid = match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && letters(area)
                && !middle.is_empty()
                && middle.iter().all(letters)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        [_] | [] => false,
    };
    if valid { Ok(()) } else { Err("Specify an AWS region code, e.g. eu-west-1.") }
}

fn defaults(patch: &Patch, object: &mut Object) {
    let fields = [
        ("type", json!("AWS")),
        ("awsAccountId", json!("")),
        ("activation", json!([])),
        ("isCPSEnabled", json!(false)),
        ("isInstantAssessmentEnabled", json!(false)),
        ("isAttachedToOrgConnector", json!(false)),
        ("allRegions", json!(!patch.contains_key("endpoints"))),
        ("endpoints", json!([])),
    ];
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
}

fn derive(object: &mut Object) -> Result<(), Refusal> {
    let arn = object.get("arn").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some((partition, account, _)) = split_arn(&arn) else { return Ok(()) };
    let government = partition == "aws-us-gov";
    let qualys = match partition {
        "aws-us-gov" => QUALYS_ACCOUNTS[1],
        "aws-cn" => QUALYS_ACCOUNTS[2],
        _ => QUALYS_ACCOUNTS[0],
    };
    // What a create says is checked; what an earlier ARN meant is replaced.
    if object.get("isGovCloudConfigured").is_some_and(|given| given != &json!(government))
        && !object.contains_key("qualysAwsAccountId")
    {
        return Err(Refusal::value(
            "isGovCloudConfigured",
            if government { "false" } else { "true" },
            "The partition in 'arn' says otherwise.",
        ));
    }
    let known = object.get("awsAccountId").and_then(Value::as_str).is_some_and(|known| !known.is_empty());
    let fields = [
        ("isGovCloudConfigured", json!(government)),
        ("isChinaConfigured", json!(partition == "aws-cn")),
        ("qualysAwsAccountId", json!(qualys)),
        ("awsAccountId", json!(if known { account } else { "" })),
    ];
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    // "If true, the end point's collection is ignored and all the AWS regions scanned."
    if object.get("allRegions") == Some(&Value::Bool(true)) {
        object.insert("endpoints".to_owned(), json!([]));
    }
    Ok(())
}

fn learn(object: &mut Object) {
    let arn = object.get("arn").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some((_, account, _)) = split_arn(&arn) {
        object.insert("awsAccountId".to_owned(), json!(account));
    }
}
