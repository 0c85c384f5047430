//! Requests and responses for the tests, as types of actix-web.

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse, Responder,
    body::{self, MessageBody},
    dev::{Service, ServiceResponse},
    http::{StatusCode, header::HeaderMap},
    test::{self, TestRequest},
    web,
};
use apikeys_actix::{ApiKeyMiddleware, Denial};
pub use apikeys_test_adapters::Host;
use apikeys_test_leftovers::of_this_process;

/// The test service as middleware and its requests.
pub trait HostExt {
    fn middleware(&self) -> ApiKeyMiddleware;

    /// A `GET` request with the key.
    fn get(&self, uri: &str) -> TestRequest;
}

impl HostExt for Host {
    fn middleware(&self) -> ApiKeyMiddleware {
        ApiKeyMiddleware::new(self.keys.clone())
    }

    fn get(&self, uri: &str) -> TestRequest {
        anonymous(uri).insert_header(("authorization", self.bearer()))
    }
}

/// Writes a denial to the file that is searched for leaked secrets.
pub fn leave_refusal(status: StatusCode, headers: &HeaderMap, body: &str) {
    if status.is_client_error() || status.is_server_error() {
        of_this_process().leave("refusals.txt", &format!("{status} {headers:?} {body}"));
    }
}

/// Returns an app whose only route, `/`, is protected and runs `handler`.
pub async fn serving<F, Out>(
    middleware: ApiKeyMiddleware,
    handler: F,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>
where
    F: AsyncFn() -> Out + Clone + 'static,
    Out: Responder + 'static,
{
    let handler = move || {
        let handler = handler.clone();
        async move { handler().await }
    };
    test::init_service(App::new().service(web::resource("/").wrap(middleware).to(handler))).await
}

/// A `GET` request without a key.
pub fn anonymous(uri: &str) -> TestRequest {
    TestRequest::with_uri(uri)
}

/// A `GET` request with these header lines.
pub fn with_lines(uri: &str, lines: &[(&str, &str)]) -> TestRequest {
    lines.iter().fold(anonymous(uri), |request, line| request.append_header(*line))
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub denial: Option<Denial>,
    pub body: String,
}

impl Reply {
    async fn read<B: MessageBody>(response: HttpResponse<B>) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let denial = response.extensions().get::<Denial>().cloned();
        let body = body::to_bytes(response.into_body()).await.ok().unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        leave_refusal(status, &headers, &body);
        Self { status, headers, denial, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name);
        let first = lines.next().map(|value| value.to_str().unwrap());
        assert_eq!(lines.next(), None, "{name} has one line at most");
        first
    }

    /// The code of a denial.
    pub fn code(&self) -> &str {
        let rest = self.body.split_once("\"code\":\"").expect(&self.body).1;
        rest.split_once('"').unwrap().0
    }
}

/// Sends one request. An error becomes a response, as in actix-web's server.
pub async fn send<S, B>(app: &S, request: TestRequest) -> Reply
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    match app.call(request.to_request()).await {
        Ok(response) => Reply::read(response.into()).await,
        Err(error) => Reply::read(error.error_response()).await,
    }
}
