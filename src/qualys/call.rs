//! One request to be made: where, as whom, what it carries, and what it does to the platform.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::budget::Toll;
use super::family::Family;

/// The platform's three servers. A private platform, and the simulator, may serve all from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Host {
    /// Connectors, tags.
    #[default]
    Api,
    /// CloudView v1 on older platforms.
    Portal,
    /// The families that take a token.
    Gateway,
}

impl Host {
    /// The setting that says where it is.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Host::Api => "platform.api_url",
            Host::Portal => "platform.portal_url",
            Host::Gateway => "platform.gateway_url",
        }
    }

    /// How its families know the user, if nothing else is said.
    fn auth(self) -> Auth {
        match self {
            Host::Api | Host::Portal => Auth::Basic,
            Host::Gateway => Auth::Token,
        }
    }
}

/// What a subscription may lack, and a user's role have no permission for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Module {
    ContainerSecurity,
    AssetInventory,
    OrganizationConnectors,
}

impl Module {
    /// The vendor's name for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Module::ContainerSecurity => "Container Security",
            Module::AssetInventory => "GAV/CSAM (asset inventory)",
            Module::OrganizationConnectors => "organization connectors",
        }
    }

    /// The permission that a user needs for it, where the documents name one for all of it.
    pub(super) fn permission(self) -> Option<&'static str> {
        match self {
            // "Or, you should be a manager user."
            Module::OrganizationConnectors => Some("ASSET.MANAGE_DATA_CONNECTORS, or the role Manager"),
            Module::ContainerSecurity | Module::AssetInventory => None,
        }
    }
}

/// How the user is known. Not told by the host alone: CloudView v1 was moved from the portal with user and
/// password to the gateway with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    /// User and password, with each request.
    Basic,
    /// The token that the gateway gives for them.
    Token,
    /// As the CloudView API takes it, and at the host where that is: settled when the call is sent.
    Cloudview,
}

/// What a request does to the platform, and so what may be sent again. The method does not tell: there are
/// searches by POST, and a GET that starts a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Read,
    /// The same if done twice: an update or delete by id.
    Settled,
    /// Something new each time: a create. Sent again only if it was certainly not processed, since a lost
    /// answer may stand for an object that exists.
    Once,
}

/// One request to be made.
#[derive(Clone)]
pub(super) struct Call {
    /// What it is for, in errors: `search awsassetdataconnector`.
    pub(super) operation: String,
    /// The object it is about, in errors. Without one, HTTP 404 means that there is no such collection.
    pub(super) object: Option<String>,
    /// What the subscription has to have for it, where that is more than connectors and tags.
    pub(super) module: Option<Module>,
    pub(super) host: Host,
    pub(super) auth: Auth,
    pub(super) method: Method,
    /// Below the host's URL; ids in it must have been checked.
    pub(super) path: String,
    /// A link that the platform gave, instead of a path and a query. It may hold a secret, and is never shown.
    pub(super) link: Option<Url>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) accept: &'static str,
    pub(super) content_type: Cow<'static, str>,
    pub(super) body: Bytes,
    pub(super) effect: Effect,
    pub(super) toll: Toll,
}

/// Without the body, which may hold secrets.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("object", &self.object)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// A call to the API server, as user and password, of JSON both ways.
    pub(super) fn new(
        operation: impl Into<String>,
        method: Method,
        path: impl Into<String>,
        effect: Effect,
    ) -> Call {
        let path = path.into();
        Call {
            operation: operation.into(),
            object: None,
            module: None,
            host: Host::Api,
            auth: Auth::Basic,
            method,
            toll: Toll::Counted(Family::of(&path)),
            path,
            link: None,
            query: Vec::new(),
            accept: "application/json",
            content_type: Cow::Borrowed("application/json"),
            body: Bytes::new(),
            effect,
        }
    }

    /// Outside the platform's limits.
    pub(super) fn free(self) -> Call {
        Call { toll: Toll::Free, ..self }
    }

    /// To this host, the user being known as is usual there.
    pub(super) fn at(self, host: Host) -> Call {
        Call { host, auth: host.auth(), ..self }
    }

    /// Of this module of the subscription.
    pub(super) fn of_module(self, module: Module) -> Call {
        Call { module: Some(module), ..self }
    }

    /// Carries a form.
    pub(super) fn form(self, fields: &[(&str, &str)]) -> Call {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.carrying("application/x-www-form-urlencoded", body)
    }

    /// Carries a body of another media type.
    pub(super) fn carrying(self, content_type: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Call {
        Call { content_type: content_type.into(), body: body.into(), ..self }
    }

    /// Takes an answer of another media type.
    pub(super) fn accepting(self, accept: &'static str) -> Call {
        Call { accept, ..self }
    }
}

/// What the families beyond connectors and tags need.
impl Call {
    /// About this object.
    pub(super) fn about(self, object: impl Into<String>) -> Call {
        Call { object: Some(object.into()), ..self }
    }

    /// Adds a pair to the query; it is encoded when sent.
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.query.push((name, value.into()));
        self
    }

    /// The user known in another way than is usual at the host.
    pub(super) fn signed(self, auth: Auth) -> Call {
        Call { auth, ..self }
    }

    /// Carries JSON.
    pub(super) fn json(self, value: &Value) -> Call {
        self.carrying("application/json", value.to_string())
    }

    /// Carries plain text.
    pub(super) fn text(self, text: impl Into<String>) -> Call {
        self.carrying("text/plain; charset=utf-8", text.into())
    }

    /// Carries `multipart/form-data`.
    pub(super) fn multipart(self, parts: &[Part<'_>]) -> Call {
        // A random boundary: the parts need not be searched for it.
        let boundary = Uuid::new_v4().simple();
        let mut body = Vec::new();
        for Part { name, file, content } in parts {
            let (name, mut head) =
                (quotable(name), format!("--{boundary}\r\ncontent-disposition: form-data"));
            head.extend(["; name=\"", &name, "\""]);
            if let Some((file, content_type)) = file {
                head.extend(["; filename=\"", &quotable(file), "\"\r\ncontent-type: ", content_type]);
            }
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.carrying(format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// A part of `multipart/form-data`.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    /// The name and media type of a file; none for a plain field.
    pub(super) file: Option<(&'a str, &'a str)>,
    pub(super) content: &'a [u8],
}

/// As browsers write it between quotes.
fn quotable(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
