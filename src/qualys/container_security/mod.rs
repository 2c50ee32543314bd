//! Container Security (`/csapi/v1.3`, API release notes 1.22), on the gateway.

mod registries;
mod registry_connector;
mod registry_schedule;

use reqwest::Method;

use super::call::{Call, Effect, Host, Module};
use super::rest::Paging;

const BASE: &str = "/csapi/v1.3";

/// Pages are counted from 1, and no rows are no content.
const PAGES: Paging = Paging { number: "pageNumber", first: 1, rows: 50, empty_is_none: true };

fn call(operation: &str, method: Method, path: &str, effect: Effect) -> Call {
    Call::new(operation, method, format!("{BASE}/{path}"), effect)
        .at(Host::Gateway)
        .of_module(Module::ContainerSecurity)
}
