use std::{net::SocketAddr, time::Duration};

use apikeys_tests::{Connection, Request, Response, on_each_framework};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::support::{Service, request};

on_each_framework![
    client_that_sends_3_mb_before_it_reads_gets_the_response,
    connection_stays_open_after_a_discarded_body,
    body_that_never_ends_gets_the_response_after_5_seconds,
    declared_length_above_the_cap_gets_the_response_at_once,
    chunks_above_the_cap_get_the_response_at_once,
    client_that_never_stops_sending_gets_the_response,
];

const MB: usize = 1_000_000;

/// The maximum number of bytes of a body that are read and discarded, 8 MiB.
const CAP: usize = 8 * 1024 * 1024;

/// The time limit of a response that does not depend on the manual clock.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Returns a request for every error that can leave a body unread, and two requests whose body is ignored.
fn answers_that_leave_a_body_unread() -> Vec<(Request, u16)> {
    let unknown = "/keys/aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let json = |request: Request| request.line("Content-Type", "application/json");
    vec![
        (json(request("POST", "/keys")), 413),
        (request("POST", "/keys"), 413),
        (json(request("POST", "/keys")).without("X-Demo-Admin"), 401),
        (json(request("POST", "/keys")).line("Sec-Fetch-Site", "cross-site"), 403),
        (json(request("POST", "/nothing")), 404),
        (json(request("PATCH", unknown)), 404),
        (json(request("DELETE", unknown)), 404),
        (json(request("PUT", "/keys")), 405),
        (request("GET", "/keys"), 200),
    ]
}

/// Writes the whole request before reading the response, as Python's `http.client` does. During the pause, a server
/// that does not read the body would respond and reset the connection.
async fn write_and_then_read(connection: &mut Connection, request: &Request) -> Response {
    let bytes = request.to_bytes();
    let (first, rest) = bytes.split_at(64 * 1024);
    connection.write(first).await.unwrap();
    sleep(Duration::from_millis(30)).await;
    let written = timeout(AT_ONCE, connection.write(rest)).await.unwrap();
    written.unwrap_or_else(|error| panic!("the request was not written: {error}"));
    timeout(AT_ONCE, connection.read()).await.unwrap().unwrap()
}

/// Runs `check` for every response that leaves a body unread, all at the same time.
async fn for_each_answer<F>(address: SocketAddr, check: impl Fn(SocketAddr, Request, u16, String) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut checks = JoinSet::new();
    for (request, status) in answers_that_leave_a_body_unread() {
        let case = format!("{} {} ({status})", request.method(), request.path());
        checks.spawn(check(address, request, status, case));
    }
    checks.join_all().await;
}

async fn client_that_sends_3_mb_before_it_reads_gets_the_response(framework: &str) {
    let service = Service::start(framework, "https://app.example.com").await;
    for_each_answer(service.server.address, |address, request, status, case| async move {
        let request = request.body(vec![b' '; 3 * MB]);
        for round in 0..10 {
            let mut connection = Connection::open(address).await.unwrap();
            let response = write_and_then_read(&mut connection, &request).await;
            assert_eq!(response.status, status, "{case}, round {round}");
        }
    })
    .await;
}

async fn connection_stays_open_after_a_discarded_body(framework: &str) {
    let service = Service::start(framework, "https://app.example.com").await;
    let mut connection = Connection::open(service.server.address).await.unwrap();
    for (request, status) in answers_that_leave_a_body_unread() {
        let response = write_and_then_read(&mut connection, &request.body(vec![b' '; 3 * MB])).await;
        assert_eq!((response.status, response.header("connection")), (status, None));
    }
}

/// Sends the head of `request` with these header lines, and not the body.
async fn begin(address: SocketAddr, request: Request, length: &str) -> Connection {
    let mut connection = Connection::open(address).await.unwrap();
    // A POST request without a body has `Content-Length: 0`, which is removed here.
    let head = String::from_utf8(request.to_bytes()).unwrap().replace("Content-Length: 0\r\n", "");
    let head = head.replace("\r\n\r\n", &format!("\r\n{length}\r\n\r\n"));
    connection.write(head.as_bytes()).await.unwrap();
    connection
}

/// Reads the response, which must announce that the connection will be closed.
async fn assert_answered(connection: &mut Connection, status: u16, case: &str) {
    let response = timeout(AT_ONCE, connection.read()).await;
    let response = response.unwrap_or_else(|_| panic!("{case} was not answered")).unwrap();
    assert_eq!((response.status, response.header("connection")), (status, Some("close")), "{case}");
}

async fn assert_answered_and_closed(connection: &mut Connection, status: u16, case: &str) {
    assert_answered(connection, status, case).await;
    let end = timeout(AT_ONCE, connection.read_head()).await;
    assert!(end.unwrap_or_else(|_| panic!("{case}: the connection stays open")).is_err(), "{case}");
}

async fn body_that_never_ends_gets_the_response_after_5_seconds(framework: &str) {
    for (request, status) in answers_that_leave_a_body_unread() {
        let case = format!("{} {} ({status})", request.method(), request.path());
        let service = Service::start(framework, "https://app.example.com").await;
        let mut connection = begin(service.server.address, request, "Content-Length: 3000000").await;
        connection.write(&vec![b' '; MB]).await.unwrap();
        let waits = async {
            while service.clock.sleepers() == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(AT_ONCE, waits).await.unwrap_or_else(|_| panic!("{case}: nothing waits for the body"));
        service.clock.advance(Duration::from_millis(4_999)).await;
        let early = timeout(Duration::from_millis(100), connection.read_head()).await;
        assert!(early.is_err(), "{case} was answered too early: {early:?}");
        service.clock.advance(Duration::from_millis(1)).await;
        assert_answered_and_closed(&mut connection, status, &case).await;
    }
}

/// The clock does not move, so only the cap can end the wait.
async fn declared_length_above_the_cap_gets_the_response_at_once(framework: &str) {
    let service = Service::start(framework, "https://app.example.com").await;
    for_each_answer(service.server.address, |address, request, status, case| async move {
        let mut connection = begin(address, request, &format!("Content-Length: {}", CAP + 1)).await;
        assert_answered_and_closed(&mut connection, status, &case).await;
    })
    .await;
}

/// The test does not check that the connection is closed, because actix-web discards all chunks.
async fn chunks_above_the_cap_get_the_response_at_once(framework: &str) {
    let service = Service::start(framework, "https://app.example.com").await;
    for_each_answer(service.server.address, |address, request, status, case| async move {
        let mut connection = begin(address, request, "Transfer-Encoding: chunked").await;
        let mut chunk = format!("{CAP:x}\r\n").into_bytes();
        chunk.resize(chunk.len() + CAP, b' ');
        chunk.extend_from_slice(b"\r\n");
        connection.write(&chunk).await.unwrap();
        let early = timeout(Duration::from_millis(100), connection.read_head()).await;
        assert!(early.is_err(), "{case} was answered within the cap: {early:?}");
        connection.write(b"1\r\n ").await.unwrap();
        assert_answered(&mut connection, status, &case).await;
    })
    .await;
}

async fn client_that_never_stops_sending_gets_the_response(framework: &str) {
    let service = Service::start(framework, "https://app.example.com").await;
    for_each_answer(service.server.address, |address, request, status, case| async move {
        let mut connection = begin(address, request, "Transfer-Encoding: chunked").await;
        let mut chunk = b"10000\r\n".to_vec();
        chunk.resize(chunk.len() + 0x1_0000, b' ');
        chunk.extend_from_slice(b"\r\n");
        let mut sent = 0;
        // The client notices the response while it sends, as most clients do.
        let response = loop {
            let written = timeout(AT_ONCE, connection.write(&chunk)).await.unwrap();
            sent += 0x1_0000;
            assert!(sent < 64 * MB, "{case}: the body is read without end");
            if let Ok(response) = timeout(Duration::ZERO, connection.read()).await {
                break response.unwrap();
            }
            assert!(written.is_ok(), "{case}: {written:?}");
        };
        assert_eq!(response.status, status, "{case}");
        assert!(sent >= CAP, "{case} was answered after {sent} bytes");
    })
    .await;
}

/// hyper sends `100 Continue` when the body is first read. Here the body is not read, so the client need not send it.
#[tokio::test]
async fn client_that_waits_for_100_continue_gets_the_final_response_on_axum() {
    let service = Service::start("axum", "https://app.example.com").await;
    for_each_answer(service.server.address, |address, request, status, case| async move {
        let lines = "Expect: 100-continue\r\nContent-Length: 3000000";
        let mut connection = begin(address, request, lines).await;
        assert_answered_and_closed(&mut connection, status, &case).await;
    })
    .await;
}

/// actix-web sends `100 Continue` before it calls a handler.
#[tokio::test]
async fn client_that_waits_for_100_continue_is_asked_for_the_body_on_actix() {
    let service = Service::start("actix", "https://app.example.com").await;
    for_each_answer(service.server.address, |address, request, status, case| async move {
        let lines = "Expect: 100-continue\r\nContent-Length: 3000000";
        let mut connection = begin(address, request, lines).await;
        let proceed = timeout(AT_ONCE, connection.read_head()).await.unwrap().unwrap();
        assert_eq!(proceed.status, 100, "{case}");
        connection.write(&vec![b' '; 3 * MB]).await.unwrap();
        let response = timeout(AT_ONCE, connection.read()).await.unwrap().unwrap();
        assert_eq!(response.status, status, "{case}");
    })
    .await;
}
