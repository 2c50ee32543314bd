//! A simulator, a file and the passes between them, as `trueup` itself puts them together.

#![allow(dead_code, unreachable_pub, reason = "shared by test programs that each use a part of it")]

#[path = "../simulator/client.rs"]
mod client;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use client::Remote;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use trueup::desired::{self, Desired};
use trueup::journal::Journal;
use trueup::plan::{Plan, Policy};
use trueup::qualys::{Endpoint, Reader, RetryPolicy, Writer};
use trueup::reconcile::{Ailments, Pass, Report, reconcile};
use trueup::resource::Kind;
use trueup::resource::gcp::ProjectField;
use trueup::resource::{CloudviewAuth, ConnectorsApi};
use trueup::secret::Secret;
use trueup::simulator::{Seed, Settings};
use trueup::stop::Stop;

pub const USER: &str = "acme_ab1";
pub const PASSWORD: &str = "pa55-w0rd+Zx";

/// A subscription of its own.
pub struct Scene {
    remote: Remote,
    folder: TempDir,
    /// How patient its clients are.
    pub patience: RetryPolicy,
    /// What its clients manage connectors through.
    pub connectors_api: ConnectorsApi,
}

/// What a pass may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// It has no writer, as under `plan` and `dry-run`.
    Look,
    /// It has a writer, and its question is answered no.
    Ask,
    /// It has a writer and consent.
    Write,
}

impl Scene {
    /// An empty subscription, but for the platform's own tags.
    pub async fn new(options: &[(&str, &str)]) -> Scene {
        Scene::of(Seed::Empty, options).await
    }

    /// The subscription that the simulator starts from when nothing else is said.
    pub async fn example(options: &[(&str, &str)]) -> Scene {
        Scene::of(Seed::Example, options).await
    }

    async fn of(seed: Seed, options: &[(&str, &str)]) -> Scene {
        let mut settings = Settings {
            seed,
            username: USER.to_owned(),
            password: PASSWORD.to_owned(),
            ..Settings::default()
        };
        for (name, value) in options {
            settings.options.set(name, value).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        Scene {
            remote: Remote::on(settings).await,
            folder,
            patience: patience(),
            connectors_api: ConnectorsApi::V3,
        }
    }

    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        self.remote.control(method, path, body).await
    }

    /// Somebody makes these objects, each in the simulator's plain form.
    pub async fn make(&self, kind: &str, objects: impl IntoIterator<Item = Value>) {
        let made: Vec<Value> =
            objects.into_iter().map(|object| json!({"kind": kind, "create": object})).collect();
        self.control("POST", "/_sim/objects", made.into()).await;
    }

    /// Somebody deletes a connector through the API, which leaves a tombstone.
    pub async fn delete_connector(&self, id: u64) {
        let reader = Reader::connect(self.endpoint()).unwrap();
        Writer::new(&reader).delete(Kind::Aws, &id.to_string()).await.unwrap();
    }

    /// What somebody is going to do to the objects, once it is waited for.
    pub fn later(&self, change: Value) -> BoxFuture<'static, ()> {
        let url = self.remote.simulator.url().to_owned();
        Box::pin(async move {
            let answer =
                client::ask(&url, "POST", "/_sim/objects").json().body(&change.to_string()).send().await;
            assert_eq!(answer.status, 200, "{change}: {answer:?}");
        })
    }

    pub async fn faults(&self, faults: Value) {
        self.control("POST", "/_sim/faults", faults).await;
    }

    /// Takes all faults away, and says how many requests met one.
    pub async fn heal(&self) -> u64 {
        let faults = self.control("GET", "/_sim/faults", Value::Null).await;
        self.control("DELETE", "/_sim/faults", Value::Null).await;
        faults["faults"].as_array().unwrap().iter().map(|fault| fault["fired"].as_u64().unwrap()).sum()
    }

    pub async fn forget_requests(&self) {
        self.control("DELETE", "/_sim/requests", Value::Null).await;
    }

    pub async fn requests(&self) -> Vec<Value> {
        self.control("GET", "/_sim/requests", Value::Null).await["requests"].as_array().unwrap().clone()
    }

    /// The paths of the writing requests.
    pub async fn writes(&self) -> Vec<String> {
        let requests = self.requests().await;
        let writes = requests.iter().filter(|request| request["write"] == true);
        writes.map(|request| request["path"].as_str().unwrap().to_owned()).collect()
    }

    /// The objects by kind and id, without what changes by being looked at.
    pub async fn objects(&self) -> Objects {
        const PASSING: [&str; 9] = [
            "connectorState",
            "lastSync",
            "nextSync",
            "modified",
            "awsAccountId",
            "reEvalStatus",
            "status",
            "jobStartDate",
            "jobCompletionDate",
        ];
        let objects = self.control("GET", "/_sim/objects", Value::Null).await;
        let objects = objects["objects"].as_array().unwrap().iter().map(|record| {
            let mut object = record["object"].as_object().unwrap().clone();
            object.retain(|field, _| !PASSING.contains(&field.as_str()));
            ((record["kind"].as_str().unwrap().to_owned(), record["id"].as_u64().unwrap()), object)
        });
        Objects(objects.collect())
    }

    /// The file, read as the program reads it.
    #[track_caller]
    pub fn file(&self, yaml: &str) -> Desired {
        let path = self.path("config.yaml");
        std::fs::write(&path, yaml).unwrap();
        match desired::load(&path) {
            Ok(desired) => desired,
            Err(rejected) => panic!("{rejected}: {:#?}\n{yaml}", rejected.problems),
        }
    }

    /// A place beside the file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn endpoint(&self) -> Endpoint {
        let url: url::Url = self.remote.simulator.url().parse().unwrap();
        Endpoint {
            api: url.clone(),
            portal: url.clone(),
            gateway: url,
            name: "simulator".to_owned(),
            built_in: false,
            username: Secret::new(USER),
            password: Secret::new(PASSWORD),
            ca_bundle: None,
            proxy: None,
            timeout: Duration::from_secs(20),
            concurrency: 4,
            subscription: None,
            connectors_api: self.connectors_api,
            cloudview_auth: CloudviewAuth::default(),
            gcp_project_field: ProjectField::default(),
            retry: self.patience,
        }
    }

    pub async fn pass(&self, desired: &Desired, journal: &mut Journal, may: May) -> Report {
        pass(self.endpoint(), desired, journal, may).await
    }

    /// A pass that remembers nothing.
    pub async fn look(&self, desired: &Desired) -> Plan {
        self.pass(desired, &mut Journal::in_memory().unwrap(), May::Look).await.plan
    }
}

/// Three attempts, a hundredth of a second apart at most; limits are waited out for a second.
pub fn patience() -> RetryPolicy {
    RetryPolicy {
        attempts: 3,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(10),
        max_wait: Duration::from_secs(1),
    }
}

/// One pass by a client of its own.
pub async fn pass(endpoint: Endpoint, desired: &Desired, journal: &mut Journal, may: May) -> Report {
    let policy = Policy::from_settings(&desired.settings.reconcile);
    pass_under(&policy, endpoint, desired, journal, may, Box::pin(async {})).await
}

/// One pass under this policy; `meanwhile` comes between the plan and its apply.
pub async fn pass_under(
    policy: &Policy,
    endpoint: Endpoint,
    desired: &Desired,
    journal: &mut Journal,
    may: May,
    meanwhile: BoxFuture<'static, ()>,
) -> Report {
    let mut meanwhile = Some(meanwhile);
    let reader = Reader::connect(endpoint).unwrap();
    let writer = Writer::new(&reader);
    reconcile(Pass {
        run_id: "test",
        trigger: "test",
        desired,
        reader: &reader,
        writer: (may != May::Look).then_some(&writer),
        journal,
        ailments: &mut Ailments::default(),
        deletes: None,
        policy,
        stop: &Stop::new(),
        tell: &mut |_, _| {},
        consent: &mut |_| {
            let meanwhile = meanwhile.take();
            Box::pin(async move {
                if let Some(meanwhile) = meanwhile {
                    meanwhile.await;
                }
                may == May::Write
            })
        },
        each: &|_| {},
    })
    .await
}

/// Everything that a report says of what went wrong.
pub fn complaints(report: &Report) -> Vec<String> {
    let plans = std::iter::once(&report.plan).chain(&report.after);
    let failed = plans.flat_map(|plan| &plan.failed).map(|failed| match &failed.address {
        Some(address) => format!("{address}: {}", failed.error),
        None => format!("{}: {}", failed.kind, failed.error),
    });
    let outcomes = report.applied.iter().filter_map(|applied| {
        use trueup::apply::Outcome;
        let address = &applied.change.address;
        match &applied.outcome {
            Outcome::Applied { .. } => None,
            Outcome::Failed { error, judged: _, made: _ } => Some(format!("{address} failed: {error}")),
            Outcome::Unknown { error } => Some(format!("{address} unknown: {error}")),
            Outcome::Skipped { because } => Some(format!("{address} skipped: {because}")),
        }
    });
    let not_taken = report.not_converged.iter().map(|not_converged| {
        let field = &not_converged.field;
        format!("{} not converged: {}", not_converged.address, field.path)
    });
    failed.chain(outcomes).chain(not_taken).collect()
}

/// Objects as the simulator keeps them.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects(pub BTreeMap<(String, u64), Map<String, Value>>);

impl Objects {
    pub fn of(&self, kind: &str) -> impl Iterator<Item = (u64, &Map<String, Value>)> {
        let of_kind = move |(key, _): &(&(String, u64), _)| key.0 == kind;
        self.0.iter().filter(of_kind).map(|(key, object)| (key.1, object))
    }

    /// The path of each tag by its id.
    pub fn paths(&self) -> BTreeMap<u64, String> {
        let tags: BTreeMap<u64, &Map<String, Value>> = self.of("tag").collect();
        let path = |id: u64| {
            let mut names = Vec::new();
            let mut next = Some(id);
            while let Some(tag) = next.and_then(|id| tags.get(&id)) {
                names.push(tag["name"].as_str().unwrap());
                next = tag.get("parentTagId").and_then(Value::as_u64);
            }
            names.reverse();
            names.join("/")
        };
        tags.keys().map(|id| (*id, path(*id))).collect()
    }

    /// Whether no tag's path and no connector's role is there twice.
    #[track_caller]
    pub fn assert_no_doubles(&self) {
        let arns = self.of("aws").map(|(_, object)| object["arn"].to_string());
        let mut seen = std::collections::BTreeSet::new();
        for identity in self.paths().into_values().chain(arns) {
            assert!(seen.insert(identity.clone()), "{identity} is there twice: {self:#?}");
        }
    }
}
