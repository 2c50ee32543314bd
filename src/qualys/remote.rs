//! What a kind does on the platform, and the one table from kinds to who does it.

use std::future::Future;

use super::error::ApiError;
use super::transport::Transport;
use super::write::{Created, Write};
use crate::resource::aws::Aws;
use crate::resource::azure::Azure;
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::gcp::Gcp;
use crate::resource::global_scan::GlobalScan;
use crate::resource::oci::Oci;
use crate::resource::registry_connector::RegistryConnector;
use crate::resource::registry_schedule::RegistrySchedule;
use crate::resource::snapshot_scan::SnapshotScan;
use crate::resource::tag::Tag;
use crate::resource::{Kind, LiveObject, Resource, RunError, Scope, Spec};

/// The verbs of a kind. All kinds of the QPS family get them from [`super::qps`].
pub(super) trait Remote: Resource {
    /// All that there is; of kinds whose listing is of what the file declares alone, all that there is of that.
    fn list(
        transport: &Transport,
        scope: &Scope<'_>,
    ) -> impl Future<Output = Result<Vec<LiveObject>, ApiError>> + Send;

    fn read(
        transport: &Transport,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<LiveObject>, ApiError>> + Send;

    fn create(
        &self,
        transport: &Transport,
        write: &Write<'_>,
    ) -> impl Future<Output = Result<Created, ApiError>> + Send;

    fn update(
        &self,
        transport: &Transport,
        id: &str,
        write: &Write<'_>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;

    fn delete(transport: &Transport, id: &str) -> impl Future<Output = Result<(), ApiError>> + Send;

    /// Runs it now. Kinds whose [`Resource::RUN`] is not `Never` say how.
    fn run(_transport: &Transport, id: &str) -> impl Future<Output = Result<(), ApiError>> + Send {
        let refused = does_not_run(Self::KIND, id);
        async { Err(refused) }
    }

    /// The errors of its last run, the newest first.
    fn run_errors(
        _transport: &Transport,
        _id: &str,
    ) -> impl Future<Output = Result<Vec<RunError>, ApiError>> + Send {
        async { Ok(Vec::new()) }
    }
}

/// Refuses to run what cannot be run.
pub(super) fn does_not_run(kind: Kind, id: &str) -> ApiError {
    let message = "nothing of that kind can be run".to_owned();
    ApiError::refused_here(format!("run {kind}"), Some(id.to_owned()), message)
}

macro_rules! remotes {
    ($($kind:ident => $spec:ty;)+) => {
        pub(super) async fn list(
            transport: &Transport,
            kind: Kind,
            scope: &Scope<'_>,
        ) -> Result<Vec<LiveObject>, ApiError> {
            match kind { $(Kind::$kind => <$spec as Remote>::list(transport, scope).await,)+ }
        }

        pub(super) async fn read(
            transport: &Transport,
            kind: Kind,
            ids: &[String],
        ) -> Result<Vec<LiveObject>, ApiError> {
            match kind { $(Kind::$kind => <$spec as Remote>::read(transport, ids).await,)+ }
        }

        pub(super) async fn create(
            transport: &Transport,
            spec: &Spec,
            write: &Write<'_>,
        ) -> Result<Created, ApiError> {
            match spec { $(Spec::$kind(spec) => spec.create(transport, write).await,)+ }
        }

        pub(super) async fn update(
            transport: &Transport,
            id: &str,
            spec: &Spec,
            write: &Write<'_>,
        ) -> Result<(), ApiError> {
            match spec { $(Spec::$kind(spec) => spec.update(transport, id, write).await,)+ }
        }

        pub(super) async fn delete(transport: &Transport, kind: Kind, id: &str) -> Result<(), ApiError> {
            match kind { $(Kind::$kind => <$spec as Remote>::delete(transport, id).await,)+ }
        }

        pub(super) async fn run(transport: &Transport, kind: Kind, id: &str) -> Result<(), ApiError> {
            match kind { $(Kind::$kind => <$spec as Remote>::run(transport, id).await,)+ }
        }

        pub(super) async fn run_errors(
            transport: &Transport,
            kind: Kind,
            id: &str,
        ) -> Result<Vec<RunError>, ApiError> {
            match kind { $(Kind::$kind => <$spec as Remote>::run_errors(transport, id).await,)+ }
        }
    };
}

remotes! {
    Tag => Tag;
    Aws => Aws;
    Azure => Azure;
    Gcp => Gcp;
    Oci => Oci;
    AzureOrganization => AzureOrganization;
    GlobalScan => GlobalScan;
    SnapshotScan => SnapshotScan;
    RegistrySchedule => RegistrySchedule;
    RegistryConnector => RegistryConnector;
}
