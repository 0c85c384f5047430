//! The parts of HTTP that all frameworks share, in plain strings and numbers.
//!
//! Frameworks use different versions of the `http` crate, so this module names none of them:
//! header names are `&str`, header values `&[u8]`, statuses `u16`. An adapter shows its requests'
//! headers as [`Headers`] to an [`Authenticator`], does what the returned [`Check`] says, and
//! translates the [`PlainResponse`]s and [`ResponseHeaders`] it gets.

mod authenticator;
mod client;
mod credential;
mod denied;
mod headers;
mod manage_error;
mod problem;
mod rate;
mod render;
mod response;
mod wording;

pub use authenticator::{Authenticator, Check, ResponseHeaders};
pub use credential::{Carrier, InvalidHeaderName, Presented, Sources, credential};
pub use headers::Headers;
pub use manage_error::ManageErrorCode;
pub use problem::{FieldError, Problem};
pub use render::{DenialRenderer, Rendered};
pub use response::PlainResponse;
pub use wording::{InvalidRealm, Wording};
