//! What a world must know of each kind: how an entry of the file and a live object look, and by what it is told apart.

use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::secrets::{Secrets, key, password};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Species {
    Tag,
    Aws,
    Azure,
    Gcp,
    Oci,
    Organization,
    GlobalScan,
    SnapshotScan,
    Schedule,
    RegistryConnector,
}

/// The two tags that others name; every world has them.
pub(crate) const ANCHOR: &str = "anchor";
pub(crate) const FIXTURE: &str = "fixture";
/// Their numbers: this one and the one after it.
pub(crate) const NAMED: u64 = 8000;
/// A tag that the included file always has, so that it never gives nothing.
pub(crate) const BALLAST: u64 = NAMED + 2;
/// A module that the vendor has today, and the guide has not.
pub(crate) const NEWER_MODULE: &str = "SWCA";
/// The same of capabilities.
pub(crate) const NEWER_CAPABILITY: &str = "XSPM";
pub(crate) const REGISTRY: &str = "99999999-9999-4999-8999-999999999999";
/// The directory of all organization connectors and of their members.
const DIRECTORY: &str = "22222222-2222-4222-8222-222222222222";
const APPLICATION: &str = "33333333-3333-4333-8333-333333333333";
const OTHER_APPLICATION: &str = "33333333-3333-4333-8333-333333333334";

const FREQUENCIES: [(&str, u64); 4] = [("1h", 60), ("2h", 120), ("4h", 240), ("6h", 360)];
/// Of organization connectors: some platforms count in whole days.
const DAYS: [&str; 3] = ["24h", "48h", "72h"];
const COLORS: [&str; 3] = ["#AA0000", "#00BB00", "#0000CC"];

impl Species {
    pub(crate) const ALL: [Species; 10] = [
        Species::Tag,
        Species::Aws,
        Species::Azure,
        Species::Gcp,
        Species::Oci,
        Species::Organization,
        Species::GlobalScan,
        Species::SnapshotScan,
        Species::Schedule,
        Species::RegistryConnector,
    ];

    /// The simulator's word for it.
    pub(crate) const fn simulated(self) -> &'static str {
        match self {
            Species::Tag => "tag",
            Species::Aws => "aws",
            Species::Azure => "azure",
            Species::Gcp => "gcp",
            Species::Oci => "oci",
            Species::Organization => "azure_organization",
            Species::GlobalScan => "global_scan",
            Species::SnapshotScan => "snapshot_registration",
            Species::Schedule => "registry_schedule",
            Species::RegistryConnector => "registry_connector",
        }
    }

    /// The kind that the simulator calls so, of those that are managed.
    pub(crate) fn named(simulated: &str) -> Option<Species> {
        Species::ALL.into_iter().find(|species| species.simulated() == simulated)
    }

    /// The word for short names.
    const fn word(self) -> &'static str {
        match self {
            Species::Tag => "tag",
            Species::Aws => "aws",
            Species::Azure => "azure",
            Species::Gcp => "gcp",
            Species::Oci => "oci",
            Species::Organization => "org",
            Species::GlobalScan => "global",
            Species::SnapshotScan => "snapshot",
            Species::Schedule => "schedule",
            Species::RegistryConnector => "images",
        }
    }

    pub(crate) const fn is_single(self) -> bool {
        matches!(self, Species::GlobalScan | Species::SnapshotScan)
    }

    /// Others use them too: prune takes ours alone.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Species::Tag | Species::RegistryConnector)
    }

    /// A connector of a cloud, or of an organization: it can be switched off.
    pub(crate) const fn is_connector(self) -> bool {
        matches!(self, Species::Aws | Species::Azure | Species::Gcp | Species::Oci | Species::Organization)
    }

    /// It has a description, which can bear a mark.
    pub(crate) const fn is_described(self) -> bool {
        self.is_connector() || matches!(self, Species::Tag)
    }

    /// It has fields that are fixed at creation.
    pub(crate) const fn has_fixed_fields(self) -> bool {
        matches!(self, Species::Azure | Species::Oci | Species::Organization)
    }

    pub(crate) fn name(self, number: u64) -> String {
        format!("{}-{number}", self.word())
    }

    /// What tells the object of this number apart from all others of its kind.
    pub(crate) fn identity(self, number: u64) -> String {
        match self {
            Species::Tag if number == NAMED => ANCHOR.to_owned(),
            Species::Tag if number == NAMED + 1 => FIXTURE.to_owned(),
            // Every third one below another.
            Species::Tag if number.is_multiple_of(3) => format!("{ANCHOR}/{}", self.name(number)),
            Species::Tag | Species::Organization => self.name(number),
            // The account: a new role in it is an update of the same connector.
            Species::Aws => (210_000_000_000 + number).to_string(),
            Species::Azure => format!("11111111-1111-4111-8111-{number:012}"),
            Species::Gcp => format!("project-{number:04}"),
            Species::Oci => format!("ocid1.tenancy.oc1..tenancy{number:04}"),
            Species::GlobalScan | Species::SnapshotScan => "the one".to_owned(),
            Species::Schedule => format!("repo/{number:04}"),
            Species::RegistryConnector if number.is_multiple_of(2) => {
                format!("arn:aws:iam::{}:role/Images", 310_000_000_000 + number)
            }
            Species::RegistryConnector => format!("44444444-4444-4444-8444-{number:012}"),
        }
    }

    /// The same of an object in the simulator's plain form.
    pub(crate) fn identity_of(self, object: &Value, path_of: &dyn Fn(u64) -> String) -> String {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        match self {
            Species::Tag => object["id"].as_u64().map(path_of).unwrap_or_default(),
            // By nothing but its name, where it has no role.
            Species::Aws => text("/arn").split(':').nth(4).map_or_else(|| text("/name"), str::to_owned),
            Species::Azure => text("/authRecord/subscriptionId"),
            Species::Gcp => text("/authRecord/projectId"),
            Species::Oci => text("/authRecord/tenantId"),
            Species::Organization => text("/name"),
            Species::GlobalScan | Species::SnapshotScan => "the one".to_owned(),
            Species::Schedule => text("/filters/0/repoTags/0/repo"),
            Species::RegistryConnector if object["type"] == "AWS" => text("/arn"),
            Species::RegistryConnector => text("/connectorId"),
        }
    }

    /// An entry of the file. Its secrets are kept under this label.
    pub(crate) fn entry(self, dice: &mut Dice, number: u64, label: &str, secrets: &mut Secrets) -> Value {
        let name = self.name(number);
        let identity = self.identity(number);
        let mut entry = match self {
            Species::Tag => {
                let mut tag = json!({"name": name, "color": dice.pick(&COLORS)});
                if let Some((parent, _)) = identity.split_once('/') {
                    tag["parent"] = parent.into();
                }
                if dice.in_a_hundred(30) {
                    let text = dice.pick(&["pay", "earn"]);
                    tag["rule"] = json!({"type": "NAME_CONTAINS", "text": text});
                }
                tag
            }
            Species::Aws => {
                let mut aws = json!({"name": name, "arn": role(&identity, "Qualys"), "external_id": format!("US1-1-{number:08}")});
                if dice.in_a_hundred(30) {
                    let all = dice.in_a_hundred(50);
                    aws["regions"] = if all { json!("all") } else { json!(["eu-west-1"]) };
                }
                aws
            }
            Species::Azure => {
                let secret = password(dice);
                json!({"name": name, "subscription_id": identity, "directory_id": DIRECTORY,
                    "application_id": APPLICATION, "government": false,
                    "authentication_key": secrets.keep(dice, label, secret.clone(), &secret)})
            }
            Species::Gcp => {
                let body = key(dice);
                let content = service_account(&identity, &body);
                json!({"name": name, "project_id": identity,
                    "service_account_key": secrets.keep(dice, label, content, &body)})
            }
            Species::Oci => {
                let body = key(dice);
                let pem = format!(
                    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----"
                );
                let phrase = password(dice);
                json!({"name": name, "tenant_id": identity, "user_id": format!("ocid1.user.oc1..user{number:04}"),
                    "fingerprint": "8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b", "home_region": "us-ashburn-1",
                    "private_key": secrets.keep(dice, label, pem, &body),
                    "passphrase": secrets.keep(dice, &format!("{label}-phrase"), phrase.clone(), &phrase)})
            }
            Species::Organization => {
                let secret = password(dice);
                json!({"name": name, "tenant_id": DIRECTORY, "tenant_name": "Contoso", "application_id": APPLICATION,
                    "secret": secrets.keep(dice, label, secret.clone(), &secret), "connector_prefix": name,
                    "capabilities": ["AI"], "org_run_frequency": dice.pick(&DAYS),
                    "connector_run_frequency": dice.pick(&DAYS),
                    "include_management_groups": [dice.pick(&["Production", "Staging"])],
                    "activate": dice.some(&["VM", "CERTVIEW"]), "remediation": dice.in_a_hundred(50)})
            }
            Species::GlobalScan => json!({"option_profile_id": dice.between(2, 4), "recurrence": "WEEKLY",
                "days": [dice.pick(&["SUN", "TUE"])], "scan_prefix": dice.pick(&["Global", "all"]),
                "start_date": "2093-12-01", "start_time": "12:45", "timezone": "Africa/Cairo"}),
            Species::SnapshotScan => json!({"account_id": "951234567875",
                "schedule": dice.pick(&["0 0 2 ? * * *", "0 30 3 ? * * *"]), "tags": [{"key": "Owner", "value": "test"}]}),
            Species::Schedule => {
                json!({"name": name, "at": dice.pick(&["09:30", "10:45"]), "every_days": dice.between(2, 4),
                "on_demand": false, "registry_type": "AWS", "force_scan": dice.in_a_hundred(50),
                "filters": [{"repo": identity, "tag": null, "days": null}], "number_of_tags": dice.between(3, 5),
                "sort": "createdDate"})
            }
            Species::RegistryConnector if identity.starts_with("arn:") => {
                json!({"arn": identity, "state": "absent"})
            }
            Species::RegistryConnector => json!({"id": identity, "state": "absent"}),
        };
        if self.is_connector() {
            let own = entry.as_object_mut().unwrap();
            if dice.in_a_hundred(60) {
                own.insert("description".to_owned(), dice.pick(&["all of it", "most of it", ""]).into());
            }
            if dice.in_a_hundred(60) {
                own.insert("tags".to_owned(), json!(dice.some(&[ANCHOR, FIXTURE])));
            }
            if dice.in_a_hundred(50) {
                own.insert("enabled".to_owned(), dice.in_a_hundred(70).into());
            }
            if self != Species::Organization {
                self.run(dice, own);
            }
        }
        entry
    }

    /// What the connectors of the clouds have in common.
    fn run(self, dice: &mut Dice, entry: &mut Map<String, Value>) {
        // Of OCI a create needs these.
        let all = self == Species::Oci;
        if all || dice.in_a_hundred(70) {
            entry.insert("run_frequency".to_owned(), dice.pick(&FREQUENCIES).0.into());
        }
        if all || dice.in_a_hundred(60) {
            let more =
                if dice.in_a_hundred(50) { json!("CI") } else { json!({"name": "CSA", "tag": ANCHOR}) };
            entry.insert("capabilities".to_owned(), json!(["AI", more]));
        }
        if matches!(self, Species::Aws | Species::Azure) && dice.in_a_hundred(60) {
            let modules =
                dice.pick(&[&["VM"][..], &["VM", "SCA"], &["VM", "CERTVIEW"], &["VM", NEWER_MODULE]]);
            entry.insert("activation".to_owned(), json!(modules));
            if dice.in_a_hundred(40) {
                entry.insert("perimeter_scan".to_owned(), dice.pick(&["off", "global"]).into());
            }
        }
        if dice.in_a_hundred(30) && self != Species::Oci {
            entry.insert("remediation".to_owned(), dice.in_a_hundred(50).into());
        }
    }

    /// A live object in the simulator's plain form; `fixed`: what is fixed at creation is other than entries say.
    pub(crate) fn live(self, dice: &mut Dice, number: u64, fixed: bool) -> Value {
        let name = self.name(number);
        let identity = self.identity(number);
        let application = if fixed { OTHER_APPLICATION } else { APPLICATION };
        let mut object = match self {
            Species::Tag => {
                let mut tag = json!({"name": name, "color": dice.pick(&COLORS)});
                if let Some((parent, _)) = identity.split_once('/') {
                    tag["parent"] = parent.into();
                }
                tag
            }
            Species::Aws => {
                json!({"arn": role(&identity, "Qualys"), "externalId": format!("US1-1-{:08}", dice.between(1, 2) * 1000 + number),
                "allRegions": true})
            }
            Species::Azure => {
                json!({"isGovCloudConfigured": fixed, "authRecord": {"subscriptionId": identity,
                "directoryId": DIRECTORY, "applicationId": APPLICATION, "authenticationKey": "of somebody else"}})
            }
            Species::Gcp => json!({"authRecord": {"projectId": identity, "client_email": "a@b.example"}}),
            Species::Oci => json!({"homeRegion": if fixed { "eu-frankfurt-1" } else { "us-ashburn-1" },
                "authRecord": {"tenantId": identity, "userId": format!("ocid1.user.oc1..user{number:04}"),
                    "fingerprint": "8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b",
                    "privateKey": "-----BEGIN PRIVATE KEY-----\nb2Ygc29tZWJvZHk=\n-----END PRIVATE KEY-----\n"}}),
            Species::Organization => json!({"name": name, "tenantName": "Contoso", "tenantId": DIRECTORY,
                "applicationId": application, "secretValue": "of somebody else", "connectorAppInfos": ["AI", "CI"],
                "orgRunFrequency": {"hours": 12, "minutes": 0}, "connectorRunFrequency": {"hours": 6, "minutes": 0},
                "connectorPrefixName": name, "includedMem": ["Production", "Sandbox"],
                "defaultTagIds": dice.some(&[FIXTURE]), "state": "FINISHED_SUCCESS"}),
            Species::GlobalScan => {
                json!({"scanPrefix": "theirs", "optionProfileId": 9, "recurrence": "DAILY",
                "startDate": "06/22/2031", "startTime": "12:45", "timezone": "Africa/Cairo"})
            }
            Species::SnapshotScan => json!({"accountId": "951234567875", "schedule": "0 0 5 ? * * *"}),
            Species::Schedule => {
                json!({"name": name, "registry": "shop", "registryType": "AWS", "status": "Finished",
                "schedule": "01:00", "scheduleIntervalInDays": 9, "onDemand": false,
                "filters": [{"days": null, "repoTags": [{"repo": identity, "tag": null}]}]})
            }
            Species::RegistryConnector if identity.starts_with("arn:") => {
                json!({"name": name, "arn": identity})
            }
            Species::RegistryConnector => json!({"name": name, "connectorId": identity, "type": "ACR"}),
        };
        if self.is_connector() && self != Species::Organization {
            object["name"] = if dice.in_a_hundred(50) { name.into() } else { format!("once-{name}").into() };
            object["connectorAppInfos"] = json!(dice.some(&["AI", "CI"]));
            object["defaultTags"] = json!(dice.some(&[FIXTURE]));
            object["runFrequency"] = dice.pick(&FREQUENCIES).1.into();
            object["connectorState"] = "FINISHED_SUCCESS".into();
            if self != Species::Gcp && self != Species::Oci {
                object["activation"] = json!(["VM"]);
            }
        }
        if self.is_described() {
            object["description"] = dice.pick(&["", "by hand", "most of it"]).into();
        }
        object
    }

    /// What an entry says in so many words: a place in the plain form, and the value there.
    pub(crate) fn shows(self, entry: &Value) -> Vec<(&'static str, Value)> {
        let minutes = |field: &str| {
            let text = entry.get(field)?.as_str()?;
            Some(json!(60 * text.strip_suffix('h')?.parse::<u64>().unwrap()))
        };
        let same = |field: &str| entry.get(field).cloned();
        let off = entry.get("enabled").and_then(Value::as_bool).map(|enabled| json!(!enabled));
        let all = match self {
            Species::Tag => vec![("/color", same("color"))],
            Species::Aws | Species::Azure | Species::Gcp | Species::Oci => vec![
                ("/arn", same("arn")),
                ("/name", same("name")),
                ("/runFrequency", minutes("run_frequency")),
                ("/disabled", off),
            ],
            Species::Organization => vec![
                (
                    "/orgRunFrequency/hours",
                    minutes("org_run_frequency").map(|all| json!(all.as_u64().unwrap() / 60)),
                ),
                ("/includedMem", same("include_management_groups")),
                ("/disabled", off),
            ],
            Species::GlobalScan => {
                vec![("/optionProfileId", same("option_profile_id")), ("/scanPrefix", same("scan_prefix"))]
            }
            // Whether it is as the file says cannot be read by anybody.
            Species::SnapshotScan | Species::RegistryConnector => Vec::new(),
            Species::Schedule => {
                vec![("/schedule", same("at")), ("/scheduleIntervalInDays", same("every_days"))]
            }
        };
        all.into_iter().filter_map(|(place, value)| Some((place, value?))).collect()
    }
}

/// A role in an AWS account.
pub(crate) fn role(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// A service account's key file, as Google gives it.
fn service_account(project: &str, body: &str) -> String {
    json!({
        "type": "service_account", "project_id": project, "private_key_id": "key-one",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"),
        "client_email": format!("qualys@{project}.iam.gserviceaccount.com"), "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/qualys",
    })
    .to_string()
}
