//! The changes of headers and extensions that our layers make, and nothing else: no key is verified, limited or
//! recorded. A layer that does what ours do cannot take less time than these.

mod actix;
mod axum;

use std::sync::Arc;

pub use self::{actix::change_headers, axum::HeadersOnly};

/// What a handler would learn about the key of a request.
#[derive(Clone)]
struct Caller {
    _key: Arc<str>,
    _limit: u32,
    _remaining: u32,
}

impl Caller {
    fn new(key: &Arc<str>) -> Self {
        Self { _key: Arc::clone(key), _limit: 10_000, _remaining: 9_999 }
    }
}

const POLICY: &str = "ratelimit-policy";
const LIMIT: &str = "ratelimit";
const VALUES: [&str; 2] = ["\"per-key\";q=10000;w=60", "\"per-key\";r=9999;t=60"];
