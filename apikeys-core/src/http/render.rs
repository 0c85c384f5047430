use std::borrow::Cow;

use super::Problem;
use crate::denial::Denial;

/// Creates the bodies of denials in your own format, such as the format of all errors of your service, or in
/// another language.
///
/// A renderer replaces only the body and its type. The status and all other headers stay as they are, so that
/// a renderer cannot turn a denial into a success or remove `Retry-After`.
///
/// Closures are renderers:
///
/// ```
/// use apikeys_core::{ApiKeys, Denial, http::{Authenticator, Problem, RenderedBody}};
///
/// let authenticator = Authenticator::new(ApiKeys::in_memory()).renderer(|_: &Denial, problem: &Problem| {
///     let code = problem.code;
///     RenderedBody::new("application/json", format!(r#"{{"error":{{"code":"{code}"}}}}"#))
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot render denials",
    note = "write the types of a closure's parameters: `|denial: &Denial, problem: &Problem| RenderedBody::new(…)`"
)]
pub trait DenialRenderer: Send + Sync + 'static {
    /// Returns the body for `denial`. `problem` is the content of the body that is sent without a renderer.
    fn render(&self, denial: &Denial, problem: &Problem) -> RenderedBody;
}

impl<F> DenialRenderer for F
where
    F: Fn(&Denial, &Problem) -> RenderedBody + Send + Sync + 'static,
{
    fn render(&self, denial: &Denial, problem: &Problem) -> RenderedBody {
        self(denial, problem)
    }
}

/// A body and its type, as a [`DenialRenderer`] returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderedBody {
    /// The value of `Content-Type`. The adapters leave out a value that is invalid in a header.
    pub content_type: Cow<'static, str>,
    /// The body.
    pub body: Vec<u8>,
}

impl RenderedBody {
    /// Creates a body of this type.
    #[must_use]
    pub fn new(content_type: impl Into<Cow<'static, str>>, body: impl Into<Vec<u8>>) -> Self {
        Self { content_type: content_type.into(), body: body.into() }
    }
}
