//! Tests of a hyper server, over TCP.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use apikeys_tower::{PeerAddr, apikeys_core::audit::Outcome};
use http::{Request, Response, Version};
use http_body_util::{Empty, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn,
    server::conn::{http1, http2},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tower::{Layer, ServiceBuilder, service_fn};

use crate::support::{Host, HostExt as _, Reply};

/// Starts a server whose handler responds at once, but never to a request for `/wait`. `arrived` is notified of
/// each request for `/wait`.
async fn serve(host: &Host, version: Version, arrived: Arc<Notify>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = service_fn(move |request: Request<Incoming>| {
        let arrived = Arc::clone(&arrived);
        async move {
            if request.uri().path() == "/wait" {
                arrived.notify_one();
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"handled"))))
        }
    });
    let protected = host.layer().layer(handler);
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let service = ServiceBuilder::new()
                .map_request(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(PeerAddr::from(peer));
                    request
                })
                .service(protected.clone());
            let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service));
            if version == Version::HTTP_2 {
                tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service));
            } else {
                tokio::spawn(http1::Builder::new().serve_connection(io, service));
            }
        }
    });
    address
}

/// Sends one request over a new connection, which is closed when the future is dropped.
async fn request(address: SocketAddr, version: Version, path: &str, authorization: &[&str]) -> Reply {
    let mut request = Request::get(format!("http://{address}{path}")).header("host", address.to_string());
    for line in authorization {
        request = request.header("authorization", *line);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let response = if version == Version::HTTP_2 {
        let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    assert_eq!(response.version(), version);
    Reply::read(response).await
}

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

#[tokio::test]
async fn two_authorization_lines_are_denied_without_a_read_from_the_store() {
    for version in VERSIONS {
        let host = Host::new().await;
        let address = serve(&host, version, Arc::default()).await;
        let (bearer, before) = (host.bearer(), host.faults.all_calls());
        for second in [&*bearer, "Bearer other", "Basic azo=", ""] {
            let reply = request(address, version, "/", &[&bearer, second]).await;
            assert_eq!((reply.status.as_u16(), reply.code()), (400, "AMBIGUOUS_CREDENTIALS"), "{second:?}");
        }
        assert_eq!(host.faults.all_calls(), before);
        assert_eq!(request(address, version, "/", &[&bearer]).await.body, "handled");
        assert!(host.faults.all_calls() > before);
    }
}

#[tokio::test]
async fn malformed_key_is_denied_without_a_read_from_the_store() {
    for version in VERSIONS {
        let host = Host::new().await;
        let address = serve(&host, version, Arc::default()).await;
        let (bearer, before) = (host.bearer(), host.faults.all_calls());
        let last = if bearer.ends_with('x') { "y" } else { "x" };
        for line in [
            format!("{}{last}", &bearer[..bearer.len() - 1]), // a typing error
            format!("{bearer}x"),
            format!("Bearer {}", "x".repeat(5_000)),
        ] {
            let reply = request(address, version, "/", &[&line]).await;
            assert_eq!((reply.status.as_u16(), reply.code()), (401, "INVALID_API_KEY"), "{line}");
        }
        assert_eq!(host.faults.all_calls(), before);
    }
}

#[tokio::test]
async fn plain_hyper_server_is_protected() {
    for version in VERSIONS {
        let host = Host::new().await;
        let address = serve(&host, version, Arc::default()).await;
        let reply = request(address, version, "/", &[]).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "MISSING_API_KEY"));
        assert_eq!(reply.header("content-length"), Some(&*reply.body.len().to_string()));
        let reply = request(address, version, "/items?token=x", &[&host.bearer()]).await;
        assert_eq!((reply.body.as_str(), reply.header("ratelimit").is_some()), ("handled", true));
        let requests = host.requests().await;
        assert_eq!(requests[0].meta.path(), "/items");
        assert_eq!(requests[0].meta.client_ip(), Some(address.ip()));
    }
}

#[tokio::test]
async fn client_that_disconnects_is_one_aborted_event() {
    for version in VERSIONS {
        let host = Host::new().await;
        let arrived = Arc::new(Notify::new());
        let address = serve(&host, version, Arc::clone(&arrived)).await;
        let bearer = host.bearer();
        let line = [&*bearer];
        tokio::select! {
            _ = request(address, version, "/wait", &line) => panic!("the handler responded"),
            () = arrived.notified() => {}
        }
        let noticed = async {
            loop {
                let requests = host.requests().await;
                if !requests.is_empty() {
                    break requests;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let requests = tokio::time::timeout(Duration::from_secs(10), noticed).await.unwrap();
        assert_eq!(requests.len(), 1, "{version:?}");
        assert_eq!((&requests[0].outcome, requests[0].status), (&Outcome::Aborted, None));
    }
}
