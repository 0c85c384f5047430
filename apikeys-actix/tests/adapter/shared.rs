//! The tests that every adapter must pass, with actix-web.

use std::{net::SocketAddr, pin::Pin};

use actix_http::Request as HttpRequest;
use actix_web::{
    App, Error, HttpMessage, HttpRequest as Incoming, HttpResponse,
    body::{self, BoxBody},
    dev::{Service, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    test::{self, TestRequest},
    web,
};
use apikeys_actix::{ApiKeyMiddleware, ApiKeys, Caller, Denial};
use apikeys_test_adapters::{
    Adapter, Handler, HandlerResponse, Options, Reply, Request, Seen, Shown, adapter_tests,
};

use crate::support::leave_refusal;

struct Actix;

type Sent = Pin<Box<dyn Future<Output = Result<ServiceResponse<BoxBody>, Error>>>>;

impl Adapter for Actix {
    type App = Box<dyn Fn(HttpRequest) -> Sent>;

    async fn app(keys: ApiKeys, options: Options, handler: Handler) -> Self::App {
        let handler = move |request: Incoming, body: String| {
            let handler = handler.clone();
            async move { respond(handler(seen(&request, body)).await) }
        };
        let resource = web::resource("/").wrap(middleware(keys, options)).to(handler);
        let app = test::init_service(App::new().service(resource)).await;
        Box::new(move |request| {
            let response = app.call(request);
            Box::pin(async { Ok(response.await?.map_into_boxed_body()) })
        })
    }

    async fn send(app: &Self::App, request: Request) -> Reply {
        let Request { method, uri, lines, body, peer } = request;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = TestRequest::with_uri(&uri).method(method).set_payload(body);
        for (name, value) in lines {
            request = request.append_header((name, value));
        }
        if let Some(peer) = peer {
            request = request.peer_addr(SocketAddr::new(peer, 50_123));
        }
        let response = match app(request.to_request()).await {
            Ok(response) => response.into(),
            Err(error) => error.error_response(),
        };
        read(response).await
    }
}

async fn read(response: HttpResponse) -> Reply {
    let (status, headers) = (response.status(), response.headers().clone());
    let denial = response.extensions().get::<Denial>().copied();
    let body = body::to_bytes(response.into_body()).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    leave_refusal(status, &headers, &body);
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
    Reply { status: status.as_u16(), lines: headers.iter().map(line).collect(), body, denial }
}

fn middleware(keys: ApiKeys, options: Options) -> ApiKeyMiddleware {
    let Options { optional, keep_credential, sources, wording, trusted_hops, renderer } = options;
    let mut middleware =
        ApiKeyMiddleware::new(keys).sources(sources).wording(wording).trusted_hops(trusted_hops);
    if optional {
        middleware = middleware.optional();
    }
    if keep_credential {
        middleware = middleware.keep_credential();
    }
    match renderer {
        Some(renderer) => middleware.renderer(renderer),
        None => middleware,
    }
}

fn seen(request: &Incoming, body: String) -> Seen {
    Seen {
        org: request.extensions().get::<Caller>().map(|caller| caller.org().to_string()),
        authorization: shown(request.headers(), "authorization"),
        x_api_key: shown(request.headers(), "x-api-key"),
        body,
    }
}

fn shown(headers: &HeaderMap, name: &str) -> Shown {
    match headers.get(name) {
        None => Shown::Absent,
        Some(value) if value.is_sensitive() => Shown::Sensitive,
        Some(_) => Shown::Plain,
    }
}

fn respond(response: HandlerResponse) -> HttpResponse {
    let mut sent = HttpResponse::build(StatusCode::from_u16(response.status).unwrap());
    for (name, value) in response.headers {
        sent.append_header((name, value));
    }
    sent.body(response.body)
}

adapter_tests!(
    #[actix_web::test]
    Actix
);
