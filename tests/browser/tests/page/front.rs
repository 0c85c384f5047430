use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

type Bytes = Arc<Mutex<Vec<u8>>>;

/// The address that the browser connects to. All bytes are passed to the service and back, and are kept. While the
/// front is down, connections end without a response. Dropping the value closes the address.
pub(crate) struct Front {
    pub(crate) origin: String,
    sent: Bytes,
    received: Bytes,
    up: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Front {
    pub(crate) async fn of(service: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (sent, received) = (Bytes::default(), Bytes::default());
        let (up, is_up) = watch::channel(true);
        let kept = (sent.clone(), received.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if *is_up.borrow() {
                    tokio::spawn(pass(client, service, kept.clone(), is_up.clone()));
                }
            }
        });
        Self { origin, sent, received, up, accepting }
    }

    /// Ends all connections, and all new ones until [`come_back`](Self::come_back).
    pub(crate) fn go_down(&self) {
        self.up.send_replace(false);
    }

    pub(crate) fn come_back(&self) {
        self.up.send_replace(true);
    }

    /// Returns how often the browser has sent a text.
    pub(crate) fn times_sent(&self, text: &str) -> usize {
        times(&self.sent, text)
    }

    /// Returns how often the service has sent a text.
    pub(crate) fn times_received(&self, text: &str) -> usize {
        times(&self.received, text)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    client: TcpStream,
    service: SocketAddr,
    kept: (Bytes, Bytes),
    mut is_up: watch::Receiver<bool>,
) {
    let Ok(server) = TcpStream::connect(service).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, &kept.0) => {}
        () = copy(from_server, to_client, &kept.1) => {}
        _ = is_up.wait_for(|up| !*up) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, kept: &Bytes) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        kept.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}

fn times(bytes: &Bytes, text: &str) -> usize {
    let bytes = bytes.lock().unwrap();
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}
