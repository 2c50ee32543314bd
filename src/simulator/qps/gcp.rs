//! GCP connectors: the table of the Connectors API User Guide ("GCP Connectors 3.0").

use serde_json::json;

use super::connector::{
    ACTIVATION, APP_INFOS, ATTACHED, CLOUDS, CLOUDVIEW_SYNC, CLOUDVIEW_UUID, Connector, DEFAULT_TAGS,
    DESCRIPTION, DISABLED, GOV_CLOUD, IS_DELETED, LAST_ERROR, LAST_SYNC, MADE_ELSEWHERE, NAME, NEXT_SYNC,
    REMEDIATION, RUN_FREQUENCY, STATE, STATES, TOTAL_ASSETS, both,
};
use super::credentials;
use super::criteria::{Operand, Source, by};
use super::noun::{Field, Noun, Replies, Shape, Show, Taken, Write, always};
use super::patch::Patch;
use super::route::Verb;
use crate::simulator::options::{GcpProjectKey, GcpUndocumentedFields, Options};
use crate::simulator::store::Object;

/// `gcpassetdataconnector`.
pub(crate) static GCP: Noun = Noun {
    kind: "gcp",
    path: "gcpassetdataconnector",
    object: "GcpAssetDataConnector",
    version: "3.0",
    verbs: &[Verb::Create, Verb::Update, Verb::Get, Verb::Search, Verb::Delete, Verb::Run],
    fields: &[
        NAME,
        DESCRIPTION,
        LAST_SYNC,
        LAST_ERROR,
        STATE,
        // No sample of an answer has it.
        Field { name: "type", shape: Shape::Word(&["GCP"]), write: Write::Create, show: Show::Never },
        Field { write: Write::Optional(undocumented), ..DEFAULT_TAGS },
        Field { write: Write::Optional(undocumented), ..ACTIVATION },
        DISABLED,
        GOV_CLOUD,
        IS_DELETED,
        RUN_FREQUENCY,
        NEXT_SYNC,
        REMEDIATION,
        APP_INFOS,
        CLOUDVIEW_UUID,
        // In the table of create, with the words of AWS; there are no end points that it could be about.
        Field { name: "allRegions", shape: Shape::Flag, write: Write::IgnoredOnCreate, show: Show::Never },
        ATTACHED,
        both("authRecord", Shape::Group(AUTH_RECORD)),
        MADE_ELSEWHERE,
        TOTAL_ASSETS,
        CLOUDVIEW_SYNC,
    ],
    searchable: &[
        by("id", Operand::Integer, Source::Id),
        by("name", Operand::Text, Source::Field("name")),
        by("description", Operand::Text, Source::Field("description")),
        by("lastSync", Operand::Date, Source::Field("lastSync")),
        // The table's name, and the samples'.
        by("Type", Operand::Keyword(CLOUDS), Source::Field("type")),
        by("type", Operand::Keyword(CLOUDS), Source::Field("type")),
        by("authRecord.projectId", Operand::Text, Source::Field(PROJECT)),
        by("appCapability.name", Operand::Word, Source::Member("connectorAppInfos", "name")),
        // The samples filter by these, the table knows them not.
        by("connectorState", Operand::Keyword(STATES), Source::Field("connectorState")),
        by("appCapability.tag.name", Operand::Word, Source::MemberTagNames("connectorAppInfos")),
        by("disabled", Operand::Boolean, Source::Field("disabled")),
    ],
    rules: &Connector {
        identity: PROJECT,
        required: &[
            "name",
            PROJECT,
            "authRecord.type",
            "authRecord.private_key_id",
            "authRecord.private_key",
            "authRecord.client_email",
            "authRecord.client_id",
            "authRecord.auth_uri",
            "authRecord.token_uri",
            "authRecord.auth_provider_x509_cert_url",
            "authRecord.client_x509_cert_url",
        ],
        failure: "Error getting the list of instances. Please check the permissions of the service account",
        defaults,
        derive: |_| Ok(()),
        learn: |_| (),
    },
    replies: Replies::usual,
    offered: always,
    single: false,
};

const PROJECT: &str = "authRecord.projectId";

/// The project, and a service account's key file under its own names, of which nothing is ever shown.
const AUTH_RECORD: &[Field] = &[
    Field {
        name: "projectId",
        shape: Shape::Checked(credentials::project),
        write: Write::Spelled(project_key),
        show: Show::Always,
    },
    unseen("type", Shape::Word(credentials::KEY_TYPES)),
    unseen("private_key_id", Shape::Secret(credentials::present)),
    unseen("private_key", Shape::Secret(credentials::private_key)),
    unseen("client_email", Shape::Checked(credentials::present)),
    unseen("client_id", Shape::Checked(credentials::present)),
    unseen("auth_uri", Shape::Checked(credentials::https)),
    unseen("token_uri", Shape::Checked(credentials::https)),
    unseen("auth_provider_x509_cert_url", Shape::Checked(credentials::https)),
    unseen("client_x509_cert_url", Shape::Checked(credentials::https)),
];

const fn unseen(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, write: Write::Both, show: Show::Never }
}

fn project_key(options: &Options) -> &'static str {
    match options.gcp_project_key {
        GcpProjectKey::Camel => "projectId",
        GcpProjectKey::Snake => "project_id",
    }
}

fn undocumented(options: &Options) -> Taken {
    match options.gcp_undocumented_fields {
        GcpUndocumentedFields::Refused => Taken::No,
        GcpUndocumentedFields::Accepted => Taken::Yes,
    }
}

fn defaults(_: &Patch, object: &mut Object) {
    let fields = [("type", json!("GCP")), ("isGovCloudConfigured", json!(false))];
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
}
