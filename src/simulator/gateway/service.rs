//! A service: the table of its calls, and how one of them is answered.

use serde_json::json;

use super::auth;
use super::refusal::Refusal;
use crate::simulator::answer::{Answer, Request};
use crate::simulator::http::Shared;
use crate::simulator::world::World;

/// One service of the gateway.
pub(crate) struct Service {
    /// What its paths begin with.
    pub(crate) prefix: &'static str,
    /// The first one that fits is taken.
    pub(crate) routes: &'static [Route],
    /// Whether the subscription has it.
    pub(crate) enabled: fn(&World) -> bool,
    /// How it says no.
    pub(crate) refuse: fn(&Refusal) -> Answer,
}

/// One call.
pub(crate) struct Route {
    method: &'static str,
    /// Below the prefix; `*` stands for what names an object.
    path: &'static str,
    write: bool,
    /// The parameter that says which objects a write is for; without it the write is for all.
    names: Option<&'static str>,
    carry_out: fn(&mut Call<'_>) -> Outcome,
}

/// What a call does, as the request log tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) write: bool,
    pub(crate) without_id: bool,
}

/// The answer to a call.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// A call that is being carried out.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) request: &'a Request,
    pub(crate) world: &'a mut World,
    /// What the path has in the places of the stars.
    pub(crate) named: Vec<&'a str>,
}

impl Route {
    /// A call that changes nothing.
    pub(crate) const fn read(
        method: &'static str,
        path: &'static str,
        carry_out: fn(&mut Call<'_>) -> Outcome,
    ) -> Self {
        Self { method, path, write: false, names: None, carry_out }
    }

    /// A call that changes something, or starts something.
    pub(crate) const fn write(
        method: &'static str,
        path: &'static str,
        carry_out: fn(&mut Call<'_>) -> Outcome,
    ) -> Self {
        Self { method, path, write: true, names: None, carry_out }
    }

    /// A write for the objects that a parameter names, or for all.
    pub(crate) const fn write_to(
        method: &'static str,
        path: &'static str,
        names: &'static str,
        carry_out: fn(&mut Call<'_>) -> Outcome,
    ) -> Self {
        Self { method, path, write: true, names: Some(names), carry_out }
    }

    fn fits<'a>(&self, rest: &'a str) -> Option<Vec<&'a str>> {
        let (mut parts, mut named) = (rest.split('/'), Vec::new());
        for expected in self.path.split('/') {
            match parts.next()? {
                "" if expected == "*" => return None,
                part if expected == "*" => named.push(part),
                part if part != expected => return None,
                _ => {}
            }
        }
        parts.next().is_none().then_some(named)
    }
}

impl Service {
    /// What follows the prefix, without slashes at its ends: the documents write the same path with and without one.
    pub(crate) fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_matches('/'))
    }

    pub(crate) fn effect(&self, request: &Request) -> Effect {
        let fitting = self.fitting(request);
        match fitting.into_iter().find(|(route, _)| route.method == request.method) {
            Some((route, _)) => {
                let nameless =
                    route.names.is_some_and(|name| request.parameter(name).is_none_or(|ids| ids.is_empty()));
                Effect { write: route.write, without_id: route.write && nameless }
            }
            None => Effect { write: !matches!(request.method.as_str(), "GET" | "HEAD"), without_id: false },
        }
    }

    pub(crate) fn answer(&self, shared: &Shared, request: &Request) -> Answer {
        self.carry_out(shared, request).unwrap_or_else(|refusal| (self.refuse)(&refusal))
    }

    fn carry_out(&self, shared: &Shared, request: &Request) -> Outcome {
        auth::check(&shared.world().gateway.tokens, request)?;
        self.carry_out_unchecked(shared, request)
    }

    /// The call, whoever makes it.
    pub(crate) fn carry_out_unchecked(&self, shared: &Shared, request: &Request) -> Outcome {
        let mut world = shared.world();
        let fitting = self.fitting(request);
        if fitting.is_empty() || !(self.enabled)(&world) {
            return Err(Refusal::not_found(format!("There is no {}.", request.path)));
        }
        let allowed: Vec<_> = fitting.iter().map(|(route, _)| route.method).collect();
        let Some((route, named)) = fitting.into_iter().find(|(route, _)| route.method == request.method)
        else {
            let refusal = Refusal::new(405, format!("{} is not taken here.", request.method));
            return Ok((self.refuse)(&refusal).with_header("allow", allowed.join(", ")));
        };
        let answer = (route.carry_out)(&mut Call { shared, request, world: &mut world, named })?;
        match world.commit() {
            Ok(()) => Ok(answer),
            Err(error) => Err(Refusal::new(500, format!("The state file cannot be written: {error}"))),
        }
    }

    fn fitting<'a>(&self, request: &'a Request) -> Vec<(&Route, Vec<&'a str>)> {
        let Some(rest) = self.rest(&request.path) else { return Vec::new() };
        let fits = |route| Some((route, Route::fits(route, rest)?));
        let mut fitting: Vec<_> = self.routes.iter().filter_map(fits).collect();
        // `org/azure/status` is that call, whatever the method, and not the object of the name "status".
        let least = fitting.iter().map(|(_, named)| named.len()).min();
        fitting.retain(|(_, named)| Some(named.len()) == least);
        fitting
    }
}

impl Call<'_> {
    /// One parameter of the query that is a whole number.
    pub(crate) fn number(&self, name: &str, least: u64, otherwise: u64) -> Result<u64, Refusal> {
        let Some(text) = self.request.parameter(name) else { return Ok(otherwise) };
        text.parse().ok().filter(|number| *number >= least).ok_or_else(|| {
            Refusal::bad(format!("Parameter '{name}' takes a whole number from {least}, not '{text}'."))
        })
    }

    /// What the path names, as an id.
    pub(crate) fn id(&self) -> Option<u64> {
        self.named.first()?.parse().ok()
    }
}

/// An answer in plain text, as the documents have it here and there among JSON.
pub(crate) fn text(status: u16, text: &str) -> Answer {
    Answer::new(status, "text/plain", text.to_owned())
}

/// A status alone.
pub(crate) fn bare(status: u16) -> Answer {
    let mut answer = Answer::json(status, &json!(null));
    answer.headers.clear();
    answer.body.clear();
    answer
}
