//! What the rest of the program sees: one type that reads, one that writes.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::connectors::members_of_all;
use super::endpoint::Endpoint;
use super::error::{ApiError, ConnectError};
use super::hosts::Spent;
use super::inventory;
use super::remote;
use super::template::{self, AwsTemplate};
use super::transport::{Requests, Transport};
use super::write::{Context, Created, Write};
use crate::resource::{ConnectorsApi, Filter, Kind, LiveObject, Membership, RunError, Scope, Spec};
use crate::secret::Secrets;
use crate::subscription::Subscription;

/// Reads from the platform; has no way to write. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub(super) transport: Arc<Transport>,
}

impl Reader {
    /// A client for the platform. No request is sent.
    pub fn connect(endpoint: Endpoint) -> Result<Reader, ConnectError> {
        Ok(Reader { transport: Arc::new(Transport::new(endpoint)?) })
    }

    /// How long the platform has asked to wait so far, for rate limits; all requests together.
    #[must_use]
    pub fn limited(&self) -> std::time::Duration {
        self.transport.limited()
    }

    /// Whether it speaks to just this endpoint, as this user: then it also knows the platform's limits.
    #[must_use]
    pub fn serves(&self, endpoint: &Endpoint) -> bool {
        self.transport.serves(endpoint)
    }

    /// Whether it is the same client, or a clone of it.
    #[must_use]
    pub fn is(&self, other: &Reader) -> bool {
        Arc::ptr_eq(&self.transport, &other.transport)
    }

    /// From now on, a request to stop cuts short the rests between attempts: a write that the platform keeps
    /// back is then given up, not made. What was sent is still waited for.
    pub fn heed(&self, stop: crate::stop::Stop) {
        self.transport.heed(stop);
    }

    /// From now on, takes these secrets out of whatever the platform says.
    pub fn guard(&self, secrets: &Secrets) {
        self.transport.guard(secrets.iter());
    }

    /// Every object of the kind, in the order of their ids. What cannot be read whole is an error.
    pub async fn list(&self, kind: Kind) -> Result<Vec<LiveObject>, ApiError> {
        self.list_within(kind, &Scope::Whole).await
    }

    /// As [`Reader::list`], within this scope: of some kinds nothing else is looked at.
    pub async fn list_within(&self, kind: Kind, scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        remote::list(&self.transport, kind, scope).await
    }

    /// Whether one server has the objects of both kinds.
    #[must_use]
    pub fn share_a_server(&self, one: Kind, other: Kind) -> bool {
        remote::host(&self.transport, one) == remote::host(&self.transport, other)
    }

    /// Which Azure connectors are members of an organization connector.
    pub async fn organization_members(&self) -> Result<Membership, ApiError> {
        members_of_all(&self.transport).await
    }

    /// The objects with these ids. Those that are gone, or outside the user's scope, are absent.
    pub async fn read(&self, kind: Kind, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        remote::read(&self.transport, kind, ids).await
    }

    /// The id of a connector in CloudView; `None` where the platform has not given it one. Those that are managed
    /// through CloudView have no other.
    #[must_use]
    pub fn cloudview_id(&self, live: &LiveObject) -> Option<String> {
        let own = match self.transport.endpoint().connectors_api {
            ConnectorsApi::V3 => None,
            ConnectorsApi::Cloudview => Some(&live.id),
        };
        live.cloudview_id.as_ref().or(own).cloned()
    }

    /// The errors of the last run of an object, the newest first; none for kinds that have no such list.
    pub async fn run_errors(&self, kind: Kind, id: &str) -> Result<Vec<RunError>, ApiError> {
        let mut errors = remote::run_errors(&self.transport, kind, id).await?;
        for error in &mut errors {
            error.message = self.redact(&error.message);
        }
        Ok(errors)
    }

    /// A text of the platform's, without the secrets that it may repeat.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.transport.secrets.redact(text)
    }

    /// The CloudFormation template of the role that an AWS connector assumes, as the platform gives it.
    pub async fn aws_template(&self, wanted: &AwsTemplate) -> Result<String, ApiError> {
        template::download(&self.transport, wanted).await
    }

    /// How many assets of the inventory match all filters, within the user's scope.
    pub async fn count_assets(&self, filters: &[Filter]) -> Result<u64, ApiError> {
        inventory::count(&self.transport, filters).await
    }

    /// How many requests were made so far, by this client and its clones and writers.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.transport.requests()
    }

    /// How many calls the platform allows still, as of the last answer that said so.
    #[must_use]
    pub fn quota_left(&self) -> Option<u64> {
        self.transport.quota_left()
    }

    /// What each of the platform's servers was sent so far, and what it allows; in an order that stays.
    #[must_use]
    pub fn spent(&self) -> Vec<Spent> {
        self.transport.spent()
    }

    /// The subscription that answers. Its id is known from the first answer on that tells it.
    #[must_use]
    pub fn subscription(&self) -> Subscription {
        let endpoint = self.transport.endpoint();
        let login = Sha256::digest(endpoint.username.expose());
        Subscription {
            id: self.transport.subscription(),
            host: endpoint.host(),
            login: login.iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")),
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Writes to the platform, one object a call.
#[derive(Clone)]
pub struct Writer {
    transport: Arc<Transport>,
}

impl Writer {
    /// A writer that shares the reader's connections, limits and counters.
    #[must_use]
    pub fn new(reader: &Reader) -> Writer {
        Writer { transport: Arc::clone(&reader.transport) }
    }

    /// From now on, so many changes are left to be made: waits for rate limits are told with it.
    pub fn note_changes_left(&self, left: usize) {
        self.transport.note_changes_left(left);
    }

    fn write<'a>(&self, changed: Option<&'a [&'a str]>, context: Context<'a>) -> Write<'a> {
        Write { changed, apart: &[], context, gcp_project_field: self.transport.endpoint().gcp_project_field }
    }

    /// Creates the object. Where the answer is lost, [`ApiError::outcome_unknown`] says so.
    pub async fn create(&self, spec: &Spec, context: Context<'_>) -> Result<Created, ApiError> {
        self.try_out(spec, context).await?;
        self.create_tried(spec, context).await
    }

    /// Finds out what can be known before a create: whether everything that it sends is at hand, and whether the platform
    /// would take it. No object changes.
    pub async fn try_out(&self, spec: &Spec, context: Context<'_>) -> Result<(), ApiError> {
        remote::try_out(&self.transport, spec, &self.write(None, context)).await
    }

    /// Creates the object, which was tried out.
    pub async fn create_tried(&self, spec: &Spec, context: Context<'_>) -> Result<Created, ApiError> {
        remote::create(&self.transport, spec, &self.write(None, context)).await
    }

    /// Sends the `changed` fields of the spec, and those that the platform wants beside them (a role's ARN
    /// stands in the capabilities too). The marker is put at the end of the description if that is sent.
    pub async fn update(
        &self,
        id: &str,
        spec: &Spec,
        changed: &[&str],
        context: Context<'_>,
    ) -> Result<(), ApiError> {
        let write = self.write(Some(changed), context);
        remote::try_out(&self.transport, spec, &write).await?;
        remote::update(&self.transport, id, spec, &write).await
    }

    /// Runs the object now. The answer says that it was told to, not how it went. Where the answer is lost,
    /// [`ApiError::outcome_unknown`] says so.
    pub async fn run(&self, kind: Kind, id: &str) -> Result<(), ApiError> {
        remote::run(&self.transport, kind, id).await
    }

    /// Deletes the object. One that is not found is the wanted end.
    pub async fn delete(&self, kind: Kind, id: &str) -> Result<(), ApiError> {
        remote::delete(&self.transport, kind, id).await
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
