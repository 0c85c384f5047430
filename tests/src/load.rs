use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::sleep};

use crate::{Connection, Request, Response};

/// Clients that send one request after the other, each with its own connection and key. They end when
/// [`stop`](Self::stop) is called or the server ends.
#[derive(Debug)]
pub struct Load {
    clients: Vec<JoinHandle<Vec<Seen>>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicUsize,
    admitted: AtomicUsize,
}

/// The result of one request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Seen {
    /// The `X-Request-Id` of the request, which the audit log also has.
    pub request_id: String,
    /// The secret of the request's key.
    pub secret: String,
    /// When the request was sent.
    pub sent: Instant,
    /// When the response arrived, and its status. `None` means that the connection ended before.
    pub answer: Option<(Instant, u16)>,
}

impl Load {
    /// Starts a client for each secret in `secrets`. Request ids begin with `name`.
    #[must_use]
    pub fn start(to: SocketAddr, name: &str, secrets: impl IntoIterator<Item = String>) -> Self {
        Self::start_with_pauses(to, name, secrets, Duration::ZERO)
    }

    /// Starts clients like [`start`](Self::start), each of which waits for `pause` after each response.
    #[must_use]
    pub fn start_with_pauses(
        to: SocketAddr,
        name: &str,
        secrets: impl IntoIterator<Item = String>,
        pause: Duration,
    ) -> Self {
        let shared = Arc::<Shared>::default();
        let clients = (0..).zip(secrets).map(|(number, secret)| {
            let id = format!("{name}:{number}");
            tokio::spawn(client(to, id, secret, pause, Arc::clone(&shared)))
        });
        let clients = clients.collect();
        Self { clients, shared }
    }

    /// Returns the number of responses so far.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Returns the number of responses with status 200 so far.
    #[must_use]
    pub fn admitted(&self) -> usize {
        self.shared.admitted.load(Ordering::SeqCst)
    }

    /// Stops the clients after their current requests, and returns the results of all requests.
    pub async fn stop(self) -> Vec<Seen> {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.end().await
    }

    /// Waits until the server has ended, and returns the results of all requests.
    pub async fn end(self) -> Vec<Seen> {
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.unwrap());
        }
        all
    }
}

async fn client(
    to: SocketAddr,
    name: String,
    secret: String,
    pause: Duration,
    shared: Arc<Shared>,
) -> Vec<Seen> {
    let mut seen = Vec::new();
    let Ok(mut connection) = Connection::open(to).await else { return seen };
    for number in 0.. {
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let request_id = format!("{name}:{number}");
        let request = Request::post("/v1/echo", request_id.clone());
        let request = request.bearer(&secret).line("X-Request-Id", &request_id);
        let sent = Instant::now();
        let response = connection.send(&request).await;
        let answer = response.as_ref().ok().map(|response| (Instant::now(), response.status));
        shared.answered.fetch_add(usize::from(answer.is_some()), Ordering::SeqCst);
        shared
            .admitted
            .fetch_add(usize::from(answer.is_some_and(|(_, status)| status == 200)), Ordering::SeqCst);
        seen.push(Seen { request_id, secret: secret.clone(), sent, answer });
        match response {
            Ok(Response { lines, .. }) if !closes(&lines) => {}
            // The service does not read the body of a request that it denies.
            Ok(Response { status, .. }) if status != 200 => match Connection::open(to).await {
                Ok(another) => connection = another,
                Err(_) => break,
            },
            _ => break,
        }
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    seen
}

fn closes(lines: &[(String, String)]) -> bool {
    lines.iter().any(|(name, value)| name == "connection" && value == "close")
}
