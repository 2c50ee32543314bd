//! Whether an address is this machine's own: alone there may a password travel in the clear.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use url::{Host, Url};

/// Says whether the address leads to this machine, whatever a name server says.
///
/// `localhost.` and names below `localhost` do not count: some systems ask a name server for them.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Says the same of a host with or without a port, as in the header Host.
pub(crate) fn is_authority(authority: &str) -> bool {
    // A user before the host is nothing that a client sends there.
    !authority.contains('@') && Url::parse(&format!("http://{authority}")).is_ok_and(|url| is_loopback(&url))
}

/// Says whether each name that a request gives its server is one of this machine's own. Somebody else's page, opened in a
/// browser here, can have the browser ask a server on this machine under a name of its own choice: that gives it away.
pub(crate) fn is_named(uri: &Uri, headers: &HeaderMap) -> bool {
    let is_ours = |name: &str| name.parse::<Authority>().is_ok_and(|name| is_authority(name.as_str()));
    let mut hosts = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    // A browser always says which; a health check over HTTP/1.0 need not.
    hosts.all(is_ours) && uri.authority().map(Authority::as_str).is_none_or(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_given_for_each_spelling() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.255.255.254", true),
            ("127.1", true),
            ("2130706433", true),
            ("0x7f.0.0.1", true),
            ("0177.0.0.1", true),
            ("127.0.0.1.", true),
            ("[::1]", true),
            ("[0:0:0:0:0:0:0:1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("localhost", true),
            ("LOCALHOST", true),
            ("localhost.", false),
            ("localhost.localdomain", false),
            ("evil.localhost", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("0.0.0.0", false),
            ("0", false),
            ("[::]", false),
            ("[::ffff:10.0.0.1]", false),
            ("[::ffff:0.0.0.0]", false),
            ("10.0.0.1", false),
            ("128.0.0.1", false),
            ("169.254.169.254", false),
            ("2130706432.example", false),
            ("qualysapi.qualys.com", false),
        ] {
            for port in ["", ":9464"] {
                let authority = format!("{host}{port}");
                assert_eq!(is_authority(&authority), expected, "{authority}");
                for scheme in ["http", "https"] {
                    let url = format!("{scheme}://{authority}/x");
                    assert_eq!(url.parse().is_ok_and(|url| is_loopback(&url)), expected, "{url}");
                }
            }
        }
        for authority in ["", "evil.example@127.0.0.1", "127.0.0.1@evil.example"] {
            assert!(!is_authority(authority), "{authority}");
        }
    }
}
