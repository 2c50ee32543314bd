//! Which noun and verb is called, whether it may be, and by whom.

use super::aws_extras::EXTRAS;
use super::noun::Noun;
use super::nouns::NOUNS;
use super::refusal::Refusal;
use super::reply::{Envelope, refuse};
use super::{request::ServiceRequest, verbs};
use crate::simulator::answer::{Answer, Request};
use crate::simulator::http::Shared;
use crate::simulator::options::{AuthFailure, Methods, Options, PoweredBy, UpdateMethod};

/// The user's UUID in X-Powered-By.
const USER: &str = "b8a0d3f4-5e27-4c61-8f1b-27c4e96d5a10";

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    pub(crate) version: &'a str,
    pub(crate) verb: &'a str,
    pub(crate) module: &'a str,
    pub(crate) noun: &'a str,
    pub(crate) id: Option<&'a str>,
}

/// A verb of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Get,
    Search,
    Count,
    Delete,
    Run,
    Evaluate,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Get => "get",
            Self::Search => "search",
            Self::Count => "count",
            Self::Delete => "delete",
            Self::Run => "run",
            Self::Evaluate => "evaluate",
        }
    }

    fn takes(self, method: &str, options: &Options) -> bool {
        let tolerant = options.methods == Methods::Tolerant;
        match (self, method) {
            (Self::Get, "GET") => true,
            (Self::Get, _) => false,
            (_, "POST") => true,
            (Self::Update, "PUT") => tolerant || options.update_method == UpdateMethod::PostOrPut,
            // The samples of delete and run leave `-X POST` out.
            (Self::Delete | Self::Run, "GET") => tolerant,
            _ => false,
        }
    }
}

impl<'a> Call<'a> {
    /// Takes `/qps/rest/<version>/<verb>/<module>/<noun>[/<id>]` apart; the end of the path may be a slash.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/qps/rest/")?;
        let parts: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
        let (version, verb, module, noun, id) = match parts.as_slice() {
            [version, verb, module, noun] => (*version, *verb, *module, *noun, None),
            [version, verb, module, noun, id] => (*version, *verb, *module, *noun, Some(*id)),
            _ => return None,
        };
        if [version, verb, module, noun].contains(&"") {
            return None;
        }
        Some(Self { version, verb, module, noun, id })
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.verb, "create" | "update" | "delete" | "run" | "evaluate")
    }

    /// A call that acts on everything that its filters match.
    pub(crate) fn is_without_id(&self) -> bool {
        let single = NOUNS.iter().any(|noun| noun.single && noun.path == self.noun);
        self.id.is_none() && !single && matches!(self.verb, "update" | "delete" | "run" | "evaluate")
    }
}

/// Answers what is below `/qps/rest/`, except the portal's version.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Option<Answer> {
    let call = Call::parse(&request.path)?;
    let options = shared.world().options.clone();
    let envelope = Envelope::new(shared, request, &options, "3.0/am/hostasset.xsd");
    let mut answer = match login_failure(shared, request, &options) {
        Some(refusal) => refuse(&envelope, &refusal),
        None => powered_by(carry_out(shared, request, &options, &call, &envelope), &options),
    };
    (answer.write, answer.without_id) = (call.is_write(), call.is_without_id());
    Some(answer)
}

/// The recorded answer to a wrong password: HTTP 200, and the truth in the body.
pub(crate) fn login_failure(shared: &Shared, request: &Request, options: &Options) -> Option<Refusal> {
    if request.basic().is_some_and(|(user, password)| shared.account.accepts(&user, &password)) {
        return None;
    }
    Some(Refusal {
        status: match options.auth_failure {
            AuthFailure::Ok => 200,
            AuthFailure::Unauthorized => 401,
        },
        code: "INVALID_CREDENTIALS",
        message: "Authentication failed".to_owned(),
        resolution: "Verify both, user and password credentials.".to_owned(),
    })
}

/// "The X-Powered-By HTTP header will be returned for both valid and invalid requests. However, it will not be returned if an
/// invalid URL is hit or when user authentication fails" (Tracking API usage by user).
pub(crate) fn powered_by(answer: Answer, options: &Options) -> Answer {
    if options.powered_by == PoweredBy::Off {
        return answer;
    }
    answer.with_header("X-Powered-By", format!("Qualys:{}:{}:{USER}", options.pod, options.subscription))
}

fn carry_out(
    shared: &Shared,
    request: &Request,
    options: &Options,
    call: &Call<'_>,
    envelope: &Envelope,
) -> Answer {
    let extra = EXTRAS.iter().find(|extra| {
        call.module == "am" && (extra.version, extra.verb, extra.noun) == (call.version, call.verb, call.noun)
    });
    if let Some(extra) = extra {
        if !extra.methods.contains(&request.method.as_str()) {
            return method_not_allowed(extra.methods[0]);
        }
        return (extra.answer)(shared, request, call, envelope);
    }
    let Some((noun, verb)) = find(call).filter(|(noun, _)| (noun.offered)(options)) else {
        return refuse(envelope, &unknown_call(call));
    };
    if !verb.takes(&request.method, options) {
        return method_not_allowed(if verb == Verb::Get { "GET" } else { "POST" });
    }
    let style = envelope.style.of((noun.replies)(options).form, verb);
    let schema = format!("{}/am/{}.xsd", noun.version, noun.path);
    let envelope = envelope.clone().with_schema(schema).with_style(style);
    // The samples of get send whatever standard input holds.
    let read = match verb {
        Verb::Get => Ok(ServiceRequest::default()),
        _ => ServiceRequest::read(request, noun.object),
    };
    let done = read.and_then(|read| verbs::carry_out(shared, request, &envelope, noun, verb, call.id, &read));
    done.unwrap_or_else(|refusal| refuse(&envelope, &refusal))
}

fn find(call: &Call<'_>) -> Option<(&'static Noun, Verb)> {
    let noun = NOUNS
        .iter()
        .find(|noun| call.module == "am" && (noun.path, noun.version) == (call.noun, call.version))?;
    let verb = noun.verbs.iter().find(|verb| verb.word() == call.verb)?;
    Some((noun, *verb))
}

fn unknown_call(call: &Call<'_>) -> Refusal {
    let Call { version, verb, module, noun, id: _ } = call;
    Refusal {
        status: 200,
        code: "INVALID_API_VERSION",
        message: format!("There is no '{verb}' of '{module}/{noun}' in version {version}."),
        resolution: "Verify the version, the action and the object in the URL.".to_owned(),
    }
}

fn method_not_allowed(allowed: &str) -> Answer {
    Answer::html(405, "Method Not Allowed").with_header("allow", allowed)
}
