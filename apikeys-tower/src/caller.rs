use apikeys_core::{KeyId, KeyName, OrgId, PlanName, RateStatus, VerifiedKey};

/// The caller of an admitted request: the organization, the key, the plan and the rate limit.
///
/// [`ApiKeyLayer`](crate::ApiKeyLayer) puts a `Caller` into the extensions of each request with a valid key.
/// Only the layer can create a `Caller`, so a handler that takes a `Caller` never runs for a request without
/// a valid key.
///
/// With the feature `axum`, `Caller` is an extractor. If the layer is
/// [`optional`](crate::ApiKeyLayer::optional), take `Option<Caller>`. Without axum, read the `Caller` from the
/// extensions of the request:
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
