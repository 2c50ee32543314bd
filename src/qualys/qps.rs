//! The QPS family (`/qps/rest/<version>/<verb>/am/<noun>`): the verbs by id, and listings page by page.
//!
//! Updates, deletes and runs without an id act on everything that matches. So the path of each is made from an
//! [`ObjectId`] alone, and no filter is ever sent with them.

use std::collections::{BTreeSet, HashSet};
use std::future::Future;
use std::marker::PhantomData;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Fault};
use super::call::{Call, Effect};
use super::envelope::{self, Envelope};
use super::error::{ApiError, ApiErrorKind};
use super::lenient::{self, Loose};
use super::remote::{Remote, does_not_run};
use super::run_errors;
use super::shapes::{Item, Items};
use super::transport::Transport;
use super::write::{Created, Write};
use crate::resource::{Address, Edit, LiveObject, Resource, Run, RunError, Scope, Sent};

/// The most that a page may hold (vendor's guide to truncation; the default is 100).
const PAGE: usize = 1000;
/// The page size where none is asked for. An answer with fewer rows was cut off by no documented limit.
const DEFAULT_PAGE: usize = 100;
/// How many ids one search names at most, so that its request stays small.
const IDS: usize = 500;
/// A million objects in pages of the default size: more is a fault.
const MOST_PAGES: usize = 10_000;

/// A kind of the QPS family: where it is, and its wire form.
pub(super) trait QpsObject: Resource + Sync {
    /// The object in paths: `awsassetdataconnector`.
    const NOUN: &'static str;
    /// The version in paths: `3.0`.
    const VERSION: &'static str;
    /// What to do where the platform does not know the object, for kinds of which more is known than for all.
    const IF_UNKNOWN: Option<&'static str> = None;

    /// The members of an answer that tell the identity, where the spec always has one.
    const IDENTITY: &'static [&'static str] = &[];

    /// What to do about a refusal in these words, where the kind knows the case.
    fn remedy(_said: &str) -> Option<&'static str> {
        None
    }
    /// The object as answers hold it. Its [`Item::NAME`] is the object's name in requests too.
    type Wire: Item + Default + Send + 'static;

    /// The object in normal form by its id, which is 0 where it has none; `None` for one that is deleted.
    fn decode(wire: Self::Wire) -> (u64, Option<LiveObject>);

    /// What a create or update sends; the error is one of a value that cannot be sent.
    fn encode(&self, write: &Write<'_>) -> Result<Map<String, Value>, String>;

    /// Completes what one object alone does not tell. `whole` is whether these are all that there are.
    fn settle(
        _transport: &Transport,
        _objects: &mut [LiveObject],
        _whole: bool,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }
}

/// The platform's id of an object: digits, and not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectId(u64);

impl ObjectId {
    pub(super) fn parse(text: &str) -> Result<ObjectId, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(id) if digits && id != 0 => Ok(ObjectId(id)),
            Ok(_) | Err(_) => Err(format!("`{text}` is no id of the platform")),
        }
    }

    pub(super) fn number(self) -> Value {
        self.0.into()
    }
}

impl<T: QpsObject> Remote for T {
    async fn list(transport: &Transport, _scope: &Scope<'_>) -> Result<Vec<LiveObject>, ApiError> {
        let mut objects = search::<T>(transport, None).await?;
        T::settle(transport, &mut objects, true).await?;
        Ok(objects)
    }

    async fn read(transport: &Transport, ids: &[String]) -> Result<Vec<LiveObject>, ApiError> {
        let mut objects = by_id::<T>(transport, ids).await?;
        T::settle(transport, &mut objects, false).await?;
        Ok(objects)
    }

    /// That everything is at hand that a create sends.
    async fn try_out(&self, _transport: &Transport, write: &Write<'_>) -> Result<(), ApiError> {
        if write.is_create() {
            let object = Address::new(T::KIND, self.address_name()).to_string();
            let call = Call { object: Some(object), ..call::<T>("create", None, Effect::Once) };
            self.encode(write).map_err(|message| refused(&call, message))?;
        }
        Ok(())
    }

    async fn create(&self, transport: &Transport, write: &Write<'_>) -> Result<Created, ApiError> {
        let object = Address::new(T::KIND, self.address_name()).to_string();
        let mut call = call::<T>("create", None, Effect::Once);
        call.object = Some(object);
        let apart = Edit::Create(self).apart();
        let fields = self.encode(&Write { apart: &apart, ..*write });
        let fields = fields.map_err(|message| refused(&call, message))?;
        let rest = encode_apart(self, &apart, write).map_err(|message| refused(&call, message))?;
        call.body = envelope::data(T::Wire::NAME, &fields);
        let id = send::<T, _>(transport, &call, |answer| {
            let envelope = envelope::open(answer)?;
            let ids = envelope.data.and_then(|data| lenient::read::<Items<IdOnly<T>>>(&data).ok());
            let id = ids.and_then(|Items(ids)| ids.first()?.id);
            id.ok_or_else(|| Fault::unreadable(answer, "success without the id of what was created"))
        });
        let id = id.await?.to_string();
        let incomplete = send_apart::<T>(transport, &id, rest).await.err();
        Ok(Created { incomplete, ..Created::new(id) })
    }

    async fn update(&self, transport: &Transport, id: &str, write: &Write<'_>) -> Result<(), ApiError> {
        let call = call_by_id::<T>("update", id, Effect::Settled)?;
        let changed = write.changed.unwrap_or_default();
        let apart = Edit::Update { before: None, after: self, fields: changed }.apart();
        let fields = self.encode(&Write { apart: &apart, ..*write });
        let fields = fields.map_err(|message| refused(&call, message))?;
        let rest = encode_apart(self, &apart, write).map_err(|message| refused(&call, message))?;
        if fields.is_empty() && rest.is_empty() {
            let changed = changed.join(", ");
            return Err(refused(&call, format!("none of these fields has a value to send: {changed}")));
        }
        if !fields.is_empty() {
            change::<T>(transport, id, &fields).await?;
        }
        send_apart::<T>(transport, id, rest).await
    }

    async fn delete(transport: &Transport, id: &str) -> Result<(), ApiError> {
        let call = call_by_id::<T>("delete", id, Effect::Settled)?;
        match send::<T, _>(transport, &call, |answer| envelope::open(answer).map(drop)).await {
            Err(error) if error.is_gone() => Ok(()),
            other => other,
        }
    }

    async fn run(transport: &Transport, id: &str) -> Result<(), ApiError> {
        if T::RUN == Run::Never {
            return Err(does_not_run(format!("run {}", T::KIND), id));
        }
        // Sent twice it would run twice.
        send::<T, _>(transport, &call_by_id::<T>("run", id, Effect::Once)?, met).await
    }

    async fn run_errors(transport: &Transport, id: &str) -> Result<Vec<RunError>, ApiError> {
        if T::RUN == Run::Never {
            return Ok(Vec::new());
        }
        run_errors::of_run(transport, id).await
    }
}

/// Success, and that there was something to do it to.
fn met(answer: &Answer) -> Result<(), Fault> {
    match envelope::open(answer)?.count {
        Some(0) => Err(Fault::no(ApiErrorKind::NotFound, answer.status, "no object has this id")),
        Some(_) | None => Ok(()),
    }
}

fn call<T: QpsObject>(verb: &str, id: Option<ObjectId>, effect: Effect) -> Call {
    let mut path = format!("/qps/rest/{}/{verb}/am/{}", T::VERSION, T::NOUN);
    if let Some(ObjectId(id)) = id {
        path = format!("{path}/{id}");
    }
    let mut call = Call::new(format!("{verb} {}", T::NOUN), Method::POST, path, effect);
    call.object = id.map(|ObjectId(id)| id.to_string());
    call
}

/// A call that changes, deletes or runs one object. There is none without an id.
fn call_by_id<T: QpsObject>(verb: &str, id: &str, effect: Effect) -> Result<Call, ApiError> {
    match ObjectId::parse(id) {
        Ok(id) => Ok(call::<T>(verb, Some(id), effect)),
        Err(message) => Err(ApiError::refused_here(format!("{verb} {}", T::NOUN), None, message)),
    }
}

async fn change<T: QpsObject>(
    transport: &Transport,
    id: &str,
    fields: &Map<String, Value>,
) -> Result<(), ApiError> {
    let mut call = call_by_id::<T>("update", id, Effect::Settled)?;
    call.body = envelope::data(T::Wire::NAME, fields);
    send::<T, _>(transport, &call, met).await
}

/// Fields that go by themselves, each with what is sent for it.
type Apart = Vec<(&'static str, Map<String, Value>)>;

/// What is sent for each of the fields that go by themselves.
fn encode_apart<T: QpsObject>(spec: &T, apart: &[&'static str], write: &Write<'_>) -> Result<Apart, String> {
    let of = |&field: &&'static str| Ok((field, spec.encode(&Write { changed: Some(&[field]), ..*write })?));
    apart.iter().map(of).collect()
}

/// Sends the fields that go by themselves. A refusal of one keeps none of the others back; the first is told, with the
/// names of all.
async fn send_apart<T: QpsObject>(transport: &Transport, id: &str, rest: Apart) -> Result<(), ApiError> {
    let (mut first, mut fields) = (None, Vec::new());
    for (name, field) in rest {
        match change::<T>(transport, id, &field).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind, ApiErrorKind::Refused(_)) => {
                fields.push(name);
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let Some(mut error) = first else { return Ok(()) };
    if let ApiErrorKind::Refused(refusal) = &mut error.kind {
        let is_tried =
            |name: &&str| T::KIND.field(name).is_some_and(|field| field.sent != Sent::BehindCreate);
        refusal.remedy = refusal.remedy.or(fields.iter().any(is_tried).then_some(TRIED));
        refusal.fields = fields;
    }
    Err(error)
}

/// What to do about a field that the vendor's guide does not have in such a request, and that is not taken.
const TRIED: &str = "the vendor's guide has no such request with this field, so it was only tried: leave it out of the \
                     entry, or put it into its `ignore`";

/// Makes the request, and says what is known of the kind where the platform does not know it.
async fn send<T: QpsObject, R>(
    transport: &Transport,
    call: &Call,
    read: impl Fn(&Answer) -> Result<R, Fault>,
) -> Result<R, ApiError> {
    transport.send(call, read).await.map_err(|mut error| {
        if let ApiErrorKind::UnknownObject { remedy } = &mut error.kind {
            *remedy = T::IF_UNKNOWN;
        }
        if let ApiErrorKind::Refused(refusal) = &mut error.kind {
            refusal.remedy = T::remedy(&error.said);
        }
        error
    })
}

fn refused(call: &Call, message: String) -> ApiError {
    ApiError::refused_here(call.operation.clone(), call.object.clone(), message)
}

/// An object of which the id alone matters.
#[derive(Deserialize)]
#[serde(bound = "")]
struct IdOnly<T> {
    #[serde(default, deserialize_with = "super::shapes::number")]
    id: Option<u64>,
    #[serde(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T: QpsObject> Item for IdOnly<T> {
    const NAME: &'static str = T::Wire::NAME;
}

/// The objects with these ids, not settled yet.
pub(super) async fn by_id<T: QpsObject>(
    transport: &Transport,
    ids: &[String],
) -> Result<Vec<LiveObject>, ApiError> {
    let ids: Result<BTreeSet<ObjectId>, String> = ids.iter().map(|id| ObjectId::parse(id)).collect();
    let ids = ids.map_err(|message| refused(&call::<T>("search", None, Effect::Read), message))?;
    let ids: Vec<String> = ids.into_iter().map(|ObjectId(id)| id.to_string()).collect();
    let mut objects = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(IDS) {
        let found = search::<T>(transport, Some(&chunk.join(","))).await?;
        // A platform that ignored the filter would show everything.
        objects.extend(found.into_iter().filter(|object| chunk.contains(&object.id)));
    }
    Ok(objects)
}

/// One page, decoded.
struct Page {
    rows: usize,
    last: Option<u64>,
    objects: Vec<(u64, LiveObject)>,
}

/// All objects, or those with the given ids, in the order of their ids.
///
/// Pages follow each other by id: offsets would skip objects when others are deleted meanwhile. The guide calls
/// `startFromId` "the first item to return", but a client of the vendor uses it as if it were the last one seen;
/// so the strict criterion `id GREATER` goes with it, which is right with either reading and costs no row that
/// comes twice. The next page is asked for as soon as its cursor is known, while this one is still decoded.
pub(super) async fn search<T: QpsObject>(
    transport: &Transport,
    ids: Option<&str>,
) -> Result<Vec<LiveObject>, ApiError> {
    let mut call = call::<T>("search", None, Effect::Read);
    let mut all = Rows::default();
    let mut cursor: Option<u64> = None;
    let mut decoding = None;
    for _ in 0..MOST_PAGES {
        let after = cursor.map(|id| id.to_string());
        let mut criteria: Vec<_> = ids.map(|ids| ("id", "IN", ids)).into_iter().collect();
        criteria.extend(after.as_deref().map(|id| ("id", "GREATER", id)));
        let mut preferences = json!({"limitResults": PAGE});
        if let Some(id) = cursor {
            preferences["startFromId"] = id.into();
        }
        call.body = envelope::search(&criteria, &preferences);
        let envelope = send::<T, _>(transport, &call, open_listing).await?;
        if let Some(earlier) = decoding.take() {
            absorb(transport, &call, &mut all, earlier).await?;
        }
        let Envelope { count, has_more, last_id, data } = envelope;
        let page = tokio::task::spawn_blocking(move || decode::<T>(count, data.as_ref()));
        if has_more == Some(true) && last_id.is_some() && last_id > cursor {
            decoding = Some(page);
            cursor = last_id;
            continue;
        }
        let before = all.seen.len();
        let (rows, last) = absorb(transport, &call, &mut all, page).await?;
        let brought_nothing = all.seen.len() == before;
        let next = match has_more {
            Some(false) if count.is_some_and(|count| count > rows as u64) => {
                let said = format!("a count of {} and {rows} objects", count.unwrap_or_default());
                return Err(transport.unreadable(&call, said, false));
            }
            Some(false) => return Ok(all.in_order()),
            Some(true) => last,
            // Not said: a `lastId` says that there is more, and so may a page that could have been cut off.
            None => last_id.or(last.filter(|_| rows >= DEFAULT_PAGE)),
        };
        if next > cursor {
            cursor = next;
        } else if rows > 1 && next.is_some() && brought_nothing {
            // The same rows again, and the platform says there are more: what it holds back is unknown.
            let after = cursor.map_or("its first page".to_owned(), |id| format!("id {id}"));
            return Err(transport.unreadable(
                &call,
                format!("the listing does not go on after {after}"),
                false,
            ));
        } else {
            // Nothing new, and the cursor does not move: this is how a listing ends that calls itself unfinished.
            return Ok(all.in_order());
        }
    }
    Err(transport.unreadable(&call, format!("the listing does not end after {MOST_PAGES} pages"), false))
}

/// A listing without a count and without data tells nothing, least of all that there is nothing.
pub(super) fn open_listing(answer: &Answer) -> Result<Envelope, Fault> {
    let envelope = envelope::open(answer)?;
    match (&envelope.data, envelope.count) {
        (None, None) => Err(Fault::unreadable(answer, "success without count and data")),
        (None, Some(1..)) => Err(Fault::unreadable(answer, "a count without the data that it counts")),
        (None, Some(0)) | (Some(_), _) => Ok(envelope),
    }
}

/// The objects of the pages so far. What comes twice counts once, as it came last.
#[derive(Debug, Default)]
struct Rows {
    objects: Vec<(u64, LiveObject)>,
    seen: HashSet<u64>,
}

impl Rows {
    fn put(&mut self, id: u64, object: LiveObject) {
        if id == 0 || self.seen.insert(id) {
            self.objects.push((id, object));
        } else if let Some(earlier) = self.objects.iter_mut().rfind(|(known, _)| *known == id) {
            earlier.1 = object;
        }
    }

    fn in_order(mut self) -> Vec<LiveObject> {
        self.objects.sort_by_key(|(id, _)| *id);
        self.objects.into_iter().map(|(_, object)| object).collect()
    }
}

async fn absorb(
    transport: &Transport,
    call: &Call,
    all: &mut Rows,
    page: tokio::task::JoinHandle<Result<Page, String>>,
) -> Result<(usize, Option<u64>), ApiError> {
    let page = match page.await {
        Ok(page) => page.map_err(|said| transport.unreadable(call, said, false))?,
        // The decoder was stopped with the runtime, or it panicked: either way this page is not known.
        Err(_) => return Err(transport.unreadable(call, "the page could not be decoded".to_owned(), false)),
    };
    page.objects.into_iter().for_each(|(id, object)| all.put(id, object));
    Ok((page.rows, page.last))
}

fn decode<T: QpsObject>(count: Option<u64>, data: Option<&Bytes>) -> Result<Page, String> {
    let Some(data) = data else { return Ok(Page { rows: 0, last: None, objects: Vec::new() }) };
    let objects = match serde_json::from_slice::<Items<T::Wire>>(data) {
        Ok(Items(wires)) => Some(wires.into_iter().map(T::decode).collect::<Vec<_>>()),
        Err(_) => None,
    };
    let objects = match objects.filter(|objects| objects.iter().all(|(id, _)| *id != 0)) {
        Some(objects) => objects,
        // Something of one object cannot be read: each by itself then, as far as it goes.
        None => match serde_json::from_slice::<Items<Loose<T::Wire>>>(data) {
            Ok(Items(found)) => found.into_iter().map(decode_loose::<T>).collect(),
            Err(_) => return Err(format!("data that do not hold {} objects", T::Wire::NAME)),
        },
    };
    if objects.is_empty() && count.is_some_and(|count| count > 0) {
        return Err("a count without the data that it counts".to_owned());
    }
    let last = objects.iter().map(|(id, _)| *id).filter(|id| *id != 0).max();
    let rows = objects.len();
    let objects = objects.into_iter().filter_map(|(id, object)| Some((id, object?))).collect();
    Ok(Page { rows, last, objects })
}

/// The object as far as it can be read, with the places that cannot.
fn decode_loose<T: QpsObject>(loose: Loose<T::Wire>) -> (u64, Option<LiveObject>) {
    let Loose { object, id, mut unread } = loose;
    let (number, live) = T::decode(object);
    if number == 0 && !unread.iter().any(|place| place == "id") {
        unread.push("id".to_owned());
    }
    let live = live.map(|live| {
        let live = Loose { object: live, id: None, unread }.decode(T::IDENTITY, |live| live);
        if number == 0 { LiveObject { id: id.unwrap_or_else(|| "?".to_owned()), ..live } } else { live }
    });
    (number, live)
}
