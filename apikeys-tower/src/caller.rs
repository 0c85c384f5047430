use std::ops::Deref;

/// Who sent a valid key: organization, key, plan and rate status.
///
/// [`ApiKeyLayer`](crate::ApiKeyLayer) puts it into the extensions of the requests it admits, and
/// takes out any that was there before. Nothing else can make one, so a handler that holds a
/// `Caller` was reached with a valid key.
///
/// ```
/// use apikeys_tower::Caller;
///
/// fn greet(request: &http::Request<()>) -> String {
///     match request.extensions().get::<Caller>() {
///         Some(caller) => format!("hello, {}", caller.org()),
///         None => "hello, stranger".to_owned(),
///     }
/// }
/// # assert_eq!(greet(&http::Request::new(())), "hello, stranger");
/// ```
///
/// With feature `axum` it is an extractor, and so is `Option<Caller>` for routes under
/// [`optional`](crate::ApiKeyLayer::optional).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(apikeys_core::VerifiedKey);

impl Caller {
    pub(crate) fn new(caller: apikeys_core::VerifiedKey) -> Self {
        Self(caller)
    }
}

impl Deref for Caller {
    type Target = apikeys_core::VerifiedKey;

    fn deref(&self) -> &apikeys_core::VerifiedKey {
        &self.0
    }
}
