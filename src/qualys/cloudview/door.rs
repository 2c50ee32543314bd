//! The way in to the CloudView API. It was moved over the years: the documents of 2021 have it on the portal, by user
//! and password; reports of 2026 on the gateway, by a token. `platform.cloudview_auth` says which, or has it found out.
//!
//! Only what looks finds out. The first listing that is asked for goes to the gateway, and where that knows no such
//! API, refuses the user or gives no token, to the portal. The one that answered is kept for the life of the client. A
//! write, and a read of one object, of which a 404 tells nothing about the door, have a listing asked for before them.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;

use crate::qualys::answer::{Answer, Fault};
use crate::qualys::call::{Auth, Call, Effect, Host};
use crate::qualys::error::ApiError;
use crate::qualys::inquiry::{Inquiry, Turn};
use crate::qualys::rest;
use crate::qualys::transport::Transport;
use crate::resource::CloudviewAuth;

/// The root of the family on either host.
const ROOT: &str = "/cloudview-api/rest/v1";
/// A call of the family, to a path below its root, as `/aws/connectors`.
pub(in crate::qualys) fn call(
    operation: impl Into<String>,
    method: Method,
    path: impl AsRef<str>,
    effect: Effect,
) -> Call {
    Call::new(operation, method, format!("{ROOT}{}", path.as_ref()), effect).signed(Auth::Cloudview)
}

/// Where the family is, and how the user is known there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entrance {
    /// By a token.
    Gateway,
    /// By user and password.
    Portal,
}

impl Entrance {
    fn lead(self, call: &Call) -> Call {
        match self {
            Entrance::Gateway => call.clone().at(Host::Gateway),
            Entrance::Portal => call.clone().at(Host::Portal),
        }
    }
}

/// Which door was found shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::qualys) enum Shut {
    /// Both.
    Both,
    /// The portal, by user and password, which alone is allowed.
    Basic,
    /// The gateway, by token, which alone is allowed.
    Jwt,
}

impl Shut {
    /// What to do about it.
    pub(in crate::qualys) const fn remedy(self) -> &'static str {
        match self {
            Shut::Both => {
                "set platform.cloudview_auth to what the subscription has, jwt (gateway) or basic (portal); check \
                 platform.gateway_url and platform.portal_url, and that the user may use CloudView"
            }
            Shut::Basic => {
                "platform.cloudview_auth is basic: platforms of late have this API on the gateway, so try jwt or auto; \
                 or platform.portal_url names the wrong host, or the user may not use CloudView"
            }
            Shut::Jwt => {
                "platform.cloudview_auth is jwt: older platforms have this API on the portal, so try basic or auto; \
                 or platform.gateway_url names the wrong host, or the user may not use CloudView"
            }
        }
    }
}

/// What was found out.
#[derive(Debug, Default)]
pub(in crate::qualys) struct Door(Inquiry<Option<Entrance>>);

/// Keeps which one answers.
fn keep(found: &mut Option<Entrance>, entrance: Entrance) -> Entrance {
    tracing::debug!(?entrance, "CloudView answers");
    *found.insert(entrance)
}

/// In which form the family takes the ids of what is to be deleted, as far as that was found out.
#[derive(Debug, Default)]
pub(in crate::qualys) struct Deletes(AtomicBool);

impl Deletes {
    /// Whether they go in an object, not in a bare list.
    pub(in crate::qualys) fn by_object(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(in crate::qualys) fn remember_object(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Transport {
    /// Makes a request of the family where it is, as the user is known there.
    pub(in crate::qualys) async fn send_to_cloudview<T>(
        &self,
        call: &Call,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        let (entrance, shut) = match self.endpoint().cloudview_auth {
            CloudviewAuth::Auto => return self.find_and_send(call, read).await,
            CloudviewAuth::Basic => (Entrance::Portal, Shut::Basic),
            CloudviewAuth::Jwt => (Entrance::Gateway, Shut::Jwt),
        };
        self.send_through(entrance, call, read).await.map_err(|error| {
            let may_be_the_door = call.object.is_none() && is_shut(&error);
            ApiError { shut: may_be_the_door.then_some(shut), ..error }
        })
    }

    /// Where the family is, as far as that is known.
    pub(in crate::qualys) async fn cloudview_host(&self) -> Host {
        let entrance = match self.endpoint().cloudview_auth {
            CloudviewAuth::Auto => self.door.0.turn().await.unwrap_or(Entrance::Gateway),
            CloudviewAuth::Basic => Entrance::Portal,
            CloudviewAuth::Jwt => Entrance::Gateway,
        };
        match entrance {
            Entrance::Gateway => Host::Gateway,
            Entrance::Portal => Host::Portal,
        }
    }

    async fn send_through<T>(
        &self,
        entrance: Entrance,
        call: &Call,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        let call = entrance.lead(call);
        match entrance {
            Entrance::Gateway => self.send_with_token(&call, read).await,
            Entrance::Portal => self.send_as_user(&call, read).await,
        }
    }

    async fn find_and_send<T>(
        &self,
        call: &Call,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        let mut found = self.door.0.turn().await;
        let entrance = match (*found, found.failure()) {
            (Some(entrance), _) => entrance,
            // Found shut while this one waited: to try the password again would bring the account closer to being
            // locked.
            (None, Some(error)) => return Err(error.instead_of(call)),
            (None, None) if call.effect == Effect::Read && call.object.is_none() => {
                return self.find(&mut found, call, read).await.map(|(_, answer)| answer);
            }
            (None, None) => {
                let looks = self::call("list aws connectors", Method::GET, "/aws/connectors", Effect::Read)
                    .query("pageNo", "0")
                    .query("pageSize", "50");
                let looked = self.find(&mut found, &looks, &rest::done).await;
                looked.map_err(|error| error.instead_of(call))?.0
            }
        };
        drop(found);
        self.send_through(entrance, call, read).await
    }

    /// Asks the one, then the other.
    async fn find<T>(
        &self,
        found: &mut Turn<'_, Option<Entrance>>,
        call: &Call,
        read: &impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<(Entrance, T), ApiError> {
        let gateway = match self.send_through(Entrance::Gateway, call, read).await {
            Ok(answer) => return Ok((keep(found, Entrance::Gateway), answer)),
            Err(error) if is_shut(&error) => error,
            Err(error) => return Err(error),
        };
        match self.send_through(Entrance::Portal, call, read).await {
            Ok(answer) => Ok((keep(found, Entrance::Portal), answer)),
            Err(portal) if is_shut(&portal) => {
                let error = neither(&gateway, &portal);
                found.fail(error.clone());
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the family is not here, or the user is not known here.
fn is_shut(error: &ApiError) -> bool {
    matches!(error.status, Some(401 | 403 | 404)) || error.is_for_want_of_token()
}

fn neither(gateway: &ApiError, portal: &ApiError) -> ApiError {
    let said = format!(
        "CloudView is found neither on the gateway by token ({}) nor on the portal by user and password ({})",
        gateway.cause(),
        portal.cause()
    );
    ApiError { said, status: None, shut: Some(Shut::Both), ..portal.clone() }
}
