use apikeys_core::{KeyId, KeyName, OrgId, PlanName, RateStatus, VerifiedKey};

/// The caller of an admitted request: its organization, key, plan and rate limit.
///
/// [`ApiKeyLayer`](crate::ApiKeyLayer) puts a `Caller` into the extensions of the requests that it
/// admits, and removes any that was there before. A `Caller` cannot be made in another way, so a
/// handler that has one was reached with a valid key.
///
/// With feature `axum`, `Caller` is an extractor, and so is `Option<Caller>` for routes under
/// [`optional`](crate::ApiKeyLayer::optional). Without it, the request's extensions have the
/// `Caller`:
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
