//! Tests of an actix-web server with two workers, over TCP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    rt, web,
};
use apikeys_actix::{
    ApiKeyMiddleware,
    apikeys_core::{ApiKeys, audit::Outcome},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, Version,
    body::{Bytes, Incoming},
    client::conn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

use crate::support::{Host, HostExt as _, Reply};

struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    ended: JoinHandle<std::io::Result<()>>,
    /// Notified when a request for `/wait` has arrived.
    arrived: Arc<Notify>,
    /// Lets the handler of `/wait` respond.
    answer: Arc<Notify>,
}

/// Starts a server whose handlers respond at once, except those of `/wait` and `/panic`.
fn serve(middleware: ApiKeyMiddleware) -> Server {
    serve_with(middleware, true)
}

fn serve_with(middleware: ApiKeyMiddleware, half_closed: bool) -> Server {
    let (arrived, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (arrived, answer) = (Arc::clone(&arrived), Arc::clone(&answer));
        move || {
            let (arrived, answer) = (Arc::clone(&arrived), Arc::clone(&answer));
            async move {
                arrived.notify_one();
                answer.notified().await;
                "handled"
            }
        }
    };
    let app = move || {
        App::new()
            .wrap(middleware.clone())
            .route("/wait", web::to(wait.clone()))
            .route("/panic", web::to(async || -> String { panic!("in the handler") }))
            .default_service(web::to(async || "handled"))
    };
    let server = HttpServer::new(app)
        .workers(2)
        .disable_signals()
        .h1_allow_half_closed(half_closed)
        .bind_auto_h2c(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    Server { address, handle: running.handle(), ended: rt::spawn(running), arrived, answer }
}

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

type Sent = hyper::Result<Response<Incoming>>;

/// Sends one request over a new connection, which is closed when the future is dropped.
async fn send(address: SocketAddr, version: Version, request: Request<Full<Bytes>>) -> Sent {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let response = if version == Version::HTTP_2 {
        let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), io).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    } else {
        let (mut sender, connection) = conn::http1::handshake(io).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    };
    assert_eq!(response.version(), version);
    Ok(response)
}

async fn get(address: SocketAddr, version: Version, path: &str, authorization: &[&str]) -> Reply {
    read(send(address, version, request(address, path, authorization)).await.unwrap()).await
}

fn request(address: SocketAddr, path: &str, authorization: &[&str]) -> Request<Full<Bytes>> {
    let mut request = Request::get(format!("http://{address}{path}")).header("host", address.to_string());
    for line in authorization {
        request = request.header("authorization", *line);
    }
    request.body(Full::default()).unwrap()
}

async fn read(response: Response<Incoming>) -> Reply {
    let mut headers = HeaderMap::new();
    for (name, value) in response.headers() {
        let name = HeaderName::from_bytes(name.as_ref()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let status = response.status().as_u16().try_into().unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Reply { status, headers, denial: None, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// Waits until the audit log has a request, and returns how the recorded requests ended.
async fn endings(host: &Host) -> Vec<(Outcome, Option<u16>)> {
    let noticed = async {
        loop {
            let endings = host.endings().await;
            if !endings.is_empty() {
                break endings;
            }
            rt::time::sleep(Duration::from_millis(5)).await;
        }
    };
    rt::time::timeout(Duration::from_secs(10), noticed).await.unwrap()
}

#[actix_web::test]
async fn two_authorization_lines_are_denied_without_a_read_from_the_store() {
    for version in VERSIONS {
        let host = Host::new().await;
        let Server { address, .. } = serve(host.middleware());
        let (bearer, before) = (host.bearer(), host.faults.all_calls());
        for second in [&*bearer, "Bearer other", "Basic azo=", ""] {
            let reply = get(address, version, "/", &[&bearer, second]).await;
            assert_eq!((reply.status.as_u16(), reply.code()), (400, "AMBIGUOUS_CREDENTIALS"), "{second:?}");
        }
        assert_eq!(host.faults.all_calls(), before);
        assert_eq!(get(address, version, "/", &[&bearer]).await.body, "handled");
        assert!(host.faults.all_calls() > before);
    }
}

#[actix_web::test]
async fn malformed_key_is_denied_without_a_read_from_the_store() {
    for version in VERSIONS {
        let host = Host::new().await;
        let Server { address, .. } = serve(host.middleware());
        let (bearer, before) = (host.bearer(), host.faults.all_calls());
        let last = if bearer.ends_with('x') { "y" } else { "x" };
        for line in [
            format!("{}{last}", &bearer[..bearer.len() - 1]), // a typing error
            format!("{bearer}x"),
            format!("Bearer {}", "x".repeat(5_000)),
        ] {
            let reply = get(address, version, "/", &[&line]).await;
            assert_eq!((reply.status.as_u16(), reply.code()), (401, "INVALID_API_KEY"), "{line}");
        }
        assert_eq!(host.faults.all_calls(), before);
    }
}

#[actix_web::test]
async fn actix_server_is_protected() {
    for version in VERSIONS {
        let host = Host::new().await;
        let Server { address, .. } = serve(host.middleware());
        let reply = get(address, version, "/", &[]).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "MISSING_API_KEY"));
        assert_eq!(reply.header("content-length"), Some(&*reply.body.len().to_string()));
        let reply = get(address, version, "/items?token=x", &[&host.bearer()]).await;
        assert_eq!((reply.body.as_str(), reply.header("ratelimit").is_some()), ("handled", true));
        let requests = host.requests().await;
        assert_eq!(requests[0].meta.path(), "/items");
        assert_eq!(requests[0].meta.client_ip(), Some(address.ip()));
    }
}

#[actix_web::test]
async fn denial_of_a_head_request_has_the_same_headers_as_the_denial_of_a_get_request() {
    for version in VERSIONS {
        let host = Host::new().await;
        let Server { address, .. } = serve(host.middleware());
        let mut head = request(address, "/", &[]);
        *head.method_mut() = hyper::Method::HEAD;
        let head = read(send(address, version, head).await.unwrap()).await;
        let get = get(address, version, "/", &[]).await;
        assert_eq!((head.status.as_u16(), &*head.body), (401, ""));
        for name in ["www-authenticate", "content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
            assert!(head.header(name).is_some(), "{name}");
        }
    }
}

#[actix_web::test]
async fn denied_upload_gets_its_response_although_the_body_is_not_read() {
    for version in VERSIONS {
        let host = Host::new().await;
        let Server { address, .. } = serve(host.middleware());
        let mut upload = request(address, "/", &[]);
        *upload.method_mut() = hyper::Method::POST;
        *upload.body_mut() = Full::new(Bytes::from(vec![b'x'; 1_000_000]));
        let reply = read(send(address, version, upload).await.unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "MISSING_API_KEY"));
    }
}

#[actix_web::test]
async fn handler_that_panics_is_one_aborted_event_and_its_worker_continues() {
    for version in VERSIONS {
        let host = Host::new().await;
        let Server { address, .. } = serve(host.middleware());
        let bearer = host.bearer();
        assert!(send(address, version, request(address, "/panic", &[&bearer])).await.is_err());
        assert_eq!(endings(&host).await, [(Outcome::Aborted, None)], "{version:?}");
        for _ in 0..4 {
            assert_eq!(get(address, version, "/", &[&bearer]).await.body, "handled");
        }
    }
}

/// Sends a request for `/wait`, and closes the connection when the request has arrived.
async fn leave(server: &Server, version: Version, line: &str) {
    let line = [line];
    tokio::select! {
        _ = get(server.address, version, "/wait", &line) => panic!("the handler responded"),
        () = server.arrived.notified() => {}
    }
}

#[actix_web::test]
async fn client_that_disconnects_is_one_aborted_event_without_half_closed_connections() {
    let host = Host::new().await;
    let server = serve_with(host.middleware(), false);
    leave(&server, Version::HTTP_11, &host.bearer()).await;
    assert_eq!(endings(&host).await, [(Outcome::Aborted, None)]);
}

#[actix_web::test]
async fn client_that_resets_the_connection_is_one_aborted_event() {
    let host = Host::new().await;
    let server = serve(host.middleware());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /wait HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\r\n", host.bearer());
    stream.write_all(request.as_bytes()).await.unwrap();
    server.arrived.notified().await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    assert_eq!(endings(&host).await, [(Outcome::Aborted, None)]);
}

/// As long as actix-web does not drop the request, the handler runs and its status is recorded.
#[actix_web::test]
async fn handler_that_ends_after_its_client_has_left_is_recorded_with_its_status() {
    for version in VERSIONS {
        let host = Host::new().await;
        let server = serve(host.middleware());
        leave(&server, version, &host.bearer()).await;
        // An aborted request would be recorded within this time.
        rt::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(host.endings().await, [], "{version:?}");
        server.answer.notify_one();
        assert_eq!(endings(&host).await, [(Outcome::Answered, Some(200))], "{version:?}");
    }
}

#[actix_web::test]
async fn limit_of_50_admits_exactly_50_of_200_concurrent_requests_to_two_workers() {
    let host = Host::with_limit(50).await;
    let Server { address, .. } = serve(host.middleware());
    let mut requests = JoinSet::new();
    for _ in 0..200 {
        let bearer = host.bearer();
        requests.spawn(async move { get(address, Version::HTTP_11, "/", &[&bearer]).await.status.as_u16() });
    }
    let mut statuses = requests.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 50].as_slice(), &[429; 150]].concat());
    assert_eq!(host.request_count().await, 50);
    let requests = host.requests().await;
    let (admitted, denied): (Vec<_>, Vec<_>) =
        requests.iter().partition(|request| request.outcome.is_admitted());
    assert_eq!(admitted.len(), 50);
    assert_eq!(denied.iter().map(|denial| denial.requests()).sum::<u32>(), 150);
}

/// The service starts and stops as the crate's page shows.
#[actix_web::test]
async fn request_that_runs_at_a_graceful_stop_gets_its_response_and_is_recorded() {
    let host = Host::new().await;
    let (keys, maintenance) = ApiKeys::builder(host.store.clone()).build().await.unwrap();
    let maintenance = rt::spawn(maintenance.run());
    let server = serve(ApiKeyMiddleware::new(keys.clone()));
    let (address, bearer) = (server.address, host.bearer());
    let request = rt::spawn(async move { get(address, Version::HTTP_11, "/wait", &[&bearer]).await });
    server.arrived.notified().await;
    assert!(keys.health().maintained, "the maintenance runs while the server runs");

    let stop = rt::spawn(server.handle.stop(true));
    server.answer.notify_one();
    assert_eq!(request.await.unwrap().body, "handled");
    stop.await.unwrap();
    server.ended.await.unwrap().unwrap();
    keys.shutdown().await.unwrap();
    maintenance.await.unwrap();
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200))]);
}

#[actix_web::test]
async fn request_that_runs_at_a_forced_stop_is_one_aborted_event() {
    let host = Host::new().await;
    let (keys, maintenance) = ApiKeys::builder(host.store.clone()).build().await.unwrap();
    rt::spawn(maintenance.run());
    let server = serve(ApiKeyMiddleware::new(keys.clone()));
    let (address, bearer) = (server.address, host.bearer());
    let request =
        rt::spawn(
            async move { send(address, Version::HTTP_11, request(address, "/wait", &[&bearer])).await },
        );
    server.arrived.notified().await;
    server.handle.stop(false).await;
    server.ended.await.unwrap().unwrap();
    keys.shutdown().await.unwrap();
    assert!(request.await.unwrap().is_err());
    assert_eq!(host.endings().await, [(Outcome::Aborted, None)]);
}
