//! The portal's version in the envelope of all other answers.

use super::out::Out;
use super::refusal::Refusal;
use super::reply::{Envelope, Summary, refuse};
use crate::simulator::answer::{Answer, Request};
use crate::simulator::http::Shared;
use crate::simulator::options::Options;

/// Modules and their versions; the names are the documents', with their hyphens and double underscores.
const VERSIONS: &[(&str, &str)] = &[
    ("PortalApplication-VERSION", "3.17.0.0-simulator"),
    ("VM-VERSION", "1.0.3"),
    ("CLOUDVIEW-VERSION", "1.15.0.0"),
    ("CERTVIEW-VERSION", "2.9.0.0"),
    ("CA-VERSION", "3.6.0.0"),
    ("QWEB__VM-VERSION", "10.25.0.0"),
];

pub(crate) fn answer(shared: &Shared, request: &Request, options: &Options) -> Answer {
    let envelope = Envelope::new(shared, request, options, "version.xsd");
    let versions = VERSIONS.iter().map(|(name, version)| (*name, Out::Text((*version).into()))).collect();
    let summary = Summary { count: 1, ..Summary::default() };
    envelope.elements(summary, &[("Portal-Version", Out::Group(versions))])
}

/// A failed login names an unrelated schema, as recorded.
pub(crate) fn refuse_login(
    shared: &Shared,
    request: &Request,
    options: &Options,
    refusal: &Refusal,
) -> Answer {
    refuse(&Envelope::new(shared, request, options, "3.0/am/hostasset.xsd"), refusal)
}
