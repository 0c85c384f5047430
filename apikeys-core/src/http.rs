//! The parts of HTTP that all frameworks share, in plain strings and numbers.
//!
//! Frameworks use different versions of the `http` crate, so this module does not use its types. Header names
//! are `&str`, header values are `&[u8]`, and statuses are `u16`. An adapter implements [`Headers`] for its
//! framework's headers, passes each request to an [`Authenticator`], and acts on the [`Check`] that the
//! authenticator returns. The adapter converts [`PlainResponse`]s into its framework's types, and implements [`HeadersMut`]
//! for the headers of a response.

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

pub use authenticator::{Authenticator, Check};
pub use credential::{Carrier, Credential, InvalidHeaderName, Sources, credential};
pub use headers::{Headers, HeadersMut};
pub use manage_error::ManageErrorCode;
pub use problem::{FieldError, Problem, ProblemCode};
pub use render::{DenialRenderer, RenderedBody};
pub use response::PlainResponse;
pub use wording::{InvalidRealm, Wording};

pub use crate::text::excerpt;
