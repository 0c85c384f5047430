use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    select,
    sync::watch,
    task::yield_now,
};

use crate::{conditions::Conditions, connection::Connection, progress::Progress, random::Random};

/// The number of connections that may wait for their acceptance.
const BACKLOG: u32 = 1_024;

/// Accepts connections and starts a task for each.
pub(crate) struct Acceptor {
    pub(crate) address: SocketAddr,
    pub(crate) target: SocketAddr,
    pub(crate) conditions: watch::Receiver<Conditions>,
    pub(crate) random: Random,
    pub(crate) progress: Arc<Progress>,
    pub(crate) random_cuts: Arc<AtomicU64>,
}

/// The socket of the network's port.
enum Port {
    Listening(TcpListener),
    /// The socket has the port, but does not listen. The system therefore refuses connections.
    Bound(TcpSocket),
}

impl Acceptor {
    /// Returns a socket that listens on a free port.
    pub(crate) fn listen() -> io::Result<TcpListener> {
        bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.listen(BACKLOG)
    }

    /// Accepts connections until the network is dropped.
    pub(crate) async fn run(mut self, listener: TcpListener) {
        let mut port = Port::Listening(listener);
        loop {
            let now = self.conditions.borrow_and_update().clone();
            port = match port {
                Port::Listening(listener) if now.refuses => {
                    drop(listener);
                    Port::Bound(bind_again(self.address).await)
                }
                Port::Bound(socket) if !now.refuses => {
                    Port::Listening(socket.listen(BACKLOG).expect("a socket that has its port"))
                }
                same => same,
            };
            self.progress.accept_under(now.version);
            let changed = match &port {
                Port::Bound(_) => self.conditions.changed().await,
                Port::Listening(listener) => select! {
                    changed = self.conditions.changed() => changed,
                    accepted = listener.accept() => {
                        // An error belongs to a client that has left already.
                        if let Ok((client, _)) = accepted {
                            self.start(client, now);
                        }
                        Ok(())
                    }
                },
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Starts the task of a connection, which is registered before the next version of the conditions applies to new
    /// connections.
    fn start(&mut self, client: TcpStream, now: Conditions) {
        // The network adds no delay of its own.
        let _ = client.set_nodelay(true);
        let connection = Connection {
            id: self.progress.begin(now.version),
            target: self.target,
            conditions: self.conditions.clone(),
            place: now.random_cuts.as_ref().map(|(range, how)| (self.random.place(range), *how)),
            accepted: now,
            progress: Arc::clone(&self.progress),
            random_cuts: Arc::clone(&self.random_cuts),
        };
        tokio::spawn(connection.serve(client));
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that ended a moment ago do not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Takes the port again. The system may need a moment to free it.
async fn bind_again(address: SocketAddr) -> TcpSocket {
    loop {
        match bind(address) {
            Ok(socket) => return socket,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
                yield_now().await;
            }
        }
    }
}
