//! Azure connectors: the table of the Connectors API User Guide ("Azure Connectors 3.0").

use serde_json::{Value, json};

use super::connector::{
    ACTIVATION, ATTACHED, CLOUDS, CLOUDVIEW_SYNC, CLOUDVIEW_UUID, CPS, Connector, DEFAULT_TAGS, DESCRIPTION,
    DISABLED, GOV_CLOUD, INSTANT, IS_DELETED, LAST_ERROR, LAST_SYNC, MADE_ELSEWHERE, MODULES, NAME,
    NEXT_SYNC, REMEDIATION, RUN_FREQUENCY, SCAN_CONFIG, SCAN_SETTING, STATE, STATES, TOTAL_ASSETS, TYPE,
    both, later, shown,
};
use super::credentials;
use super::criteria::{Operand, Source, by};
use super::noun::{Apps, Field, Noun, Replies, Shape, Show, Write, always};
use super::patch::Patch;
use super::route::Verb;
use crate::simulator::store::{Object, at};

/// `azureassetdataconnector`.
pub(crate) static AZURE: Noun = Noun {
    kind: "azure",
    path: "azureassetdataconnector",
    object: "AzureAssetDataConnector",
    version: "3.0",
    verbs: &[Verb::Create, Verb::Update, Verb::Get, Verb::Search, Verb::Delete, Verb::Run],
    fields: &[
        NAME,
        DESCRIPTION,
        LAST_SYNC,
        LAST_ERROR,
        STATE,
        TYPE,
        later(DEFAULT_TAGS),
        later(ACTIVATION),
        DISABLED,
        GOV_CLOUD,
        IS_DELETED,
        RUN_FREQUENCY,
        NEXT_SYNC,
        REMEDIATION,
        CPS,
        both("connectorAppInfos", Shape::Apps(Apps { empty_tag: false, read_as: Some(APPLICATION) })),
        CLOUDVIEW_UUID,
        SCAN_SETTING,
        SCAN_CONFIG,
        later(INSTANT),
        ATTACHED,
        Field {
            name: "authRecord",
            shape: Shape::Group(AUTH_RECORD),
            write: Write::Both,
            show: Show::AuthRecord,
        },
        shown("subscriptionName", Shape::Text { max: 0 }, Show::Later),
        MADE_ELSEWHERE,
        TOTAL_ASSETS,
        CLOUDVIEW_SYNC,
    ],
    searchable: &[
        by("id", Operand::Integer, Source::Id),
        by("name", Operand::Text, Source::Field("name")),
        by("description", Operand::Text, Source::Field("description")),
        by("lastSync", Operand::Date, Source::Field("lastSync")),
        by("lastError", Operand::Text, Source::Field("lastError")),
        by("connectorState", Operand::Keyword(STATES), Source::Field("connectorState")),
        // The table writes `Type` and `authrecord`, the samples `type` and `authRecord`.
        by("type", Operand::Keyword(CLOUDS), Source::Field("type")),
        by("Type", Operand::Keyword(CLOUDS), Source::Field("type")),
        by("authRecord.applicationId", Operand::Word, Source::Field(APPLICATION)),
        by("authrecord.applicationId", Operand::Word, Source::Field(APPLICATION)),
        by("authRecord.directoryId", Operand::Word, Source::Field("authRecord.directoryId")),
        by("authrecord.directoryId", Operand::Word, Source::Field("authRecord.directoryId")),
        by("authRecord.subscriptionId", Operand::Word, Source::Field(SUBSCRIPTION)),
        by("authrecord.subscriptionId", Operand::Word, Source::Field(SUBSCRIPTION)),
        by("activation", Operand::Keyword(MODULES), Source::Items("activation")),
        by("appCapability.name", Operand::Word, Source::Member("connectorAppInfos", "name")),
        by("appCapability.tag.name", Operand::Word, Source::MemberTagNames("connectorAppInfos")),
        by("disabled", Operand::Boolean, Source::Field("disabled")),
        by("defaultTags.name", Operand::Text, Source::TagNames("defaultTags")),
        // The table's name, and the samples'.
        by("defaultTag", Operand::Integer, Source::Items("defaultTags")),
        by("defaultTags", Operand::Integer, Source::Items("defaultTags")),
    ],
    rules: &Connector {
        identity: SUBSCRIPTION,
        required: &[
            "name",
            APPLICATION,
            "authRecord.directoryId",
            SUBSCRIPTION,
            "authRecord.authenticationKey",
        ],
        failure: "Error getting the list of virtual machines. Please check the permissions of the application",
        defaults,
        derive: |_| Ok(()),
        learn,
    },
    replies: Replies::usual,
    offered: always,
    single: false,
};

const APPLICATION: &str = "authRecord.applicationId";
const SUBSCRIPTION: &str = "authRecord.subscriptionId";

/// In the order of the sample of Search Azure Connector. There is no `id` in it, whatever the table says.
const AUTH_RECORD: &[Field] = &[
    both("applicationId", Shape::Checked(credentials::uuid)),
    both("directoryId", Shape::Checked(credentials::uuid)),
    Field {
        name: "authenticationKey",
        shape: Shape::Secret(credentials::present),
        write: Write::Both,
        show: Show::Secret,
    },
    both("subscriptionId", Shape::Checked(credentials::uuid)),
];

fn defaults(_: &Patch, object: &mut Object) {
    let fields = [
        ("type", json!("AZURE")),
        ("activation", json!([])),
        ("isGovCloudConfigured", json!(false)),
        ("isInstantAssessmentEnabled", json!(false)),
    ];
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
}

/// The subscription's name is Azure's to tell.
fn learn(object: &mut Object) {
    let subscription = at(object, SUBSCRIPTION).and_then(Value::as_str).unwrap_or_default();
    let Some((start, _)) = subscription.split_once('-') else { return };
    let name = format!("subscription-{start}");
    object.entry("subscriptionName").or_insert_with(|| json!(name));
}
