//! OCI connectors: the table of the Connectors API User Guide ("OCI Connectors 3.0"), which differs from the others' in what
//! update takes and in how answers are built.

use serde_json::json;

use super::connector::{
    ATTACHED, CLOUDVIEW_UUID, CPS, Connector, DEFAULT_TAGS, DESCRIPTION, DISABLED, GOV_CLOUD, INSTANT,
    IS_DELETED, LAST_ERROR, LAST_SYNC, MADE_ELSEWHERE, NAME, NEXT_SYNC, REMEDIATION, RUN_FREQUENCY, STATE,
    STATES, TYPE, both, later, shown,
};
use super::credentials;
use super::criteria::{Operand, Source, by};
use super::noun::{Apps, Field, Form, Noun, Replies, Shape, Show, Taken, Write};
use super::patch::Patch;
use super::route::Verb;
use super::show::Extent;
use crate::simulator::options::{Oci, OciAnswers, OciRunFrequencyUpdate, Options};
use crate::simulator::store::Object;

/// `ociassetdataconnector`.
pub(crate) static OCI: Noun = Noun {
    kind: "oci",
    path: "ociassetdataconnector",
    object: "OciAssetDataConnector",
    version: "3.0",
    verbs: &[Verb::Create, Verb::Update, Verb::Get, Verb::Search, Verb::Delete, Verb::Run],
    fields: &[
        NAME,
        DESCRIPTION,
        Field { show: Show::Always, ..LAST_SYNC },
        LAST_ERROR,
        later(STATE),
        later(TYPE),
        Field { write: Write::Update, ..later(DEFAULT_TAGS) },
        DISABLED,
        // The sample of create asks for both as true, and all answers have false.
        Field { write: Write::IgnoredOnCreate, ..later(GOV_CLOUD) },
        Field { show: Show::Always, ..IS_DELETED },
        Field { write: Write::CreateAnd(run_frequency_update), ..later(RUN_FREQUENCY) },
        NEXT_SYNC,
        Field { write: Write::Create, ..later(REMEDIATION) },
        Field { write: Write::IgnoredOnCreate, ..later(CPS) },
        both("connectorAppInfos", Shape::Apps(Apps { empty_tag: true, read_as: None })),
        CLOUDVIEW_UUID,
        later(INSTANT),
        shown("isSnapshotAssessmentEnabled", Shape::Flag, Show::Later),
        Field {
            name: "homeRegion",
            shape: Shape::Checked(credentials::oci_region),
            write: Write::Create,
            show: Show::Later,
        },
        ATTACHED,
        Field {
            name: "authRecord",
            shape: Shape::Group(AUTH_RECORD),
            write: Write::Create,
            show: Show::Always,
        },
        MADE_ELSEWHERE,
    ],
    // "Narrow down your search results using the parameters listed below", and none is: those that the others share.
    searchable: &[
        by("id", Operand::Integer, Source::Id),
        by("name", Operand::Text, Source::Field("name")),
        by("description", Operand::Text, Source::Field("description")),
        by("lastSync", Operand::Date, Source::Field("lastSync")),
        by("connectorState", Operand::Keyword(STATES), Source::Field("connectorState")),
        by("appCapability.name", Operand::Word, Source::Member("connectorAppInfos", "name")),
        by("appCapability.tag.name", Operand::Word, Source::MemberTagNames("connectorAppInfos")),
        by("disabled", Operand::Boolean, Source::Field("disabled")),
    ],
    rules: &Connector {
        identity: TENANCY,
        required: &[
            "name",
            "runFrequency",
            "homeRegion",
            TENANCY,
            "authRecord.userId",
            "authRecord.fingerprint",
            "authRecord.privateKey",
            "connectorAppInfos",
        ],
        failure: "Internal processing error",
        defaults,
        derive: |_| Ok(()),
        learn: |_| (),
    },
    replies,
    offered: |options| options.oci == Oci::Enabled,
    single: false,
};

const TENANCY: &str = "authRecord.tenantId";

const AUTH_RECORD: &[Field] = &[
    asked("tenantId", Shape::Checked(credentials::tenancy), Show::Always),
    asked("userId", Shape::Checked(credentials::user), Show::Later),
    asked("fingerprint", Shape::Checked(credentials::present), Show::Later),
    asked("privateKey", Shape::Secret(credentials::present), Show::Secret),
    asked("passphrase", Shape::Secret(|_| Ok(())), Show::Never),
];

const fn asked(name: &'static str, shape: Shape, show: Show) -> Field {
    Field { name, shape, write: Write::Create, show }
}

fn run_frequency_update(options: &Options) -> Taken {
    match options.oci_run_frequency_update {
        OciRunFrequencyUpdate::Refused => Taken::No,
        OciRunFrequencyUpdate::Ignored => Taken::Ignored,
        OciRunFrequencyUpdate::Accepted => Taken::Yes,
    }
}

/// Update answers with as much as create, run with the id alone.
fn replies(options: &Options) -> Replies {
    match options.oci_answers {
        OciAnswers::Own => Replies { update: Extent::Partial, run: Extent::IdAlone, form: Form::Oci },
        OciAnswers::Common => Replies::usual(options),
    }
}

fn defaults(_: &Patch, object: &mut Object) {
    let fields = [
        ("type", json!("OCI")),
        ("isGovCloudConfigured", json!(false)),
        ("isCPSEnabled", json!(false)),
        ("isInstantAssessmentEnabled", json!(false)),
        ("isSnapshotAssessmentEnabled", json!(false)),
    ];
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
}
