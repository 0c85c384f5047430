//! The part of HTTP that every framework shares, in plain strings and numbers.
//!
//! Frameworks disagree about versions of the `http` crate, so nothing here names one: header
//! names are `&str`, values `&[u8]`, statuses `u16`. An adapter gives its headers as [`Headers`]
//! to the host's [`Rules`], does what the [`Check`] says, and translates [`Refusal`]s and rate
//! limit fields.

mod answer;
mod client;
mod credential;
mod rate;
mod render;
mod rules;

pub use answer::{Answer, InvalidRealm, Problem, Wording};
pub use client::{client_address, request_meta};
pub use credential::{InvalidHeaderName, Presented, Sources, credential};
pub use rate::rate_fields;
pub use render::{DenialRenderer, Rendered};
pub use rules::{Check, Refusal, Rules};

/// A request's headers, as an adapter shows them.
pub trait Headers {
    /// The values of all lines of the header `name`, which is in lower case, in order.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a;
}

/// For tests, and for frameworks that keep headers in a list: names in lower case.
impl Headers for [(&str, &[u8])] {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.iter().filter(move |(other, _)| *other == name).map(|(_, value)| *value)
    }
}
