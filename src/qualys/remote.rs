//! What a kind does on the platform, and the one table from kinds to who does it.

use std::future::Future;

use super::call::Host;
use super::cloudview::Cloudview;
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
use crate::resource::{ConnectorsApi, Kind, LiveObject, RunError, Scope, Spec};

/// The verbs of a kind. All kinds of the QPS family get them from [`super::qps`], the connectors that CloudView v1 has
/// also from [`super::cloudview`].
pub(super) trait Remote {
    /// All that there is; of kinds that are listed by what they stand in, all that there is within the scope.
    fn list(
        transport: &Transport,
        scope: &Scope<'_>,
    ) -> impl Future<Output = Result<Vec<LiveObject>, ApiError>> + Send;

    fn read(
        transport: &Transport,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<LiveObject>, ApiError>> + Send;

    /// Finds out before a create or an update whether it would be taken, as far as that can be known. Changes no object.
    fn try_out(
        &self,
        _transport: &Transport,
        _write: &Write<'_>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Creates it. It was tried out.
    fn create(
        &self,
        transport: &Transport,
        write: &Write<'_>,
    ) -> impl Future<Output = Result<Created, ApiError>> + Send;

    /// Sends the fields that are to be written. They were tried out.
    fn update(
        &self,
        transport: &Transport,
        id: &str,
        write: &Write<'_>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;

    fn delete(transport: &Transport, id: &str) -> impl Future<Output = Result<(), ApiError>> + Send;

    /// Runs it now. Kinds whose [`Resource::RUN`] is not `Never` say how.
    fn run(_transport: &Transport, id: &str) -> impl Future<Output = Result<(), ApiError>> + Send {
        let refused = does_not_run("run", id);
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
pub(super) fn does_not_run(operation: impl Into<String>, id: &str) -> ApiError {
    let message = "nothing of that kind can be run".to_owned();
    ApiError::refused_here(operation.into(), Some(id.to_owned()), message)
}

/// Whether connectors are managed through CloudView v1.
fn through_cloudview(transport: &Transport) -> bool {
    transport.endpoint().connectors_api == ConnectorsApi::Cloudview
}

/// The server that has the objects of a kind.
pub(super) fn host(transport: &Transport, kind: Kind) -> Host {
    match kind {
        Kind::Aws | Kind::Azure | Kind::Gcp if through_cloudview(transport) => Host::Portal,
        Kind::Tag | Kind::Aws | Kind::Azure | Kind::Gcp | Kind::Oci | Kind::GlobalScan => Host::Api,
        Kind::AzureOrganization | Kind::SnapshotScan | Kind::RegistrySchedule | Kind::RegistryConnector => {
            Host::Gateway
        }
    }
}

/// Each kind with who does it, and with who does it through CloudView v1 where that has the kind.
macro_rules! remotes {
    ($($kind:ident => $remote:ty $(, or $cloudview:ty)?;)+) => {
        pub(super) async fn list(
            transport: &Transport,
            kind: Kind,
            scope: &Scope<'_>,
        ) -> Result<Vec<LiveObject>, ApiError> {
            match kind {
                $($(Kind::$kind if through_cloudview(transport) => {
                    <$cloudview as Remote>::list(transport, scope).await
                })?)+
                $(Kind::$kind => <$remote as Remote>::list(transport, scope).await,)+
            }
        }

        pub(super) async fn read(
            transport: &Transport,
            kind: Kind,
            ids: &[String],
        ) -> Result<Vec<LiveObject>, ApiError> {
            match kind {
                $($(Kind::$kind if through_cloudview(transport) => {
                    <$cloudview as Remote>::read(transport, ids).await
                })?)+
                $(Kind::$kind => <$remote as Remote>::read(transport, ids).await,)+
            }
        }

        pub(super) async fn try_out(
            transport: &Transport,
            spec: &Spec,
            write: &Write<'_>,
        ) -> Result<(), ApiError> {
            match spec {
                $($(Spec::$kind(spec) if through_cloudview(transport) => {
                    <$cloudview>::new(spec).try_out(transport, write).await
                })?)+
                $(Spec::$kind(spec) => spec.try_out(transport, write).await,)+
            }
        }

        pub(super) async fn create(
            transport: &Transport,
            spec: &Spec,
            write: &Write<'_>,
        ) -> Result<Created, ApiError> {
            match spec {
                $($(Spec::$kind(spec) if through_cloudview(transport) => {
                    <$cloudview>::new(spec).create(transport, write).await
                })?)+
                $(Spec::$kind(spec) => spec.create(transport, write).await,)+
            }
        }

        pub(super) async fn update(
            transport: &Transport,
            id: &str,
            spec: &Spec,
            write: &Write<'_>,
        ) -> Result<(), ApiError> {
            match spec {
                $($(Spec::$kind(spec) if through_cloudview(transport) => {
                    <$cloudview>::new(spec).update(transport, id, write).await
                })?)+
                $(Spec::$kind(spec) => spec.update(transport, id, write).await,)+
            }
        }

        pub(super) async fn delete(transport: &Transport, kind: Kind, id: &str) -> Result<(), ApiError> {
            match kind {
                $($(Kind::$kind if through_cloudview(transport) => {
                    <$cloudview as Remote>::delete(transport, id).await
                })?)+
                $(Kind::$kind => <$remote as Remote>::delete(transport, id).await,)+
            }
        }

        pub(super) async fn run(transport: &Transport, kind: Kind, id: &str) -> Result<(), ApiError> {
            match kind {
                $($(Kind::$kind if through_cloudview(transport) => {
                    <$cloudview as Remote>::run(transport, id).await
                })?)+
                $(Kind::$kind => <$remote as Remote>::run(transport, id).await,)+
            }
        }

        pub(super) async fn run_errors(
            transport: &Transport,
            kind: Kind,
            id: &str,
        ) -> Result<Vec<RunError>, ApiError> {
            match kind {
                $($(Kind::$kind if through_cloudview(transport) => {
                    <$cloudview as Remote>::run_errors(transport, id).await
                })?)+
                $(Kind::$kind => <$remote as Remote>::run_errors(transport, id).await,)+
            }
        }
    };
}

remotes! {
    Tag => Tag;
    Aws => Aws, or Cloudview<'_, Aws>;
    Azure => Azure, or Cloudview<'_, Azure>;
    Gcp => Gcp, or Cloudview<'_, Gcp>;
    Oci => Oci;
    AzureOrganization => AzureOrganization;
    GlobalScan => GlobalScan;
    SnapshotScan => SnapshotScan;
    RegistrySchedule => RegistrySchedule;
    RegistryConnector => RegistryConnector;
}
