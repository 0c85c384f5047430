use apikeys_core::{KeyId, KeyName, OrgId, PlanName, RateStatus, VerifiedKey};

/// The caller of an admitted request: the organization, the key, the plan and the rate limit.
///
/// [`ApiKeyMiddleware`](crate::ApiKeyMiddleware) puts a `Caller` into the extensions of each request with a
/// valid key. Only the middleware can create a `Caller`, so a handler that takes a `Caller` never runs for a
/// request without a valid key.
///
/// `Caller` is an extractor:
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
/// If the request has no `Caller`, the extractor fails with a [`CallerRejection`](crate::CallerRejection).
///
/// If the middleware is [`optional`](crate::ApiKeyMiddleware::optional), take `Option<Caller>`. actix-web turns
/// every rejection of `Option<Caller>` into `None`, so that a route without the middleware looks like a request
/// without a key. To tell the two apart, take `Result<Caller, CallerRejection>`.
///
/// Middleware between `ApiKeyMiddleware` and the handler reads the `Caller` from the extensions of the request:
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

    /// Returns the organization that owns the key.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        self.0.org()
    }

    /// Returns the key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.0.key_id()
    }

    /// Returns the key's name.
    #[must_use]
    pub fn key_name(&self) -> &KeyName {
        self.0.key_name()
    }

    /// Returns the plan that the organization is on.
    #[must_use]
    pub fn plan(&self) -> &PlanName {
        self.0.plan()
    }

    /// Returns the state of the key's rate limit after this request.
    #[must_use]
    pub fn rate(&self) -> RateStatus {
        self.0.rate()
    }
}
