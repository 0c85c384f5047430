use std::sync::Arc;

#[cfg(any(feature = "actix", feature = "axum"))]
use apikeys_core::Clock;
use apikeys_core::{
    ApiKeys,
    http::{Headers, Wording},
};

use crate::{
    Admin, AdminRequest, InvalidOrigin, ManageErrorCode, Origin, PlainResponse, RequestBody,
    api_key::carries_api_key,
    call_error::CallError,
    cursor::Cursors,
    handlers::{Handlers, MatchedCall},
    openapi,
    origin::is_cross_site,
    route::{self, Match},
};

/// The management API: it creates, lists, changes and deletes keys, and shows the audit log and the
/// usage of keys.
///
/// The API depends on no framework: [`handle`](Self::handle) takes a request as plain data and
/// returns a response as plain data. `into_router` (feature `axum`) and `into_scope` (feature
/// `actix`) mount it in a framework. Cloning is cheap.
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
    /// Creates an API that manages `keys`.
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

    /// Sets the key that encrypts cursors: 32 random bytes, the same in all instances of a service.
    ///
    /// By default each `AdminApi` generates a key of its own, so that other instances refuse its
    /// cursors and cursors do not survive a restart. Set the key if there is more than one instance.
    #[must_use]
    pub fn cursor_key(mut self, key: &[u8; 32]) -> Self {
        self.cursors = Arc::new(Cursors::with_key(key));
        self
    }

    /// Also accepts changes from pages of this origin, such as `https://app.example.com`.
    ///
    /// Without this, only pages of the API's own origin may create, change or delete keys. Allow the
    /// origin of a settings page that is served from elsewhere: a page on `app.example.com` that
    /// calls `api.example.com`, or a service behind a proxy that changes `Host`. Call this once for
    /// each origin.
    ///
    /// This does not make a browser send such requests: the host also needs a CORS layer that
    /// answers the preflight and lets the page send its credentials.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidOrigin`] if `origin` is not a scheme and a host, perhaps with a port.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, InvalidOrigin> {
        let origin = origin.parse()?;
        self.origins = self.origins.iter().cloned().chain([origin]).collect();
        Ok(self)
    }

    /// Sets the path before `/api` in the URLs that clients use, such as `/settings/developer`.
    ///
    /// This is needed only behind a proxy that changes paths. By default the path is taken from each
    /// request.
    #[must_use]
    pub fn public_mount(mut self, path: &str) -> Self {
        self.public_mount = Some(path.trim_end_matches('/').into());
        self
    }

    /// Sets the wording of errors: the prefix of problem types, and the advice to an organization
    /// whose plan has no API access.
    #[must_use]
    pub fn wording(mut self, wording: Wording) -> Self {
        self.wording = wording;
        self
    }

    /// Sets the name of the cookie that holds the host's login, which the OpenAPI document mentions.
    /// The default is `session`.
    #[must_use]
    pub fn login_cookie(mut self, name: &str) -> Self {
        self.login_cookie = name.into();
        self
    }

    /// Sets the length of the longest accepted body, in bytes. The default is 16 KiB.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Returns the number of bytes that an adapter reads of a request's body, or `None` if the call
    /// does not use the body. An adapter passes a longer body as [`RequestBody::TooLong`].
    ///
    /// An adapter reads and discards the rest of a body before it sends the response, up to a bound
    /// of its own; otherwise a client that sends everything before it reads may see a broken
    /// connection in place of the response.
    #[must_use]
    pub fn body_limit(&self, admin: Option<&Admin>, method: &str, path: &str) -> Option<usize> {
        match route::find(method, path) {
            Match::Call(route, _) if admin.is_some() && route.body.is_some() => Some(self.max_body),
            _ => None,
        }
    }

    /// Responds to a request. `admin` is the administrator whom the host's own login identified, or
    /// `None` if there is no login. Never derive it from anything that a client can send by itself.
    ///
    /// If the store fails, the response is 503; the store's error is logged and not sent. If the
    /// returned future is dropped, a change is made completely or not at all.
    pub async fn handle<H>(&self, admin: Option<&Admin>, request: AdminRequest<'_, H>) -> PlainResponse
    where
        H: Headers + ?Sized,
    {
        let response = match self.screen(admin, &request) {
            Ok((admin, call)) => {
                let handlers = Handlers { keys: &self.keys, cursors: &self.cursors, admin };
                let mount = call.mount;
                handlers.handle(call, || self.document(mount)).await
            }
            Err(error) => Err(error),
        };
        response.unwrap_or_else(|error| error.into_response(&self.wording))
    }

    /// Returns the OpenAPI 3.1 document of the API in JSON, for calls below the path `mount`.
    ///
    /// The document holds no secrets. `api/openapi.json` serves it to administrators; a host may also
    /// publish it.
    #[must_use]
    pub fn document(&self, mount: &str) -> Vec<u8> {
        openapi::document(mount, &self.login_cookie)
    }

    /// The engine's clock, which bounds how long a body is waited for.
    #[cfg(any(feature = "actix", feature = "axum"))]
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.keys.clock()
    }

    /// Checks all that needs no look at the keys, in the documented order.
    fn screen<'a, H>(
        &'a self,
        admin: Option<&'a Admin>,
        request: &AdminRequest<'a, H>,
    ) -> Result<(&'a Admin, MatchedCall<'a>), CallError>
    where
        H: Headers + ?Sized,
    {
        let admin = admin.ok_or(ManageErrorCode::AdminRequired)?;
        if carries_api_key(&self.keys, request.headers) {
            return Err(ManageErrorCode::AdminRequired.into());
        }
        let safe = matches!(request.method, "GET" | "HEAD" | "OPTIONS");
        if !safe && is_cross_site(request.headers, &self.origins) {
            return Err(ManageErrorCode::CrossSiteRequest.into());
        }
        let (route, id) = match route::find(request.method, request.path) {
            Match::Call(route, id) => (route, id),
            Match::OtherMethods(allow) => return Err(CallError::method_not_allowed(allow)),
            Match::Nothing => return Err(ManageErrorCode::NotFound.into()),
        };
        let body = self.body(request);
        let mount = self.public_mount.as_deref().unwrap_or(request.mount);
        Ok((admin, MatchedCall { route, id, query: request.query, body, mount }))
    }

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

/// Returns `true` if the body is declared as JSON without a content coding. Parameters of the media
/// type are ignored.
fn is_json(headers: &(impl Headers + ?Sized)) -> bool {
    let mut types = headers.values("content-type");
    let (first, second) = (types.next(), types.next());
    let essence = first.and_then(|value| value.split(|byte| *byte == b';').next()).unwrap_or_default();
    let json = second.is_none() && essence.trim_ascii().eq_ignore_ascii_case(b"application/json");
    json && headers.values("content-encoding").all(|coding| coding.eq_ignore_ascii_case(b"identity"))
}
