use apikeys_core::{KeyId, KeyName, OrgId, PlanName, RateStatus, VerifiedKey};

/// The caller of an admitted request: its organization, key, plan and rate limit.
///
/// [`ApiKeyMiddleware`](crate::ApiKeyMiddleware) puts a `Caller` into the extensions of the
/// requests that it admits, and removes any that was there before. A `Caller` cannot be made in
/// another way, so a handler that has one was reached with a valid key.
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
/// The extractor fails with a [`CallerRejection`](crate::CallerRejection): a 500 that says how to
/// fix it if there is no middleware around the route, and under
/// [`optional`](crate::ApiKeyMiddleware::optional) the response to a missing key. Handlers that
/// also serve requests without a key take `Option<Caller>`.
///
/// actix makes `Option<Caller>` `None` for every rejection, so a forgotten middleware looks like a
/// missing key. Where the difference matters, take `Result<Caller, CallerRejection>`.
///
/// Middleware between `ApiKeyMiddleware` and the handler finds the `Caller` in the request's
/// extensions:
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
pub struct Caller(VerifiedKey);

impl Caller {
    pub(crate) fn new(key: VerifiedKey) -> Self {
        Self(key)
    }

    /// The organization that owns the key.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        self.0.org()
    }

    /// The key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.0.key_id()
    }

    /// The name that the organization gave the key.
    #[must_use]
    pub fn key_name(&self) -> &KeyName {
        self.0.key_name()
    }

    /// The plan that the organization is on.
    #[must_use]
    pub fn plan(&self) -> &PlanName {
        self.0.plan()
    }

    /// The state of the key's rate limit after this request.
    #[must_use]
    pub fn rate(&self) -> RateStatus {
        self.0.rate()
    }
}
