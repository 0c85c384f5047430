use std::ops::Deref;

/// Who sent a valid key: organization, key, plan and rate status.
///
/// [`ApiKeyMiddleware`](crate::ApiKeyMiddleware) puts it into the extensions of the requests it
/// admits, and takes out any that was there before. Nothing else can make one, so a handler that
/// holds a `Caller` was reached with a valid key.
///
/// It is an extractor:
///
/// ```
/// use apikeys_actix::Caller;
///
/// async fn greet(caller: Caller) -> String {
///     format!("hello, {}", caller.org())
/// }
/// # let _ = actix_web::web::get().to(greet);
/// ```
///
/// Without the middleware around the route it refuses with a 500 that says how to fix it, and
/// under [`optional`](crate::ApiKeyMiddleware::optional) with the middleware's own answer to a
/// missing key; see [`CallerRejection`](crate::CallerRejection). Handlers that also serve requests
/// without a key take `Option<Caller>`.
///
/// `Option<Caller>` is actix's own, and `None` for every rejection: a forgotten middleware looks
/// like a missing key. Where the difference matters, take `Result<Caller, CallerRejection>`.
///
/// Other middleware finds it in the request, further in than `ApiKeyMiddleware`:
///
/// ```
/// use actix_web::{HttpMessage, dev::ServiceRequest};
/// use apikeys_actix::Caller;
///
/// fn caller(request: &ServiceRequest) -> Option<Caller> {
///     request.extensions().get::<Caller>().cloned()
/// }
/// # assert_eq!(caller(&actix_web::test::TestRequest::get().to_srv_request()), None);
/// ```
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
