//! The table: what the tests must know of each kind beyond what the kind says of itself.

use serde_json::{Value, json};
use trueup::resource::{ConnectorsApi, InCloudview, Kind};

/// One kind.
pub(crate) struct Row {
    pub(crate) kind: Kind,
    /// What connectors are managed through.
    pub(crate) api: ConnectorsApi,
    /// The simulator's word for it.
    pub(crate) simulated: &'static str,
    /// What the simulator's options have to be for all its fields to be taken.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// What it names and is live before it: the simulator's kind, and the object in plain form.
    pub(crate) needs: Vec<(&'static str, Value)>,
    /// The entry of the file; it sets every field.
    pub(crate) entry: Value,
    /// Another value of each field that an update writes.
    pub(crate) updates: Vec<Other>,
    /// Another value of each field that is fixed at creation.
    pub(crate) fixed: Vec<Other>,
    pub(crate) secrets: Vec<Kept>,
    pub(crate) calls: Calls,
}

/// Another value of a field.
pub(crate) struct Other {
    pub(crate) field: &'static str,
    /// What the entry then says, over what it says otherwise.
    pub(crate) says: Value,
    /// The place of the simulator's field, and its value there.
    pub(crate) shows: (&'static str, Value),
}

/// A secret of the entry: the file that holds it, what is in it, and what is in it later.
pub(crate) struct Kept {
    pub(crate) field: &'static str,
    pub(crate) file: &'static str,
    pub(crate) first: String,
    pub(crate) then: String,
    /// The place of the simulator's field.
    pub(crate) at: &'static str,
    /// What no one may see of the two.
    pub(crate) hidden: [&'static str; 2],
}

/// Requests of one kind: method, a part of the path, and how errors call it.
#[derive(Clone)]
pub(crate) struct Call(pub(crate) &'static str, pub(crate) String, pub(crate) String);

/// The calls of a kind.
#[derive(Clone)]
pub(crate) struct Calls {
    pub(crate) list: Option<Call>,
    pub(crate) create: Call,
    pub(crate) update: Call,
    pub(crate) delete: Option<Call>,
}

impl Row {
    /// The row of a kind; `None` for a kind that has none.
    pub(crate) fn of(kind: Kind) -> Option<Row> {
        let row = match kind.word() {
            "tag" => tag,
            "aws" => aws,
            "azure" => azure,
            "gcp" => gcp,
            "oci" => oci,
            "azure_organization" => azure_organization,
            "global_scan" => global_scan,
            "snapshot_scan" => snapshot_scan,
            "registry_schedule" => registry_schedule,
            _ => return None,
        };
        Some(row(kind))
    }

    /// The entry, with this over it.
    pub(crate) fn entry_with(&self, says: &Value) -> Value {
        let mut entry = self.entry.clone();
        entry.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
        entry
    }

    /// The row of a kind through this API; `None` for what CloudView v1 does not have, or leaves to others.
    pub(crate) fn by(kind: Kind, api: ConnectorsApi) -> Option<Row> {
        let row = Row::of(kind)?;
        match (api, kind.in_cloudview()) {
            (ConnectorsApi::V3, _) => Some(row),
            (ConnectorsApi::Cloudview, InCloudview::Without(lacking)) => Some(row.in_cloudview(lacking)),
            (ConnectorsApi::Cloudview, InCloudview::Elsewhere | InCloudview::Nothing(_)) => None,
        }
    }

    fn in_cloudview(mut self, lacking: &[&str]) -> Row {
        self.api = ConnectorsApi::Cloudview;
        self.entry.as_object_mut().unwrap().retain(|field, _| !lacking.contains(&field.as_str()));
        self.updates.retain(|other| !lacking.contains(&other.field));
        let (kind, path) = (self.kind, format!("/cloudview-api/rest/v1/{}/connectors", self.kind));
        let call = |method, path: &str, verb: &str| {
            Call(method, path.to_owned(), format!("{verb} {kind} connector"))
        };
        self.calls = Calls {
            list: Some(call("GET", &path, "list")),
            create: call("POST", &path, "create"),
            update: call("PUT", &path, "update"),
            delete: Some(call("DELETE", &path, "delete")),
        };
        self
    }

    /// What makes it again.
    pub(crate) fn way(&self) -> (Kind, ConnectorsApi) {
        (self.kind, self.api)
    }

    /// The platform's id of an object of the simulator's.
    pub(crate) fn id(&self, id: u64, object: &Value) -> String {
        if self.api == ConnectorsApi::Cloudview {
            return object["cloudviewUuid"].as_str().unwrap().to_owned();
        }
        match object["scheduleUuid"].as_str() {
            Some(schedule) => format!("{REGISTRY}/{schedule}"),
            None => id.to_string(),
        }
    }

    /// The address of what the entry declares.
    pub(crate) fn address(&self) -> String {
        let spec = self.kind.deserialize(self.entry.clone()).unwrap();
        format!("{}/{}", self.kind, spec.address_name())
    }
}

fn other(field: &'static str, value: impl Into<Value>, at: &'static str, shown: impl Into<Value>) -> Other {
    Other { field, says: json!({field: value.into()}), shows: (at, shown.into()) }
}

/// The calls of the QPS family.
fn qps(noun: &str) -> Calls {
    let call = |verb: &str| Call("POST", format!("/{verb}/am/{noun}"), format!("{verb} {noun}"));
    Calls {
        list: Some(call("search")),
        create: call("create"),
        update: call("update"),
        delete: Some(call("delete")),
    }
}

/// A tag that every scene has, and another one.
pub(crate) const PROD: u64 = 7001;
pub(crate) const WEB: u64 = 7002;

fn tag(kind: Kind) -> Row {
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "tag",
        options: &[],
        needs: Vec::new(),
        entry: json!({
            "name": "payments", "parent": "prod", "description": "what pays", "color": "#AA0000",
            "rule": {"type": "NAME_CONTAINS", "text": "pay"},
        }),
        updates: vec![
            other("description", "what earns", "/description", "what earns"),
            other("color", "#00BB00", "/color", "#00BB00"),
            other("rule", json!({"type": "NAME_CONTAINS", "text": "earn"}), "/ruleText", "earn"),
        ],
        fixed: Vec::new(),
        secrets: Vec::new(),
        calls: qps("tag"),
    }
}

const ROLE: &str = "arn:aws:iam::210987654321:role/QualysConnector";
const OTHER_ROLE: &str = "arn:aws:iam::210987654321:role/Another";

fn aws(kind: Kind) -> Row {
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "aws",
        options: &[],
        needs: Vec::new(),
        entry: json!({
            "name": "fleet", "description": "all of it", "arn": ROLE, "external_id": "US1-1-12345",
            "capabilities": ["AI", {"name": "CSA", "tag": "prod"}], "activation": ["VM", "SCA"],
            "tags": ["prod"], "regions": "all", "run_frequency": "4h", "remediation": false, "enabled": true,
            "perimeter_scan": "global",
        }),
        updates: vec![
            other("name", "renamed", "/name", "renamed"),
            other("description", "most of it", "/description", "most of it"),
            other("arn", OTHER_ROLE, "/arn", OTHER_ROLE),
            other("external_id", "US1-1-54321", "/externalId", "US1-1-54321"),
            capabilities(ROLE),
            other("activation", json!(["VM"]), "/activation", json!(["VM", "CLOUDVIEW"])),
            other("tags", json!(["web"]), "/defaultTags", json!([WEB])),
            other("regions", json!(["eu-west-1"]), "/allRegions", false),
            other("run_frequency", "2h", "/runFrequency", 120),
            other("remediation", true, "/isRemediationEnabled", true),
            other("enabled", false, "/disabled", true),
            other("perimeter_scan", "off", "/isCPSEnabled", false),
        ],
        fixed: Vec::new(),
        secrets: Vec::new(),
        calls: qps("awsassetdataconnector"),
    }
}

fn capabilities(identifier: &str) -> Other {
    let shown = json!([{"name": "CSA", "identifier": identifier, "tagId": WEB}]);
    other("capabilities", json!([{"name": "CSA", "tag": "web"}]), "/connectorAppInfos", shown)
}

const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";
const DIRECTORY: &str = "22222222-2222-4222-8222-222222222222";
const OTHER_DIRECTORY: &str = "22222222-2222-4222-8222-222222222223";
const APPLICATION: &str = "33333333-3333-4333-8333-333333333333";
const OTHER_APPLICATION: &str = "33333333-3333-4333-8333-333333333334";

fn azure(kind: Kind) -> Row {
    let key = Kept {
        field: "authentication_key",
        file: "azure.key",
        first: "first~azure~secret".to_owned(),
        then: "second~azure~secret".to_owned(),
        at: "/authRecord/authenticationKey",
        hidden: ["first~azure~secret", "second~azure~secret"],
    };
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "azure",
        options: &[],
        needs: Vec::new(),
        entry: json!({
            "name": "shared", "description": "all of it", "subscription_id": SUBSCRIPTION,
            "directory_id": DIRECTORY, "application_id": APPLICATION,
            "authentication_key": {"file": "azure.key"}, "government": false,
            "capabilities": ["AI", {"name": "CSA", "tag": "prod"}], "activation": ["VM", "SCA"],
            "tags": ["prod"], "run_frequency": "4h", "remediation": false, "enabled": true,
            "perimeter_scan": "global",
        }),
        updates: vec![
            other("name", "renamed", "/name", "renamed"),
            other("description", "most of it", "/description", "most of it"),
            other("directory_id", OTHER_DIRECTORY, "/authRecord/directoryId", OTHER_DIRECTORY),
            other("application_id", OTHER_APPLICATION, "/authRecord/applicationId", OTHER_APPLICATION),
            rotated(&key),
            capabilities(SUBSCRIPTION),
            other("activation", json!(["VM"]), "/activation", json!(["VM", "CLOUDVIEW"])),
            other("tags", json!(["web"]), "/defaultTags", json!([WEB])),
            other("run_frequency", "2h", "/runFrequency", 120),
            other("remediation", true, "/isRemediationEnabled", true),
            other("enabled", false, "/disabled", true),
            other("perimeter_scan", "off", "/isCPSEnabled", false),
        ],
        fixed: vec![other("government", true, "/isGovCloudConfigured", true)],
        secrets: vec![key],
        calls: qps("azureassetdataconnector"),
    }
}

/// The secret taken from another file.
fn rotated(secret: &Kept) -> Other {
    let file = format!("other-{}", secret.file);
    other(secret.field, json!({"file": file}), secret.at, secret.hidden[1])
}

const PROJECT: &str = "analytics-208707";

/// A service account's key file with this private key.
fn service_account_key(id: &str, secret: &str) -> String {
    json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": id,
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"),
        "client_email": "qualys@analytics-208707.iam.gserviceaccount.com", "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/qualys",
    })
    .to_string()
}

fn gcp(kind: Kind) -> Row {
    let (first, then) = ("Zmlyc3QgZ2NwIHNlY3JldA", "c2Vjb25kIGdjcCBzZWNyZXQ");
    let key = Kept {
        field: "service_account_key",
        file: "gcp.json",
        first: service_account_key("key-one", first),
        then: service_account_key("key-two", then),
        at: "/authRecord/private_key_id",
        hidden: [first, then],
    };
    let new_key = Other { shows: (key.at, json!("key-two")), ..rotated(&key) };
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "gcp",
        options: &[("gcp_undocumented_fields", "accepted")],
        needs: Vec::new(),
        entry: json!({
            "name": "analytics", "description": "all of it", "project_id": PROJECT,
            "service_account_key": {"file": "gcp.json"},
            "capabilities": ["CI", {"name": "CSA", "tag": "prod"}], "activation": ["VM", "SCA"],
            "tags": ["prod"], "run_frequency": "4h", "remediation": false, "enabled": true,
        }),
        updates: vec![
            other("name", "renamed", "/name", "renamed"),
            other("description", "most of it", "/description", "most of it"),
            new_key,
            capabilities(PROJECT),
            other("activation", json!(["VM"]), "/activation", json!(["VM", "CLOUDVIEW"])),
            other("tags", json!(["web"]), "/defaultTags", json!([WEB])),
            other("run_frequency", "2h", "/runFrequency", 120),
            other("remediation", true, "/isRemediationEnabled", true),
            other("enabled", false, "/disabled", true),
        ],
        fixed: Vec::new(),
        secrets: vec![key],
        calls: qps("gcpassetdataconnector"),
    }
}

const TENANCY: &str = "ocid1.tenancy.oc1..exampletenancy";
const USER: &str = "ocid1.user.oc1..exampleuser";
const OTHER_USER: &str = "ocid1.user.oc1..exampleother";
const FINGERPRINT: &str = "8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7b";
const OTHER_FINGERPRINT: &str = "8a:cd:10:fc:f7:3c:c2:7d:a6:88:27:cb:1a:ad:52:7c";

fn oci(kind: Kind) -> Row {
    let pem = |text: &str| {
        format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{text}\n-----END ENCRYPTED PRIVATE KEY-----")
    };
    let (first, then) = ("Zmlyc3Qgb2NpIHNlY3JldA", "c2Vjb25kIG9jaSBzZWNyZXQ");
    let key = Kept {
        field: "private_key",
        file: "oci.pem",
        first: pem(first),
        then: pem(then),
        at: "/authRecord/privateKey",
        hidden: [first, then],
    };
    let phrase = Kept {
        field: "passphrase",
        file: "oci.phrase",
        first: "first~oci~phrase".to_owned(),
        then: "second~oci~phrase".to_owned(),
        at: "/authRecord/passphrase",
        hidden: ["first~oci~phrase", "second~oci~phrase"],
    };
    let new_key = Other { shows: (key.at, json!(key.then)), ..rotated(&key) };
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "oci",
        options: &[("oci_run_frequency_update", "accepted")],
        needs: Vec::new(),
        entry: json!({
            "name": "oracle", "description": "all of it", "tenant_id": TENANCY, "user_id": USER,
            "fingerprint": FINGERPRINT, "private_key": {"file": "oci.pem"}, "passphrase": {"file": "oci.phrase"},
            "home_region": "us-ashburn-1", "capabilities": ["AI", {"name": "CSA", "tag": "prod"}],
            "tags": ["prod"], "run_frequency": "4h", "enabled": true,
        }),
        updates: vec![
            other("name", "renamed", "/name", "renamed"),
            other("description", "most of it", "/description", "most of it"),
            capabilities(TENANCY),
            other("tags", json!(["web"]), "/defaultTags", json!([WEB])),
            other("run_frequency", "2h", "/runFrequency", 120),
            other("enabled", false, "/disabled", true),
        ],
        fixed: vec![
            other("user_id", OTHER_USER, "/authRecord/userId", OTHER_USER),
            other("fingerprint", OTHER_FINGERPRINT, "/authRecord/fingerprint", OTHER_FINGERPRINT),
            new_key,
            rotated(&phrase),
            other("home_region", "eu-frankfurt-1", "/homeRegion", "eu-frankfurt-1"),
        ],
        secrets: vec![key, phrase],
        calls: qps("ociassetdataconnector"),
    }
}

const ORGANIZATIONS: &str = "/connectors/v1.0/org/azure/";

fn azure_organization(kind: Kind) -> Row {
    let secret = Kept {
        field: "secret",
        file: "organization.secret",
        first: "first~organization~secret".to_owned(),
        then: "second~organization~secret".to_owned(),
        at: "/secretValue",
        hidden: ["first~organization~secret", "second~organization~secret"],
    };
    let member = json!({
        "id": 7101, "name": "corp-data",
        "authRecord": {"subscriptionId": "11111111-1111-4111-8111-111111111112", "directoryId": DIRECTORY,
            "applicationId": APPLICATION, "authenticationKey": "of another"},
    });
    let call = |method, path: &str, operation: &str| Call(method, path.to_owned(), operation.to_owned());
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "azure_organization",
        options: &[],
        needs: vec![("azure", member)],
        entry: json!({
            "name": "contoso", "tenant_id": DIRECTORY, "tenant_name": "Contoso", "description": "all of it",
            "application_id": APPLICATION, "secret": {"file": "organization.secret"},
            "connector_prefix": "contoso", "capabilities": ["AI", {"name": "CSA", "tag": "prod"}],
            "org_run_frequency": "1h", "connector_run_frequency": "4h",
            "include_management_groups": ["Production"], "exclude_management_groups": [],
            "create_connectors_for_new_subscriptions": true, "disable_connectors_for_deleted_groups": true,
            "activate": ["VM", "SCA"], "tags": ["prod"], "remediation": false, "enabled": true,
            "members": ["azure/corp-data"],
        }),
        updates: vec![
            other("tenant_name", "Contoso Ltd", "/tenantName", "Contoso"),
            other("description", "most of it", "/description", "most of it"),
            rotated(&secret),
            capabilities(DIRECTORY),
            other("org_run_frequency", "2h", "/orgRunFrequency/hours", 2),
            other("connector_run_frequency", "6h", "/connectorRunFrequency/hours", 6),
            other("include_management_groups", json!(["Staging"]), "/includedMem", json!(["Staging"])),
            other("exclude_management_groups", json!(["Sandbox"]), "/excludedMem", json!(["Sandbox"])),
            other(
                "create_connectors_for_new_subscriptions",
                false,
                "/isCreateConnectorForNewSubscriptionsAutomatically",
                false,
            ),
            other(
                "disable_connectors_for_deleted_groups",
                false,
                "/isDisableConnectorsForDeletedManagementGroups",
                false,
            ),
            other("activate", json!(["VM"]), "/autoActivateSCA", false),
            other("tags", json!(["web"]), "/defaultTagIds", json!([WEB])),
            other("remediation", true, "/isRemediationEnabled", true),
            other("enabled", false, "/disabled", true),
            other("members", json!([]), "/members", json!([])),
        ],
        fixed: vec![
            other("name", "renamed", "/name", "renamed"),
            other("application_id", OTHER_APPLICATION, "/applicationId", OTHER_APPLICATION),
            other("connector_prefix", "other", "/connectorPrefixName", "other"),
        ],
        secrets: vec![secret],
        calls: Calls {
            list: Some(call("GET", ORGANIZATIONS, "list azure organization connectors")),
            create: call("POST", ORGANIZATIONS, "create azure organization connector"),
            update: call("POST", ORGANIZATIONS, "edit azure organization connector"),
            delete: Some(call("DELETE", ORGANIZATIONS, "delete azure organization connector")),
        },
    }
}

fn global_scan(kind: Kind) -> Row {
    // Every day has no days of its own.
    let daily = Other {
        field: "recurrence",
        says: json!({"recurrence": "DAILY", "days": null}),
        shows: ("/recurrence", json!("DAILY")),
    };
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "global_scan",
        options: &[],
        needs: Vec::new(),
        entry: json!({
            "option_profile_id": 2, "recurrence": "WEEKLY", "days": ["SUN", "TUE"], "scan_prefix": "Global",
            "start_date": "2093-12-01", "start_time": "12:45", "timezone": "Africa/Cairo",
        }),
        updates: vec![
            other("option_profile_id", 3, "/optionProfileId", 3),
            daily,
            other("days", json!(["MON"]), "/daysOfWeek", json!(["MON"])),
            other("scan_prefix", "all", "/scanPrefix", "all"),
            other("start_date", "2094-01-02", "/startDate", "01/02/2094"),
            other("start_time", "13:00", "/startTime", "13:00"),
            other("timezone", "Europe/Berlin", "/timezone", "Europe/Berlin"),
        ],
        fixed: Vec::new(),
        secrets: Vec::new(),
        calls: Calls { delete: None, ..qps("globalscanconfiguration") },
    }
}

fn snapshot_scan(kind: Kind) -> Row {
    let call = |method, path: &str, verb: &str| {
        Call(method, format!("/snapshot/v1.0/{path}"), format!("{verb} the snapshot scan's service account"))
    };
    let deregister = call("DELETE", "deregister-service-account", "deregister");
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "snapshot_registration",
        options: &[],
        needs: Vec::new(),
        entry: json!({
            "account_id": "951234567875", "schedule": "0 0 2 ? * * *", "tags": [{"key": "Owner", "value": "test"}],
        }),
        updates: vec![
            other("schedule", "0 30 3 ? * * *", "/schedule", "0 30 3 ? * * *"),
            other(
                "tags",
                json!([{"key": "Owner", "value": "all"}]),
                "/tags",
                json!([{"tagKey": "Owner", "tagValue": "all"}]),
            ),
        ],
        fixed: vec![other("account_id", "951234567876", "/accountId", "951234567876")],
        secrets: Vec::new(),
        calls: Calls {
            list: None,
            create: call("POST", "register-service-account", "register"),
            update: deregister.clone(),
            delete: Some(deregister),
        },
    }
}

const REGISTRY: &str = "99999999-9999-4999-8999-999999999999";

fn registry_schedule(kind: Kind) -> Row {
    let call = |method, path: &str, operation: &str| Call(method, path.to_owned(), operation.to_owned());
    let registry = json!({
        "registryName": "shop", "registryUuid": REGISTRY, "registryType": "AWS",
        "registryUri": "https://210987654321.dkr.ecr.eu-west-1.amazonaws.com",
    });
    // Every seven days is on a day, and every other number is not.
    let daily = Other {
        field: "every_days",
        says: json!({"every_days": 3, "week_day": null}),
        shows: ("/scheduleIntervalInDays", json!(3)),
    };
    Row {
        kind,
        api: ConnectorsApi::V3,
        simulated: "registry_schedule",
        options: &[],
        needs: vec![("registry", registry)],
        entry: json!({
            "registry": {"name": "shop"}, "name": "weekly", "at": "09:30", "every_days": 7, "week_day": "THURSDAY",
            "on_demand": false, "registry_type": "AWS", "force_scan": true,
            "filters": [{"repo": "web", "tag": "latest", "days": 14}, {"repo": "pay", "tag": null, "days": null}],
            "number_of_tags": 5, "sort": "createdDate",
        }),
        updates: vec![
            other("name", "renamed", "/name", "weekly"),
            other("at", "10:45", "/schedule", "10:45"),
            daily,
            other("week_day", "SUNDAY", "/weekDay", "SUNDAY"),
            other("registry_type", "ACR", "/registryType", "AWS"),
            other("force_scan", false, "/forceScan", false),
            other("number_of_tags", 3, "/additionalFilters/numberOfTags", 3),
            other("sort", "updatedDate", "/additionalFilters/sortCriteria", "updatedDate"),
        ],
        fixed: Vec::new(),
        secrets: Vec::new(),
        calls: Calls {
            list: Some(call("GET", "/schedule", "list schedules of registry shop")),
            create: call("POST", "/schedule", "create registry schedule"),
            update: call("PUT", "/schedule/", "update registry schedule"),
            delete: Some(call("DELETE", "/schedule/bulk", "delete registry schedule")),
        },
    }
}
