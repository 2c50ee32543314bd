//! The choices where the vendor's documents are silent: one line an option, its values, the first one being the default.
//!
//! The whole list is data, so that `names`, `set`, the control call and the page in `docs/` cannot tell different stories.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::traffic::LONGEST_MS;

/// One option: its name, what it accepts, and what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionInfo {
    /// The name to set it by.
    pub name: &'static str,
    /// The words it accepts; empty where it takes a number or a text.
    pub values: &'static [&'static str],
    /// The value it has unless set.
    pub default: &'static str,
    /// What it decides.
    pub about: &'static str,
    /// Where the question comes from: what documents, recordings and clients say, or that none says anything.
    pub source: &'static str,
}

macro_rules! options {
    (
        choices { $( #[doc = $about:literal] $name:ident : $kind:ident { $default:ident = $default_text:literal $(, $variant:ident = $text:literal)+ } from $source:literal )+ }
        numbers { $( #[doc = $number_about:literal] $number:ident = $number_default:literal in $least:literal ..= $most:ident from $number_source:literal )+ }
        texts { $( #[doc = $text_about:literal] $words:ident = $words_default:literal from $words_source:literal )+ }
    ) => {
        $(
            #[doc = $about]
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
            pub(crate) enum $kind { #[default] $default $(, $variant)+ }
        )+

        /// How the simulator behaves where the documents leave it open.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Options {
            $( pub(crate) $name: $kind, )+
            $( pub(crate) $number: u64, )+
            $( pub(crate) $words: String, )+
        }

        impl Default for Options {
            fn default() -> Self {
                Self {
                    $( $name: $kind::default(), )+
                    $( $number: $number_default, )+
                    $( $words: $words_default.to_owned(), )+
                }
            }
        }

        const TABLE: &[OptionInfo] = &[
            $( OptionInfo { name: stringify!($name), values: &[$default_text $(, $text)+], default: $default_text, about: $about, source: $source }, )+
            $( OptionInfo { name: stringify!($number), values: &[], default: stringify!($number_default), about: $number_about, source: $number_source }, )+
            $( OptionInfo { name: stringify!($words), values: &[], default: $words_default, about: $text_about, source: $words_source }, )+
        ];

        impl Options {
            /// Sets one option.
            ///
            /// # Errors
            ///
            /// The text names what is accepted.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
                match name {
                    $( stringify!($name) => self.$name = match value {
                        $default_text => $kind::$default,
                        $( $text => $kind::$variant, )+
                        _ => return Err(format!(
                            "option {name} does not accept {value:?}; it accepts {}",
                            [$default_text $(, $text)+].join(", ")
                        )),
                    }, )+
                    $( stringify!($number) => self.$number = number(name, value, $least..=$most)?, )+
                    $( stringify!($words) => header_text(name, value)?.clone_into(&mut self.$words), )+
                    _ => return Err(format!(
                        "there is no option {name:?}; there are {}",
                        Self::names().collect::<Vec<_>>().join(", ")
                    )),
                }
                Ok(())
            }

            /// Every option with its present value.
            #[must_use]
            pub fn values(&self) -> BTreeMap<&'static str, String> {
                BTreeMap::from([
                    $( (stringify!($name), match self.$name {
                        $kind::$default => $default_text,
                        $( $kind::$variant => $text, )+
                    }.to_owned()), )+
                    $( (stringify!($number), self.$number.to_string()), )+
                    $( (stringify!($words), self.$words.clone()), )+
                ])
            }
        }
    };
}

fn number(name: &str, value: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        format!("option {name} does not accept {value:?}; it accepts a whole number from {least} to {most}")
    })
}

/// A text that goes into a header.
fn header_text<'a>(name: &str, value: &'a str) -> Result<&'a str, String> {
    let fits = (1..=200).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(value);
    }
    Err(format!(
        "option {name} does not accept {value:?}; it accepts 1 to 200 characters of ASCII without blanks"
    ))
}

/// What is done or kept for longer than this outlasts any test.
const A_DAY: u64 = 86_400;

/// The option that leaves the subscription's UUID to the simulator.
pub(crate) const OWN_SUBSCRIPTION: &str = "own";

/// Nothing in a test comes as often as that.
const A_MILLION: u64 = 1_000_000;

/// "Truncation Limit" (Connectors online help).
const A_PAGE: u64 = 1000;

options! {
    choices {
        #[doc = "HTTP status of a failed login; the body says INVALID_CREDENTIALS either way"]
        auth_failure: AuthFailure { Ok = "200", Unauthorized = "401" } from "recordings show 200; clients look for 401 too"
        #[doc = "whether authenticated answers carry the X-Powered-By header, which support enables per subscription"]
        powered_by: PoweredBy { On = "on", Off = "off" } from "the guide: support enables it"
        #[doc = "whether only the documented method is taken, or also PUT for update and GET for delete and run"]
        methods: Methods { Strict = "strict", Tolerant = "tolerant" } from "samples leave the method out, and curl then sends GET"
        #[doc = "whether update also takes PUT"]
        update_method: UpdateMethod { Post = "post", PostOrPut = "post_or_put" } from "the guide says POST, a script of the vendor's sends PUT"
        #[doc = "answer to an id that does not exist (any more): OBJECT_NOT_FOUND with this HTTP status, or 200 with NOT_FOUND"]
        unknown_id: UnknownId { Ok = "200", NotFound = "404", OtherCode = "not_found" } from "no document; guides of other modules know the codes"
        #[doc = "a connector whose name another one bears"]
        duplicate_name: DuplicateName { Accepted = "accepted", Refused = "refused" } from "no document; the help recommends unique names"
        #[doc = "a connector whose cloud identity (the ARN, subscription, project or tenancy) another one has"]
        duplicate_identity: DuplicateIdentity { Refused = "refused", Accepted = "accepted" } from "no document; the vendor's tools search before they create"
        #[doc = "another subscription in an update of an Azure connector, or another project in one of a GCP connector"]
        identity_update: IdentityUpdate { Accepted = "accepted", Refused = "refused" } from "samples of update name them; CloudView's update has no such field"
        #[doc = "a cloud identity whose connector was deleted a short while ago (see reuse_after)"]
        reuse_after_delete: ReuseAfterDelete { Refused = "refused", Allowed = "allowed" } from "no document; a client's live tests never used one again"
        #[doc = "whether a search shows deleted connectors, with isDeleted true"]
        deleted_in_search: DeletedInSearch { Hidden = "hidden", Shown = "shown" } from "no document; answers have the field"
        #[doc = "what an empty set does to a collection"]
        empty_set: EmptySet { Clears = "clears", Ignored = "ignored" } from "no document"
        #[doc = "a run frequency that is none of 60, 120, 180, 240, 360, 480, 720, 1440"]
        odd_run_frequency: OddRunFrequency { Accepted = "accepted", Refused = "refused", Rounded = "rounded" } from "samples have 300 and 500, the vendor's tools these eight"
        #[doc = "the activation modules PC and SCA on one connector, an organization's included"]
        pc_with_sca: PcWithSca { Refused = "refused", Accepted = "accepted" } from "a sample of update has both, the vendor's tools refuse that"
        #[doc = "activation modules and capabilities, and in seeds also states, beyond those of the guide"]
        newer_words: NewerWords { Refused = "refused", Accepted = "accepted" } from "the guide has five modules and three capabilities, newer pages of the vendor have more"
        #[doc = "a perimeter scan on a connector without the activation module VM"]
        cps_without_vm: CpsWithoutVm { Refused = "refused", Accepted = "accepted" } from "the vendor's tools refuse it"
        #[doc = "a scan's start date that has passed"]
        past_start_date: PastStartDate { Accepted = "accepted", Refused = "refused" } from "no document"
        #[doc = "whether dates are mm/dd/yyyy as specified, or also dd/mm/yyyy as in samples where the day gives it away"]
        date_order: DateOrder { Mdy = "mdy", Lenient = "lenient" } from "tables and samples differ"
        #[doc = "whether a capability's identifier has to be the connector's own"]
        app_identifier: AppIdentifier { Own = "own", Any = "any" } from "no document; samples name the connector's own"
        #[doc = "whether the first item that startFromId names is part of the page"]
        start_from_id: StartFromId { Inclusive = "inclusive", Exclusive = "exclusive" } from "the guide: the first item to return; a script of the vendor's sends the last one it has"
        #[doc = "whether texts are compared with or without regard to case in searches"]
        search_case: SearchCase { Sensitive = "sensitive", Insensitive = "insensitive" } from "no document"
        #[doc = "an update, delete or run with neither id nor filters: acts on everything, or is refused"]
        unfiltered_writes: UnfilteredWrites { All = "all", Refused = "refused" } from "no document; the guide has these paths without an id"
        #[doc = "how booleans look in JSON answers"]
        json_booleans: JsonBooleans { Strings = "strings", Real = "real" } from "samples differ"
        #[doc = "how data looks in a JSON answer with one object"]
        data_shape: DataShape { Array = "array", ObjectWhenSingle = "object-when-single" } from "samples differ"
        #[doc = "whether activation in XML answers has a list level"]
        activation_xml: ActivationXml { List = "list", Bare = "bare" } from "samples differ"
        #[doc = "whether answers show a connector's endpoints (regions)"]
        echo_endpoints: EchoEndpoints { Off = "off", On = "on" } from "no sample shows them"
        #[doc = "how a connector's run ends, or that it never starts"]
        states: States { Success = "success", Errors = "errors", Frozen = "frozen" } from "samples show both ends"
        #[doc = "where answers about tags show which stands below which: in the child's parentTagId, in the parent's children, or in both"]
        tag_hierarchy: TagHierarchy { Both = "both", Children = "children", Parent = "parent" } from "the guide's only answer has children alone, clients read parentTagId"
        #[doc = "a tag whose name another tag has under the same parent"]
        duplicate_tag: DuplicateTag { Refused = "refused", Accepted = "accepted" } from "no document"
        #[doc = "deletion of a tag that has children: they go too, or it is refused, or they become roots"]
        tag_parent_delete: TagParentDelete { Cascade = "cascade", Refused = "refused", Orphan = "orphan" } from "no document"
        #[doc = "deletion of a tag that connectors use: they lose it, or it is refused"]
        tag_in_use_delete: TagInUseDelete { Allowed = "allowed", Refused = "refused" } from "no document"
        #[doc = "a second registration of a snapshot scan: 304 and the old schedule stays, or 200 and the new one counts"]
        snapshot_reregister: SnapshotReregister { Kept = "kept", Updated = "updated" } from "the guide: 304, and nothing of the schedule"
        #[doc = "whether a snapshot scan's account needs an AWS connector with CI or CSA"]
        snapshot_needs_connector: SnapshotNeedsConnector { Any = "any", Required = "required" } from "the guide names 400 and 404 for it, and no rule"
        #[doc = "an organization connector's frequencies: as given, or rounded up to whole days and refused beyond seven"]
        org_frequency: OrgFrequency { Kept = "kept", Days = "days" } from "the guide has hours and minutes, later release notes days"
        #[doc = "what an edit of an organization connector does to optional fields that it leaves out"]
        org_edit_omitted: OrgEditOmitted { Kept = "kept", Reset = "reset" } from "no document"
        #[doc = "the method that switches organization connectors on and off: as in the guide's samples, or as in its table"]
        org_status_method: OrgStatusMethod { Put = "put", Post = "post" } from "the guide's table says POST, its sample PUT"
        #[doc = "where the search for management groups looks for pageNumber and pageSize; what stands elsewhere is not looked at"]
        management_groups_page: ManagementGroupsPage { Either = "either", Query = "query", Body = "body" } from "the guide's table lists them beside fields of the body, and calls them parameters"
        #[doc = "whether the subscription has Container Security; without it all its paths are 404"]
        container_security: ContainerSecurity { On = "on", Off = "off" } from "subscriptions differ"
        #[doc = "how a list of Container Security without items looks: no content, or an object with a count of 0"]
        empty_list: EmptyList { NoContent = "204", Object = "object" } from "clients met 204; no document"
        #[doc = "whether a registry schedule's create and update answer with its scheduleUuid as profileUuid, or with another one"]
        schedule_id: ScheduleId { Same = "same", Different = "different" } from "release notes: lists say scheduleUuid, create says profileUuid"
        #[doc = "whether registries' connectors can be listed; without it the lists are 404"]
        registry_connector_listing: RegistryConnectorListing { On = "on", Off = "off" } from "clients call it; no document"
        #[doc = "whether the user has the permissions for sensor profiles"]
        sensor_profiles: SensorProfiles { Forbidden = "forbidden", Allowed = "allowed" } from "release notes: it is a permission"
        #[doc = "how an inventory search or get that finds nothing looks: no content, 200 without a body, or an object with a count of 0"]
        inventory_empty: InventoryEmpty { NoContent = "204", EmptyBody = "empty_body", Zero = "zero" } from "clients met both; no document"
        #[doc = "what happens beyond rate_limit_requests within rate_limit_window seconds"]
        rate_limit: RateLimit { None = "none", Conflict = "409", TooMany = "429" } from "recordings show none; 409 is the older API's, 429 the gateway's"
        #[doc = "whether a call counts for rate_limit_window seconds, or all of them end with the window that the first one starts"]
        rate_limit_kind: RateLimitKind { Sliding = "sliding", Fixed = "fixed" } from "documents say sliding"
        #[doc = "whether answers that leave or take no call say how long to wait"]
        rate_limit_wait: RateLimitWait { Told = "told", Silent = "silent" } from "a client met answers without it"
        #[doc = "how get, search and run show an Azure authenticationKey and an OCI privateKey"]
        secrets_on_read: SecretsOnRead { Echoed = "echoed", Masked = "masked", Absent = "absent" } from "samples of get show them, those of create do not"
        #[doc = "whether get, search and run show the fields of an Azure authRecord, or an empty one"]
        azure_auth_record: AzureAuthRecord { Shown = "shown", Empty = "empty" } from "samples of get show them, those of create do not"
        #[doc = "whether get, search and run show the application's id for a capability's identifier in Azure, or the subscription's as asked"]
        azure_identifier_on_read: AzureIdentifierOnRead { Rewritten = "rewritten", Kept = "kept" } from "samples of create and get differ"
        #[doc = "how requests spell the project in a GCP authRecord"]
        gcp_project_key: GcpProjectKey { Camel = "projectId", Snake = "project_id" } from "samples have projectId; newer ones are said to have the other"
        #[doc = "defaultTags and activation on a GCP connector, which only the other clouds document"]
        gcp_undocumented_fields: GcpUndocumentedFields { Refused = "refused", Accepted = "accepted" } from "the guide's tables differ between clouds"
        #[doc = "whether the subscription has OCI connectors, or all calls for them are INVALID_API_VERSION"]
        oci: Oci { Enabled = "enabled", Unknown = "unknown" } from "the guide: support enables it; a client met INVALID_API_VERSION"
        #[doc = "runFrequency in an update of an OCI connector, which the table of update does not name"]
        oci_run_frequency_update: OciRunFrequencyUpdate { Refused = "refused", Ignored = "ignored", Accepted = "accepted" } from "the guide's tables of create and update differ"
        #[doc = "whether answers about OCI connectors are built as their own samples are, or as those of the other clouds"]
        oci_answers: OciAnswers { Own = "own", Common = "common" } from "samples differ between clouds"
        #[doc = "whether the subscription has CloudView 1.x; without it all its paths are 404"]
        cloudview: Cloudview { On = "on", Off = "off" } from "subscriptions differ"
        #[doc = "how CloudView 1.x is logged in to: with the gateway's token, or with the account's password as on the portal"]
        cloudview_auth: CloudviewAuth { Jwt = "jwt", Basic = "basic" } from "release notes say password, clients of today a token"
        #[doc = "HTTP status of a call of CloudView 1.x with the other one of the two ways to log in"]
        cloudview_wrong_login: CloudviewWrongLogin { Unauthorized = "401", NotFound = "404" } from "clients met both"
        #[doc = "HTTP status of a call of CloudView 1.x that is not as the documents have it; the body names the error either way"]
        cloudview_bad_request: CloudviewBadRequest { BadRequest = "400", Ok = "200" } from "clients look for errors under 200 too"
        #[doc = "the pollingFrequency of CloudView 1.x: it counts, or it is accepted and the connector polls every 24 hours, as for users of CI"]
        cloudview_polling_frequency: CloudviewPollingFrequency { Taken = "taken", Ignored = "ignored" } from "release notes: it depends on the licence"
        #[doc = "what an update by CloudView 1.x does to optional fields that it leaves out; where they are reset, the mandatory ones have to be there"]
        cloudview_edit_omitted: CloudviewEditOmitted { Kept = "kept", Reset = "reset" } from "no document"
        #[doc = "an update of an Azure connector by CloudView 1.x without an authenticationKey"]
        cloudview_edit_without_key: CloudviewEditWithoutKey { Kept = "kept", Refused = "refused" } from "no document"
        #[doc = "the body of a deletion by CloudView 1.x: the bare array of ids, or an object with it as connectorIds"]
        cloudview_delete_body: CloudviewDeleteBody { Array = "array", Object = "object", Either = "either" } from "clients send both"
        #[doc = "HTTP status of a deletion by CloudView 1.x that was carried out"]
        cloudview_delete_status: CloudviewDeleteStatus { Ok = "200", NoContent = "204" } from "clients expect both"
        #[doc = "ids without a connector in a call of CloudView 1.x that deletes, enables, disables or runs: 404 and nothing is done, or they are passed over"]
        cloudview_unknown_ids: CloudviewUnknownIds { Refused = "refused", Ignored = "ignored" } from "no document"
        #[doc = "a pageSize of CloudView 1.x beyond the 50 of all samples"]
        cloudview_large_pages: CloudviewLargePages { Taken = "taken", Capped = "capped", Refused = "refused" } from "no document"
        #[doc = "the state of an AWS connector that runs, in CloudView 1.x: as if it waited, or a word that clients have met and no document explains"]
        cloudview_running: CloudviewRunning { Pending = "PENDING", RegionsDiscovered = "REGIONS_DISCOVERED" } from "clients met the word"
        #[doc = "create of a global scan configuration where there is one"]
        global_scan_create_when_present: GlobalScanCreate { Refused = "refused", Overwrite = "overwrite" } from "no document"
        #[doc = "update of a global scan configuration where there is none"]
        global_scan_update_when_absent: GlobalScanUpdate { Refused = "refused", Create = "create" } from "no document"
        #[doc = "how a report's run ends, or that it goes on for ever"]
        report_end: ReportEnd { Completed = "completed", Failed = "failed", Rejected = "rejected", Never = "never" } from "clients know these states"
        #[doc = "what becomes of a completed report: it stays, or its status is EXPIRED, or it is in no list any more"]
        report_expiry: ReportExpiry { Kept = "kept", Expired = "expired", Gone = "gone" } from "a sample has a day on which it expires"
        #[doc = "what the download of a report answers: an object with a link, the link as plain text, or the file itself"]
        report_download: ReportDownload { LinkInJson = "link_in_json", LinkInText = "link_in_text", File = "file" } from "release notes: the body includes the link"
        #[doc = "a login sent to the link of a report: it is not looked at, or refused as object stores do, or needed"]
        report_link_login: ReportLinkLogin { Ignored = "ignored", Refused = "refused", Required = "required" } from "no document"
    }
    numbers {
        #[doc = "how many requests a rate_limit_window takes when rate_limit is on"]
        rate_limit_requests = 300 in 0..=A_MILLION from "the older API's documents; service levels differ"
        #[doc = "seconds of the rate limit's window"]
        rate_limit_window = 3600 in 1..=A_DAY from "the older API's documents; service levels differ"
        #[doc = "how many further requests a deleted connector's identity stays reserved for"]
        reuse_after = 10 in 0..=A_MILLION from "for tests"
        #[doc = "how many reads of a connector take its state one step further"]
        state_reads = 1 in 1..=A_MILLION from "for tests"
        #[doc = "how many searches of its kind a new, changed or deleted object takes to show there"]
        search_lag = 0 in 0..=A_MILLION from "for tests"
        #[doc = "how many objects a page of a search holds at most, whatever is asked for"]
        page_limit = 1000 in 1..=A_PAGE from "the vendor's page on truncation"
        #[doc = "milliseconds after its request that every answer comes, the time to make it included"]
        latency_ms = 0 in 0..=LONGEST_MS from "for tests"
        #[doc = "seconds that a token of the gateway lives"]
        token_seconds = 14400 in 0..=A_DAY from "documents say four hours"
        #[doc = "how many reads of a job show it completed"]
        job_reads = 1 in 1..=A_MILLION from "for tests"
        #[doc = "how many searches an attached or detached Azure connector takes to show as such"]
        attach_lag = 0 in 0..=A_MILLION from "samples of attach and detach show the state before"
        #[doc = "how many reads of a report take its run one step further"]
        report_reads = 1 in 1..=A_MILLION from "for tests"
    }
    texts {
        #[doc = "the subscription's UUID in X-Powered-By; own: one made up when the simulator is first started, and kept with its objects"]
        subscription = "own" from "the guide's sample of the header"
        #[doc = "the platform in X-Powered-By"]
        pod = "USPOD01" from "the guide's sample of the header"
    }
}

impl Options {
    /// The names of all options.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|option| option.name)
    }

    /// Whether a word that the guide does not have may stand where it lists words.
    pub(crate) fn is_newer_word(&self, given: &str) -> bool {
        let fits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        fits && self.newer_words == NewerWords::Accepted
    }

    /// All options with what they accept and decide.
    #[must_use]
    pub fn table() -> &'static [OptionInfo] {
        TABLE
    }
}
