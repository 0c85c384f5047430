use std::borrow::Cow;

use super::Answer;
use crate::denial::Denial;

/// Gives denials a body of the host's own: an envelope that all its answers share, another
/// language, plain text.
///
/// Only the body and its type are replaced. The status and all other headers stay as they are, so
/// that no renderer can turn a denial into a success or lose a `Retry-After`.
///
/// Closures are renderers:
///
/// ```
/// use apikeys_core::{Denial, http::{Answer, Rendered, Rules}};
///
/// let rules = Rules::new().renderer(|_: &Denial, answer: &Answer| {
///     let code = answer.problem.code;
///     Rendered::new("application/json", format!(r#"{{"error":{{"code":"{code}"}}}}"#))
/// });
/// ```
pub trait DenialRenderer: Send + Sync + 'static {
    /// The body for `denial`, whose answer would be `answer`.
    fn render(&self, denial: &Denial, answer: &Answer) -> Rendered;
}

impl<F> DenialRenderer for F
where
    F: Fn(&Denial, &Answer) -> Rendered + Send + Sync + 'static,
{
    fn render(&self, denial: &Denial, answer: &Answer) -> Rendered {
        self(denial, answer)
    }
}

/// A body and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// The value of `Content-Type`. One that cannot stand in a header is left out.
    pub content_type: Cow<'static, str>,
    /// The body.
    pub body: Vec<u8>,
}

impl Rendered {
    /// A body of this type.
    #[must_use]
    pub fn new(content_type: impl Into<Cow<'static, str>>, body: impl Into<Vec<u8>>) -> Self {
        Self { content_type: content_type.into(), body: body.into() }
    }
}
