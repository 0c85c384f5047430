//! One service on each framework, with the settings page behind a login.

use std::fmt;

use actix_web::{
    App, Error, HttpMessage,
    body::{MessageBody, to_bytes},
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next as ActixNext, from_fn as actix_from_fn},
    test::{TestRequest, call_service, init_service},
    web,
};
use apikeys_admin::{Admin, AdminApi, SettingsPage};
use apikeys_core::{Actor, ApiKeys, OrgId};
use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use tower::ServiceExt;

pub(crate) const MOUNT: &str = "/settings/developer";

/// A service with the page at a path.
pub(crate) struct Site {
    page: SettingsPage,
    mount: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

pub(crate) const FRAMEWORKS: [Framework; 2] = [Framework::Axum, Framework::Actix];

pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Returns the value of a header that appears once, or `None` if it is missing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.iter().filter(|(other, _)| other == name);
        let line = lines.next().map(|(_, value)| value.as_str());
        assert_eq!(lines.next(), None, "{name} is repeated");
        line
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { page: SettingsPage::new(AdminApi::new(ApiKeys::in_memory())), mount: MOUNT }
    }

    pub(crate) fn page(mut self, change: impl FnOnce(SettingsPage) -> SettingsPage) -> Self {
        self.page = change(self.page);
        self
    }

    pub(crate) fn api(self, change: impl FnOnce(AdminApi) -> AdminApi) -> Self {
        let api = change(AdminApi::new(ApiKeys::in_memory()));
        Self { page: SettingsPage::new(api), ..self }
    }

    pub(crate) fn mount(self, mount: &'static str) -> Self {
        Self { mount, ..self }
    }

    /// Sends a request of a logged-in administrator to one framework.
    pub(crate) async fn get(&self, framework: Framework, path: &str) -> Reply {
        self.send(framework, "GET", path, &[("x-login", "org")]).await
    }

    pub(crate) async fn send(
        &self,
        framework: Framework,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        match framework {
            Framework::Axum => self.send_to_axum(method, path, headers).await,
            Framework::Actix => self.send_to_actix(method, path, headers).await,
        }
    }

    async fn send_to_axum(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let page = self.page.clone().into_router().layer(from_fn(axum_login));
        let app = if self.mount.is_empty() { page } else { Router::new().nest(self.mount, page) };
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let line = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(line).collect(),
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap().into(),
        }
    }

    async fn send_to_actix(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let page = web::scope(self.mount)
            .wrap(actix_from_fn(actix_login))
            .service(self.page.clone().into_services());
        let app = init_service(App::new().service(page)).await;
        let mut request = TestRequest::with_uri(path).method(method.parse().unwrap());
        for header in headers {
            request = request.insert_header(*header);
        }
        let response = call_service(&app, request.to_request()).await;
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        Reply {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: to_bytes(response.into_body()).await.unwrap().into(),
        }
    }
}

/// The login of the service, which takes the organization from a header.
fn admin(org: Option<&str>) -> Option<Admin> {
    org.map(|org| Admin::new(OrgId::new(org).unwrap(), Actor::new("ann").unwrap()))
}

async fn axum_login(mut request: Request, next: Next) -> Response {
    if let Some(admin) = admin(request.headers().get("x-login").and_then(|value| value.to_str().ok())) {
        request.extensions_mut().insert(admin);
    }
    next.run(request).await
}

async fn actix_login<B: MessageBody>(
    request: ServiceRequest,
    next: ActixNext<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let Some(admin) = admin(request.headers().get("x-login").and_then(|value| value.to_str().ok())) {
        request.extensions_mut().insert(admin);
    }
    next.call(request).await
}

/// Returns the path that a browser requests for a URL in the page at `page`.
pub(crate) fn resolved(page: &str, url: &str) -> String {
    match url.strip_prefix("./") {
        Some(rest) => format!("{}{rest}", &page[..=page.rfind('/').unwrap()]),
        None => {
            assert!(url.starts_with('/'), "{url}");
            url.to_owned()
        }
    }
}

/// Returns the URLs of the page's files.
pub(crate) fn files_of(html: &str) -> Vec<String> {
    let values = |name: &str| {
        let start = format!(" {name}=\"");
        let parts: Vec<_> = html.split(&start).skip(1).collect();
        parts.into_iter().map(|rest| rest[..rest.find('"').unwrap()].to_owned()).collect::<Vec<_>>()
    };
    [values("href"), values("src")].concat()
}
