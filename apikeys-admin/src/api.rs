use std::sync::Arc;

#[cfg(any(feature = "actix", feature = "axum"))]
use apikeys_core::Clock;
use apikeys_core::{ApiKeys, http::Headers};

use crate::{
    Admin, AdminRequest, AdminResponse, ErrorCode, InvalidOrigin, Origin, RequestBody,
    calls::{Asked, Calls},
    cursor::Cursors,
    document, login,
    origin::is_cross_site,
    refusal::Refusal,
    route::{self, Match},
};

/// The management API: create, list, change and delete keys, read the audit log, see usage.
///
/// It knows no framework: an adapter shows it requests and translates its responses. For axum
/// there is `into_router` (feature `axum`). Cheap to clone.
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
    problem_types: Arc<str>,
    login_cookie: Arc<str>,
    max_body: usize,
}

impl AdminApi {
    /// Manages `keys`.
    #[must_use]
    pub fn new(keys: ApiKeys) -> Self {
        Self {
            keys,
            cursors: Arc::default(),
            origins: Arc::new([]),
            public_mount: None,
            problem_types: "urn:problem-type:apikeys:".into(),
            login_cookie: "session".into(),
            max_body: 16 * 1024,
        }
    }

    /// The key that cursors are sealed with: 32 random bytes, the same in all instances. If it is
    /// not set each process makes its own, and a cursor works only in the process that gave it
    /// out, until it ends: with more than one instance, set it.
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

    /// What stands before `/api` in the URLs that clients use, as `/settings/developer`. Needed
    /// only behind a proxy that changes paths; otherwise each request tells.
    #[must_use]
    pub fn public_mount(mut self, path: &str) -> Self {
        self.public_mount = Some(path.trim_end_matches('/').into());
        self
    }

    /// What problem types begin with, before the code in kebab-case; `urn:problem-type:apikeys:`
    /// if not set.
    #[must_use]
    pub fn problem_types(mut self, base: &str) -> Self {
        self.problem_types = base.into();
        self
    }

    /// The cookie that holds the host's login, for the document; `session` if not set.
    #[must_use]
    pub fn login_cookie(mut self, name: &str) -> Self {
        self.login_cookie = name.into();
        self
    }

    /// Longest body that is read, in bytes; 16 KiB if not set.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How much of a request's body an adapter should read, in bytes: nothing where no body is
    /// looked at. Where there is more, it says [`RequestBody::TooLong`].
    #[must_use]
    pub fn body_limit(&self, admin: Option<&Admin>, method: &str, path: &str) -> Option<usize> {
        match route::find(method, path) {
            Match::Call(route, _) if admin.is_some() && route.body.is_some() => Some(self.max_body),
            _ => None,
        }
    }

    /// Answers a request. `admin` is who is logged in, by the host's own login: never anything
    /// that a client can send by itself.
    ///
    /// Errors of the store become 503; what it said is logged and not told. Dropping the future
    /// leaves a change made or not made, never in part.
    pub async fn handle<H>(&self, admin: Option<&Admin>, request: AdminRequest<'_, H>) -> AdminResponse
    where
        H: Headers + ?Sized,
    {
        let answered = match self.screen(admin, &request) {
            Ok((admin, asked)) => {
                let calls = Calls { keys: &self.keys, cursors: &self.cursors, admin };
                let mount = asked.mount;
                calls.carry_out(asked, || self.document(mount)).await
            }
            Err(refusal) => Err(refusal),
        };
        answered.unwrap_or_else(|refusal| refusal.into_response(&self.problem_types))
    }

    /// The API as an OpenAPI 3.1 document in JSON, for calls below `mount`. It holds no secrets;
    /// `api/openapi.json` shows it to administrators, a host may show it to anybody.
    #[must_use]
    pub fn document(&self, mount: &str) -> Vec<u8> {
        document::of(mount, &self.login_cookie)
    }

    /// The engine's clock, which bounds how long a body is waited for.
    #[cfg(any(feature = "actix", feature = "axum"))]
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.keys.clock()
    }

    /// Decides all that can be decided without looking at keys.
    fn screen<'a, H>(
        &'a self,
        admin: Option<&'a Admin>,
        request: &AdminRequest<'a, H>,
    ) -> Result<(&'a Admin, Asked<'a>), Refusal>
    where
        H: Headers + ?Sized,
    {
        let admin = admin.ok_or(ErrorCode::AdminRequired)?;
        if login::carries_api_key(&self.keys, request.headers) {
            return Err(ErrorCode::AdminRequired.into());
        }
        let safe = matches!(request.method, "GET" | "HEAD" | "OPTIONS");
        if !safe && is_cross_site(request.headers, &self.origins) {
            return Err(ErrorCode::CrossSiteRequest.into());
        }
        let (route, id) = match route::find(request.method, request.path) {
            Match::Call(route, id) => (route, id),
            Match::OtherMethods(allow) => return Err(Refusal::method_not_allowed(allow)),
            Match::Nothing => return Err(ErrorCode::NotFound.into()),
        };
        let body = self.body(request);
        let mount = self.public_mount.as_deref().unwrap_or(request.mount);
        Ok((admin, Asked { route, id, query: request.query, body, mount }))
    }

    fn body<'a, H>(&self, request: &AdminRequest<'a, H>) -> Result<&'a [u8], ErrorCode>
    where
        H: Headers + ?Sized,
    {
        match request.body {
            RequestBody::TooLong => Err(ErrorCode::BodyTooLarge),
            RequestBody::Read(bytes) if bytes.len() > self.max_body => Err(ErrorCode::BodyTooLarge),
            _ if !is_json(request.headers) => Err(ErrorCode::UnsupportedMediaType),
            RequestBody::Read(bytes) => Ok(bytes),
            RequestBody::Incomplete => Err(ErrorCode::MalformedJson),
        }
    }
}

/// Whether the body says it is plain JSON; parameters of the type do not matter.
fn is_json(headers: &(impl Headers + ?Sized)) -> bool {
    let mut types = headers.values("content-type");
    let (first, second) = (types.next(), types.next());
    let essence = first.and_then(|value| value.split(|byte| *byte == b';').next()).unwrap_or_default();
    let json = second.is_none() && essence.trim_ascii().eq_ignore_ascii_case(b"application/json");
    json && headers.values("content-encoding").all(|coding| coding.eq_ignore_ascii_case(b"identity"))
}
