//! What a kind does on the platform, and the one table from kinds to who does it.

use std::future::Future;

use super::error::ApiError;
use super::transport::Transport;
use super::write::{Created, Write};
use crate::resource::aws::Aws;
use crate::resource::azure::Azure;
use crate::resource::azure_organization::AzureOrganization;
use crate::resource::gcp::Gcp;
use crate::resource::snapshot_scan::SnapshotScan;
use crate::resource::tag::Tag;
use crate::resource::{Kind, LiveObject, Resource, Spec};

/// The verbs of a kind. All kinds of the QPS family get them from [`super::qps`].
pub(super) trait Remote: Resource {
    fn list(transport: &Transport) -> impl Future<Output = Result<Vec<LiveObject>, ApiError>> + Send;

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
}

macro_rules! remotes {
    ($($kind:ident => $spec:ty;)+) => {
        pub(super) async fn list(transport: &Transport, kind: Kind) -> Result<Vec<LiveObject>, ApiError> {
            match kind { $(Kind::$kind => <$spec as Remote>::list(transport).await,)+ }
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
    };
}

remotes! {
    Tag => Tag;
    Aws => Aws;
    Azure => Azure;
    Gcp => Gcp;
    AzureOrganization => AzureOrganization;
    SnapshotScan => SnapshotScan;
}
