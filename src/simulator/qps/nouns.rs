//! All nouns, one line each.

use super::noun::Noun;
use super::{aws, azure, gcp, global_scan, oci, tag};

/// The object types that the API knows. Tags come first: what refers to them is seeded after them.
pub(crate) const NOUNS: &[&Noun] =
    &[&tag::TAG, &aws::AWS, &azure::AZURE, &gcp::GCP, &oci::OCI, &global_scan::GLOBAL_SCAN];
