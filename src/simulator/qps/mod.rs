//! The Asset Management API's `/qps/rest/...`: one envelope, a few verbs, and a table of fields for every noun.
//!
//! Reading order: `route` (what is called), `request` (the envelope in), `verbs` (what is done), `reply` (the envelope out).
//! `noun` is the vocabulary of the tables, `nouns` lists them.

mod route;

mod request;

pub(crate) mod tree;

mod json;

mod verbs;

mod criteria;

mod search;

mod read;

mod patch;

mod rules;

mod show;

mod out;

mod projection;

mod reply;

mod refusal;

mod noun;

mod nouns;

mod connector;

mod scan;

mod aws;

mod aws_extras;

mod azure;

mod gcp;

mod oci;

pub(crate) mod credentials;

mod global_scan;

mod tag;

mod version;

mod plain;

pub(crate) use aws::{AWS, QUALYS_ACCOUNTS, check_arn};
pub(crate) use azure::AZURE;
pub(crate) use connector::uuid;
pub(crate) use gcp::GCP;
pub(crate) use noun::Noun;
pub(crate) use nouns::NOUNS;
pub(crate) use patch::{Change, Patch};
pub(crate) use refusal::Refusal;
pub(crate) use route::{Call, answer, login_failure, powered_by};
pub(crate) use rules::Effect;
pub(crate) use tag::TAG;
pub(crate) use verbs::looked_at;
pub(crate) use version::{answer as version_answer, refuse_login};
