//! What each refusal that the documents name comes to, for each call of Container Security and of the asset inventory: the exit
//! code, and one line that says what could not be done, with which object, why, and what to do.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set up has failed")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Ended, Folder, Simulator, end};
use serde_json::{Value, json};

const WEEKLY: &str = "{name: weekly, at: '09:30', every_days: 7, week_day: THURSDAY, filters: [{repo: web}]}";
const SHOP: &str = "88888888-8888-4888-8888-888888888888";
const ARN: &str = "arn:aws:iam::210987654321:role/Free";

/// A refusal in the form of the samples: `{errorCode, message, timestamp}`.
struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
    /// What is said of it between the status and the hint.
    said: &'static str,
    hint: Hint,
}

enum Hint {
    /// The platform's words are all that is known.
    None,
    /// The same for all calls; `{module}` stands for the name of the module.
    Is(&'static str),
    /// What the call itself knows of it.
    OfCall,
}

const REFUSALS: [Refusal; 6] = [
    Refusal {
        status: 400,
        code: "BAD_REQUEST",
        message: "Field 'days' takes null, 1 to 7, and 14.",
        said: "BAD_REQUEST: Field 'days' takes null, 1 to 7, and 14",
        hint: Hint::None,
    },
    Refusal {
        status: 401,
        code: "UNAUTHORIZED",
        message: "The token is not known.",
        said: "refused with a fresh token: UNAUTHORIZED: The token is not known",
        hint: Hint::Is(
            "user and password are right: give the user the permission for {module}, and switch API access on for its \
             role",
        ),
    },
    Refusal {
        status: 403,
        code: "FORBIDDEN",
        message: "The acme_ab1 user does not have the CS.REGISTRY.ANY permission to perform this operation.",
        said: "FORBIDDEN: The acme_ab1 user does not have the CS.REGISTRY.ANY permission to perform this operation",
        hint: Hint::Is("give the user the permission CS.REGISTRY.ANY, and switch API access on for its role"),
    },
    Refusal {
        status: 404,
        code: "NOT_FOUND",
        message: "There is none.",
        said: "NOT_FOUND: There is none",
        hint: Hint::OfCall,
    },
    Refusal {
        status: 412,
        code: "PRECONDITION_FAILED",
        message: "It is associated.",
        said: "PRECONDITION_FAILED: It is associated",
        hint: Hint::None,
    },
    Refusal {
        status: 429,
        code: "TOO_MANY_REQUESTS",
        message: "Slow down.",
        said: "the rate limit asks to wait 86400 s: TOO_MANY_REQUESTS: Slow down",
        hint: Hint::Is(
            "wait, run less often, or ask the vendor for a higher limit; other tools use the same quota",
        ),
    },
];

/// A call, and how the program is brought to make it.
struct Call {
    method: &'static str,
    path: &'static str,
    sections: String,
    args: &'static [&'static str],
    exit: i32,
    /// The line up to the status, from "could not" on; `{id}` stands for the schedule's.
    told: &'static str,
    module: &'static str,
    /// What is said before the platform's words, and the hint, for a status of which the call knows more.
    knows: fn(u16) -> Option<(&'static str, &'static str)>,
    /// Whether that status is no failure to this call.
    takes: fn(u16) -> bool,
}

const PLAN: &[&str] = &["plan"];
const APPLY: &[&str] = &["apply", "--yes"];
const CONTAINERS: &str = "Container Security";
const WRONG_HOST: &str = "platform.gateway_url names the wrong host, or the subscription lacks the module";
const OUT_OF_SCOPE: &str = "it is gone, or outside the scope of the user";

impl Call {
    fn of(method: &'static str, path: &'static str, sections: String, told: &'static str) -> Call {
        let (args, exit) = if method == "GET" { (PLAN, 1) } else { (APPLY, 1) };
        let knows = |status: u16| (status == 404).then_some(("", OUT_OF_SCOPE));
        Call { method, path, sections, args, exit, told, module: CONTAINERS, knows, takes: |_| false }
    }
}

fn schedules(schedules: &str) -> String {
    format!("container_security: {{registries: [{{name: shop, schedules: [{schedules}]}}]}}\n")
}

/// A schedule that the platform has, as the file wants it but for the time.
fn live_schedule(simulator: &Simulator, status: &str) -> String {
    let made = json!({"name": "x", "onDemand": false, "schedule": "08:00", "scheduleIntervalInDays": 7,
        "weekDay": "THURSDAY", "status": status, "filters": [{"repoTags": [{"repo": "web"}]}]});
    let made = simulator.control("POST", "objects", &json!({"kind": "registry_schedule", "create": made}));
    format!("{SHOP}/{}", made["object"]["scheduleUuid"].as_str().unwrap())
}

fn refuse(simulator: &Simulator, call: &Call, refusal: &Refusal) {
    let Refusal { status, code, message, said: _, hint: _ } = refusal;
    let body = json!({"errorCode": format!("{status} {code}"), "message": message, "timestamp": 1_900_000_000_000_u64});
    let mut fault = json!({"kind": "status", "status": status, "method": call.method, "path": call.path, "times": 0,
        "body": body});
    if *status == 429 {
        fault["headers"] = json!({"X-RateLimit-ToWait-Sec": "86400"});
    }
    simulator.fault(&fault);
}

/// The lines that tell of what could not be done, each from there on.
fn told(ended: &Ended) -> Vec<&str> {
    ended.stdout.lines().filter_map(|line| line.rfind("could not ").map(|at| &line[at..])).collect()
}

/// Every refusal of one call, each in a subscription that is as `scene` makes it and answers with what stands for `{id}`.
fn check(call: &Call, scene: impl Fn(&Simulator) -> String) {
    for refusal in &REFUSALS {
        let aside = Folder::with("");
        // It is looked at twice before it is deleted, and time passes here by looking.
        let simulator = Simulator::start(&aside, &["--option", "state_reads=2"]);
        let id = scene(&simulator);
        // What the file does not name is not read: a limit of the server would keep that back too.
        let sections = call.sections.replace("reconcile: {prune: all}\n", "");
        let reconcile =
            if sections == call.sections { "{pull: declared}" } else { "{pull: declared, prune: all}" };
        let head = format!("journal: off\nreconcile: {reconcile}\n");
        let folder = Folder::remote(&simulator.url, &format!("{head}{sections}"));
        // Tags are listed at the same time, and a limit keeps back all requests to its server. The gateway is another one
        // here, so that it does not matter which comes first.
        let gateway = simulator.url.replace("127.0.0.1", "localhost");
        folder.edit("api_url: ", &format!("gateway_url: \"{gateway}\", api_url: "));
        refuse(&simulator, call, refusal);
        let ended = folder.run(call.args);
        let fired = &simulator.control("GET", "faults", &Value::Null)["faults"][0]["fired"];
        let status = refusal.status;
        assert!(fired.as_u64() >= Some(1), "{status} of {} {} is met: {ended}", call.method, call.path);
        if (call.takes)(status) {
            assert_eq!(told(&ended), [""; 0], "{status} is no failure: {ended}");
            continue;
        }
        let (before, hint) = match ((call.knows)(status), &refusal.hint) {
            (Some((before, hint)), _) => (before, Some(hint.to_owned())),
            (None, Hint::Is(hint)) => ("", Some(hint.replace("{module}", call.module))),
            (None, Hint::None) => ("", None),
            (None, Hint::OfCall) => ("", Some(format!("{WRONG_HOST} {}", call.module))),
        };
        let hint = hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
        let what = call.told.replace("{id}", &id);
        let line = format!("could not {what}: HTTP {status}: {before}{}{hint}", refusal.said);
        assert_eq!(told(&ended), [line], "{ended}");
        assert_eq!(ended.code, call.exit, "{ended}");
    }
}

fn nothing(_: &Simulator) -> String {
    String::new()
}

#[test]
fn registries_that_cannot_be_listed() {
    let call = Call::of("GET", "/csapi/v1.3/registry", schedules(WEEKLY), "list registries");
    check(&Call { knows: |_| None, ..call }, nothing);
}

#[test]
fn schedules_that_cannot_be_listed() {
    check(&Call::of("GET", "/schedule", schedules(WEEKLY), "list schedules of registry shop"), nothing);
}

#[test]
fn a_schedule_that_cannot_be_created() {
    let told = "create registry schedule registry_schedule/shop/weekly";
    let call = Call::of("POST", "/schedule", schedules(WEEKLY), told);
    // What is gone is not what was to be made.
    let knows = |status: u16| (status == 404).then_some(("registry shop: ", OUT_OF_SCOPE));
    check(&Call { knows, ..call }, nothing);
}

#[test]
fn a_schedule_that_cannot_be_updated() {
    let call = Call::of("PUT", "/schedule/", schedules(WEEKLY), "update registry schedule {id}");
    check(&call, |simulator| live_schedule(simulator, "Finished"));
}

/// The tag keeps the file from naming nothing at all.
fn without_schedules() -> String {
    format!("reconcile: {{prune: all}}\ntags: [{{name: prod}}]\n{}", schedules(""))
}

#[test]
fn a_schedule_that_cannot_be_deleted() {
    let call = Call::of("DELETE", "/schedule/bulk", without_schedules(), "delete registry schedule {id}");
    // What is not there any more is deleted.
    check(&Call { takes: |status| status == 404, ..call }, |simulator| live_schedule(simulator, "Finished"));
}

#[test]
fn a_scan_that_cannot_be_cancelled() {
    let told = "cancel the scan of registry schedule {id}";
    let call = Call::of("POST", "/schedule/cancel", without_schedules(), told);
    // One that has come to its end meanwhile cannot be cancelled, nor one that is gone.
    let takes = |status: u16| matches!(status, 400 | 404);
    check(&Call { takes, ..call }, |simulator| live_schedule(simulator, "Queued"));
}

fn absent() -> String {
    format!("container_security: {{registry_connectors: {{aws: [{{arn: '{ARN}', state: absent}}]}}}}\n")
}

fn live_connector(simulator: &Simulator) -> String {
    let made = json!({"name": "free", "type": "AWS", "arn": ARN});
    simulator.control("POST", "objects", &json!({"kind": "registry_connector", "create": made}));
    ARN.to_owned()
}

#[test]
fn registry_connectors_that_cannot_be_listed() {
    let call = Call::of("GET", "/registry/aws/connectors", absent(), "list registry connectors");
    // Where there is no such list, the delete is tried.
    check(&Call { takes: |status| status == 404, ..call }, live_connector);
}

#[test]
fn a_registry_connector_that_cannot_be_deleted() {
    let call = Call::of("DELETE", "/registry/aws/connector", absent(), "delete registry connector {id}");
    let knows = |status: u16| {
        let remedy = "connect the registry in another way or delete it, then apply again";
        (status == 412).then_some(("still used by a registry: ", remedy))
    };
    check(&Call { knows, takes: |status| status == 404, ..call }, live_connector);
}

#[test]
fn assets_that_cannot_be_counted() {
    let filter = "{field: oci.compute.canonicalRegionName, operator: EQUALS, value: us-ashburn-1}";
    let sections = format!("expectations: [{{name: hosts, at_least: 1, filters: [{filter}]}}]\n");
    let told = "count assets by oci.compute.canonicalRegionName";
    let call = Call::of("POST", "/count/am/asset", sections, told);
    // What is only looked at fails nothing.
    let call = Call { args: PLAN, exit: 0, module: "GAV/CSAM (asset inventory)", knows: |_| None, ..call };
    check(&call, nothing);
}

#[test]
fn a_subscription_without_container_security_costs_one_line_and_no_other_kind() {
    let aside = Folder::with("");
    let simulator = Simulator::start(&aside, &["--option", "container_security=off"]);
    let sections = format!(
        "tags: [{{name: new}}]\ncontainer_security:\n  registries: [{{name: shop, schedules: [{WEEKLY}]}}]\n  \
         registry_connectors: {{aws: [{{arn: '{ARN}', state: absent}}]}}\n"
    );
    let folder = Folder::remote(&simulator.url, &sections);
    let line = format!(
        "could not list registries: HTTP 404: NOT_FOUND: There is no /csapi/v1.3/registry \
         (hint: {WRONG_HOST} {CONTAINERS})"
    );
    let plan = folder.expect(1, &["plan"]);
    assert_eq!(told(&plan), [line.as_str()], "{plan}");
    let row = format!("x registry_schedule, registry_connector failed     {line}");
    assert!(plan.stdout.lines().any(|shown| shown == row), "{row} is not in {plan}");
    assert!(plan.stdout.contains("+ tag/new"), "{plan}");

    let json = folder.expect(1, &["plan", "--format", "json"]).json();
    let kinds: Vec<&Value> =
        json["failed"].as_array().unwrap().iter().map(|failed| &failed["kind"]).collect();
    assert_eq!(kinds, ["registry_schedule", "registry_connector"]);
    assert_eq!(json["summary"]["failed"], 2);

    let applied = folder.expect(1, &["--log-format", "json", "apply", "--yes"]);
    assert_eq!(simulator.object("tag", "new")["name"], "new");
    let events: Vec<Value> =
        applied.events().into_iter().filter(|event| event["event"] == "pull_failed").collect();
    let [event] = events.as_slice() else { panic!("{applied}") };
    assert_eq!((&event["kind"], &event["also"]), (&json!("registry_schedule"), &json!("registry_connector")));
    assert_eq!(event["error"], line.as_str());
}

#[test]
fn a_wrong_password_is_tried_once_at_each_server_and_every_kind_is_told_of_it() {
    let aside = Folder::with("");
    let simulator = Simulator::start(&aside, &[]);
    let sections = format!(
        "reconcile: {{pull: all}}\ntags: [{{name: kept}}]\nconnectors:\n  aws:\n    - {{name: one, arn: '{ARN}', \
         external_id: US1-1-1}}\n  gcp: []\ncontainer_security: {{registries: [{{id: {SHOP}, schedules: [{WEEKLY}]}}]}}\n"
    );
    let folder = Folder::remote(&simulator.url, &sections);
    folder.edit("platform: {", "platform: {username: {env: WHO}, password: {env: PASS}, ");
    let ended = |args: &[&str], password: &str| {
        let mut command = folder.command(args);
        command.env("WHO", "simulator").env("PASS", password);
        end(command)
    };
    let plan = ended(&["plan", "--format", "json"], "n0t-the-0ne");
    assert_eq!(plan.code, 1, "{plan}");
    let requests = simulator.take_requests();
    let mut asked: Vec<&str> = requests
        .iter()
        .map(|request| request["path"].as_str().unwrap().split("/search").next().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, ["/auth", "/qps/rest/3.0"], "{requests:#?}");
    let document = plan.document("trueup.plan/v1");
    let failed: Vec<(&str, &str)> = document["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failed| (failed["kind"].as_str().unwrap(), failed["error"].as_str().unwrap()))
        .collect();
    let of_basic = "INVALID_CREDENTIALS: Authentication failed";
    for (kind, operation, cause) in [
        ("tag", "could not search tag: ", of_basic),
        ("aws", "could not search awsassetdataconnector: ", of_basic),
        ("gcp", "could not search gcpassetdataconnector: ", of_basic),
        ("registry_schedule", "could not ", "no token from the gateway: UNAUTHORIZED"),
    ] {
        let (_, error) =
            failed.iter().find(|(of, _)| *of == kind).unwrap_or_else(|| panic!("{kind}: {failed:#?}"));
        assert!(error.starts_with(operation) && error.contains(cause), "{error}");
        assert!(error.contains("(hint: check platform.username and platform.password"), "{error}");
    }
    // People are told of it once.
    let told = ended(&["plan"], "n0t-the-0ne").stdout;
    assert_eq!(told.matches("could not ").count(), 1, "{told}");
    simulator.take_requests();
    let right = ended(&["plan"], "simulator");
    assert_eq!(right.code, 0, "{right}");
    assert!(simulator.take_requests().len() > 7);
}
