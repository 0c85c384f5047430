use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::task::JoinHandle;

use crate::{Connection, Issued, Request, Response};

/// Clients that send one request after the other, each on its own connection and with its own
/// key, until they are told to stop or the server goes away.
#[derive(Debug)]
pub struct Load {
    clients: Vec<JoinHandle<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
}

/// What a client saw of one request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Seen {
    /// The id it sent as `X-Request-Id`, which is on the audit log.
    pub request_id: String,
    /// The key it used.
    pub secret: String,
    /// When the answer was there, and what it was; none if the connection ended before.
    pub answer: Option<(Instant, u16)>,
}

impl Load {
    /// Starts a client for each of `keys`. Request ids begin with `name`.
    #[must_use]
    pub fn start(to: SocketAddr, name: &str, keys: &[Issued]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..).zip(keys).map(|(number, key)| {
            let id = format!("{name}:{number}");
            tokio::spawn(client(to, id, key.secret.clone(), Arc::clone(&stop)))
        });
        let clients = clients.collect();
        Self { clients, stop }
    }

    /// Lets the clients finish the request they are at, and tells what they saw.
    pub async fn stop(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::SeqCst);
        self.end().await
    }

    /// Waits until the server has gone away, and tells what the clients saw.
    pub async fn end(self) -> Vec<Seen> {
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.unwrap());
        }
        all
    }
}

async fn client(to: SocketAddr, name: String, secret: String, stop: Arc<AtomicBool>) -> Vec<Seen> {
    let mut seen = Vec::new();
    let Ok(mut connection) = Connection::open(to).await else { return seen };
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let request_id = format!("{name}:{number}");
        let request = Request::post("/v1/echo", request_id.clone());
        let request = request.bearer(&secret).line("X-Request-Id", &request_id);
        let response = connection.send(&request).await;
        let answer = response.as_ref().ok().map(|response| (Instant::now(), response.status));
        seen.push(Seen { request_id, secret: secret.clone(), answer });
        match response {
            Ok(Response { lines, .. }) if !closes(&lines) => {}
            _ => break,
        }
    }
    seen
}

fn closes(lines: &[(String, String)]) -> bool {
    lines.iter().any(|(name, value)| name == "connection" && value == "close")
}
