mod accept;
mod assets;
mod shell;

use std::sync::Arc;

use apikeys_core::http::Headers;

use self::{assets::ASSETS, shell::Shell};
use crate::{Admin, AdminApi, AdminRequest, ManageErrorCode, PlainResponse};

/// The Developer settings page, on which administrators manage keys in a browser.
///
/// The page consists of HTML and the files of the custom element `<apikeys-settings>`. All files are part of the
/// compiled crate. The element calls the management API, so the page and the [`AdminApi`] are mounted together:
/// with the feature `axum`, `into_router` creates a router, and with the feature `actix`, `into_services` creates
/// services for a scope. For other frameworks, [`handle`](Self::handle) takes a request in plain strings.
///
/// The section [Settings page](crate#settings-page) of the front page has examples, and explains how to put the
/// element into a page of your own.
///
/// Cloning a `SettingsPage` is cheap.
#[derive(Debug, Clone)]
pub struct SettingsPage {
    pub(crate) api: AdminApi,
    shell: Arc<Shell>,
}

/// A language of the settings page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// English, which is the default.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Returns the language's tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// The paths below the mount that the page uses, apart from those of the API.
#[cfg(any(feature = "actix", feature = "axum"))]
pub(crate) mod paths {
    pub(crate) const ASSETS: &str = "/assets";
    pub(crate) const ELEMENT: &str = "/apikeys-settings.js";
}

impl SettingsPage {
    /// Creates a page whose keys are managed through `api`.
    #[must_use]
    pub fn new(api: AdminApi) -> Self {
        Self { api, shell: Arc::default() }
    }

    /// Sets the title of the page. The default is `Developer settings`, in the language of the page.
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        self.with(|shell| shell.title = Some(title.into()))
    }

    /// Sets the language of the page. The default is English.
    #[must_use]
    pub fn language(self, language: Language) -> Self {
        self.with(|shell| shell.language = language)
    }

    /// Sets the URL of an endpoint of your service that accepts API keys with `GET`. The page shows a `curl`
    /// command with this URL when a key has been created. The URL may be a path on the origin of the page, such
    /// as `/v1/whoami`. By default, the command has a placeholder in place of the URL.
    #[must_use]
    pub fn service_url(self, url: impl Into<String>) -> Self {
        self.with(|shell| shell.service_url = Some(url.into()))
    }

    /// Sets the URL of your service's login, to which the page links if the login is missing or has expired.
    /// By default, the page has no such link.
    #[must_use]
    pub fn login_url(self, url: impl Into<String>) -> Self {
        self.with(|shell| shell.login_url = Some(url.into()))
    }

    /// Sets the URL of a stylesheet of your service. The stylesheet can set the colors and the font of the page,
    /// and must have the origin of the page.
    #[must_use]
    pub fn stylesheet(self, url: impl Into<String>) -> Self {
        self.with(|shell| shell.stylesheet = Some(url.into()))
    }

    fn with(mut self, change: impl FnOnce(&mut Shell)) -> Self {
        change(Arc::make_mut(&mut self.shell));
        self
    }

    /// Responds to a request for the page, for one of its files, or to the management API. The path of the
    /// request is empty or `/` for the page itself.
    ///
    /// [`AdminApi::handle`] describes `admin` and the responses of the API. Without a login, the page responds
    /// with status 401. The files are the same for everyone and need no login.
    pub async fn handle<H>(&self, admin: Option<&Admin>, request: AdminRequest<'_, H>) -> PlainResponse
    where
        H: Headers + ?Sized,
    {
        let file = match request.path {
            "" | "/" => return self.page(admin, &request),
            "/apikeys-settings.js" => ASSETS.loader(),
            path => match path.strip_prefix("/assets/") {
                Some(path) => ASSETS.file(path, accept::gzip(request.headers)),
                None => return self.api.handle(admin, request).await,
            },
        };
        only_get(request.method).unwrap_or(file)
    }

    /// Returns the maximum number of bytes to read from the body of a request before you call
    /// [`handle`](Self::handle), as [`AdminApi::body_limit`] describes.
    #[must_use]
    pub fn body_limit(&self, admin: Option<&Admin>, method: &str, path: &str) -> Option<usize> {
        self.api.body_limit(admin, method, path)
    }

    fn page<H>(&self, admin: Option<&Admin>, request: &AdminRequest<'_, H>) -> PlainResponse
    where
        H: Headers + ?Sized,
    {
        if let Some(refused) = only_get(request.method) {
            return refused;
        }
        let base = self.base(request.mount, request.path);
        let allowed = admin.is_some() && !self.api.carries_api_key(request.headers);
        match (allowed, accept::html(request.headers)) {
            (true, _) => self.shell.page(&base, &ASSETS),
            (false, true) => self.shell.not_logged_in(&base, &ASSETS),
            (false, false) => self.api.refusal(ManageErrorCode::AdminRequired),
        }
    }

    /// Returns the URL of the mount, relative to the page and with a slash at the end.
    ///
    /// The URL is relative so that the page works behind a proxy that adds or removes a prefix. If the public
    /// path is set, a proxy may change the path in other ways, and the URL is absolute.
    fn base(&self, mount: &str, path: &str) -> String {
        match (self.api.known_mount(), path) {
            (Some(public), _) => format!("{public}/"),
            (None, "/") => "./".to_owned(),
            (None, _) => format!("./{}/", mount.rsplit('/').next().unwrap_or_default()),
        }
    }
}

/// Returns the response to a request whose method is neither `GET` nor `HEAD`.
fn only_get(method: &str) -> Option<PlainResponse> {
    (!matches!(method, "GET" | "HEAD")).then(|| {
        PlainResponse::new(405, "text/plain; charset=utf-8", "This path supports GET and HEAD.\n")
            .with_header("allow", "GET, HEAD")
            .with_header("x-content-type-options", "nosniff")
    })
}
