use std::sync::Arc;

#[cfg(any(feature = "actix", feature = "axum"))]
use apikeys_core::Clock;
use apikeys_core::{
    ApiKeys,
    http::{Headers, Wording},
};

use crate::{
    Admin, AdminRequest, InvalidOrigin, ManageErrorCode, PlainResponse, RequestBody,
    api_error::ApiError,
    api_key::carries_api_key,
    cross_origin::is_cross_origin,
    cursor::Cursors,
    dispatch::{self, Match},
    handlers::{Handlers, MatchedRequest},
    openapi,
    origin::Origin,
};

/// The management API, which creates, lists, changes and deletes keys, and returns the audit log and the usage
/// of keys.
///
/// With the feature `axum`, `into_router` creates a router. With the feature `actix`, `into_scope` creates a
/// scope for actix-web. For other frameworks, [`handle`](Self::handle) takes a request in plain strings and
/// returns a [`PlainResponse`].
///
/// Cloning an `AdminApi` is cheap. Clones accept each other's cursors.
///
/// # Example
///
/// ```
/// use apikeys_admin::{Admin, AdminApi, AdminRequest, RequestBody};
/// use apikeys_core::{Actor, ApiKeys, OrgId};
///
/// # pollster::block_on(async {
/// let api = AdminApi::new(ApiKeys::in_memory());
/// let admin = Admin::new(OrgId::new("org_42")?, Actor::new("ann@example.com")?);
/// let headers: &[(&str, &[u8])] = &[("host", b"app.example.com")];
/// let request = AdminRequest {
///     method: "GET",
///     mount: "/settings/developer",
///     path: "/api/keys",
///     query: Some("limit=10"),
///     headers,
///     body: RequestBody::Read(b""),
/// };
/// let response = api.handle(Some(&admin), request).await;
/// assert_eq!(response.status, 200);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct AdminApi {
    keys: ApiKeys,
    cursors: Arc<Cursors>,
    origins: Arc<[Origin]>,
    public_mount: Option<Arc<str>>,
    wording: Wording,
    login_cookie: Arc<str>,
    max_body: usize,
}

impl AdminApi {
    /// Creates an API that manages the API keys of your service through the handle `keys`.
    #[must_use]
    pub fn new(keys: ApiKeys) -> Self {
        Self {
            keys,
            cursors: Arc::default(),
            origins: Arc::new([]),
            public_mount: None,
            wording: Wording::default(),
            login_cookie: "session".into(),
            max_body: 16 * 1024,
        }
    }

    /// Sets the key that encrypts cursors. The key consists of 32 random bytes and must be the same in all
    /// instances of your service.
    ///
    /// By default, [`new`](Self::new) chooses a random key. Other instances of your service then reject the
    /// cursors of this instance, and cursors become invalid when the instance restarts. Set the key if your
    /// service has more than one instance.
    #[must_use]
    pub fn cursor_key(mut self, key: &[u8; 32]) -> Self {
        self.cursors = Arc::new(Cursors::with_key(key));
        self
    }

    /// Accepts changes from pages of one more origin, such as `https://app.example.com`.
    ///
    /// By default, only pages of the API's own origin may create, change and delete keys. Allow another origin
    /// if your page on `app.example.com` sends requests to `api.example.com`, or if a proxy changes `Host`.
    ///
    /// In the first case, your service also needs a CORS layer. The layer must respond to preflight requests and
    /// allow credentials.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidOrigin`] if `origin` is not a scheme and a host with an optional port.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, InvalidOrigin> {
        let origin = origin.parse()?;
        self.origins = self.origins.iter().cloned().chain([origin]).collect();
        Ok(self)
    }

    /// Sets the path before `/api` in the URLs that clients use, such as `/settings/developer`.
    ///
    /// By default, the path is taken from each request. Set the path only if a proxy changes paths.
    #[must_use]
    pub fn public_mount(mut self, path: &str) -> Self {
        self.public_mount = Some(path.trim_end_matches('/').into());
        self
    }

    /// Sets the wording of errors. The management API uses [`Wording::problem_types`] and
    /// [`Wording::plan_without_access`].
    #[must_use]
    pub fn wording(mut self, wording: Wording) -> Self {
        self.wording = wording;
        self
    }

    /// Sets the name of the cookie that contains your service's login. The OpenAPI document names the cookie.
    /// The default is `session`.
    #[must_use]
    pub fn login_cookie(mut self, name: &str) -> Self {
        self.login_cookie = name.into();
        self
    }

    /// Sets the maximum length of a request's body, in bytes. The default is 16 KiB.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Returns the maximum number of bytes to read from the body of a request before you call
    /// [`handle`](Self::handle). If the body is longer, pass [`RequestBody::TooLong`]. Returns `None` if the API
    /// does not use the body.
    ///
    /// Before you send the response, read and discard the rest of the body, up to a limit of your own. The router
    /// for axum and the scope for actix-web stop after 8 MiB or 5 seconds. Many clients send a whole request
    /// before they read the response. If the connection is closed earlier, these clients see a connection error
    /// instead of the response.
    #[must_use]
    pub fn body_limit(&self, admin: Option<&Admin>, method: &str, path: &str) -> Option<usize> {
        match dispatch::find(method, path) {
            Match::Route(route, _) if admin.is_some() && route.body.is_some() => Some(self.max_body),
            _ => None,
        }
    }

    /// Responds to a request. `admin` is the administrator whom your service's login has identified, or `None`
    /// if the request has no login. Do not create the [`Admin`] from headers that a client can set.
    ///
    /// If the store fails, the status is 503. The error of the store is logged and not sent. If the returned future
    /// is dropped, a change is made completely or not at all.
    pub async fn handle<H>(&self, admin: Option<&Admin>, request: AdminRequest<'_, H>) -> PlainResponse
    where
        H: Headers + ?Sized,
    {
        let response = match self.screen(admin, &request) {
            Ok((admin, matched)) => {
                let handlers =
                    Handlers { keys: &self.keys, cursors: &self.cursors, wording: &self.wording, admin };
                let mount = matched.mount;
                handlers.handle(matched, || self.document(mount)).await
            }
            Err(error) => Err(error),
        };
        response.unwrap_or_else(|error| error.into_response(&self.wording))
    }

    /// Returns the OpenAPI 3.1 document of the API in JSON, for an API below the path `mount`.
    ///
    /// The document contains no secrets. Administrators get it from `api/openapi.json`. Your service may also
    /// publish it.
    #[must_use]
    pub fn document(&self, mount: &str) -> Vec<u8> {
        openapi::document(mount, &self.login_cookie)
    }

    /// Returns the path before `/api` that was set with [`public_mount`](Self::public_mount).
    #[cfg(feature = "page")]
    pub(crate) fn known_mount(&self) -> Option<&str> {
        self.public_mount.as_deref()
    }

    /// Returns whether the request carries an API key.
    #[cfg(feature = "page")]
    pub(crate) fn carries_api_key(&self, headers: &(impl Headers + ?Sized)) -> bool {
        carries_api_key(&self.keys, headers)
    }

    /// Returns the response to a request that is refused with `code`.
    #[cfg(feature = "page")]
    pub(crate) fn refusal(&self, code: ManageErrorCode) -> PlainResponse {
        ApiError::from(code).into_response(&self.wording)
    }

    /// Returns the engine's clock, which limits the time for which adapters wait for a body.
    #[cfg(any(feature = "actix", feature = "axum"))]
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.keys.clock()
    }

    /// Makes the checks that need no access to the keys, in the documented order.
    fn screen<'a, H>(
        &'a self,
        admin: Option<&'a Admin>,
        request: &AdminRequest<'a, H>,
    ) -> Result<(&'a Admin, MatchedRequest<'a>), ApiError>
    where
        H: Headers + ?Sized,
    {
        let admin = admin.ok_or(ManageErrorCode::AdminRequired)?;
        if carries_api_key(&self.keys, request.headers) {
            return Err(ManageErrorCode::AdminRequired.into());
        }
        let safe = matches!(request.method, "GET" | "HEAD" | "OPTIONS");
        if !safe && is_cross_origin(request.headers, &self.origins) {
            return Err(ManageErrorCode::CrossSiteRequest.into());
        }
        let (route, id) = match dispatch::find(request.method, request.path) {
            Match::Route(route, id) => (route, id),
            Match::OtherMethods(allow) => return Err(ApiError::method_not_allowed(allow)),
            Match::Nothing => return Err(ManageErrorCode::NotFound.into()),
        };
        let body = self.body(request);
        let mount = self.public_mount.as_deref().unwrap_or(request.mount);
        Ok((admin, MatchedRequest { route, id, query: request.query, body, mount }))
    }

    /// Returns the body, or the error of a body that cannot be used.
    fn body<'a, H>(&self, request: &AdminRequest<'a, H>) -> Result<&'a [u8], ManageErrorCode>
    where
        H: Headers + ?Sized,
    {
        match request.body {
            RequestBody::TooLong => Err(ManageErrorCode::BodyTooLarge),
            RequestBody::Read(bytes) if bytes.len() > self.max_body => Err(ManageErrorCode::BodyTooLarge),
            _ if !is_json(request.headers) => Err(ManageErrorCode::UnsupportedMediaType),
            RequestBody::Read(bytes) => Ok(bytes),
            RequestBody::Incomplete => Err(ManageErrorCode::MalformedJson),
        }
    }
}

/// Returns whether the headers declare the body as JSON without a content coding. Parameters of the media type
/// are ignored.
fn is_json(headers: &(impl Headers + ?Sized)) -> bool {
    let mut types = headers.values("content-type");
    let (first, second) = (types.next(), types.next());
    let essence = first.and_then(|value| value.split(|byte| *byte == b';').next()).unwrap_or_default();
    let json = second.is_none() && essence.trim_ascii().eq_ignore_ascii_case(b"application/json");
    json && headers.values("content-encoding").all(|coding| coding.eq_ignore_ascii_case(b"identity"))
}
