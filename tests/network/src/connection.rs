use std::{
    future::pending,
    net::{Shutdown, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{net::TcpStream, select, sync::watch};

use crate::{
    Cut, Direction,
    conditions::Conditions,
    pipe::{End, Pipe},
    progress::Progress,
    random::Place,
};

/// What a connection is told when it is accepted.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) target: SocketAddr,
    /// The conditions at the acceptance. Only later cuts and half-closes apply to the connection.
    pub(crate) accepted: Conditions,
    pub(crate) conditions: watch::Receiver<Conditions>,
    /// The place at which the connection is cut, and how.
    pub(crate) place: Option<(Place, Cut)>,
    pub(crate) progress: Arc<Progress>,
    /// The number of connections that were cut at their place.
    pub(crate) random_cuts: Arc<AtomicU64>,
}

impl Connection {
    /// Forwards data between the client and the server until the connection ends.
    pub(crate) async fn serve(mut self, client: TcpStream) {
        self.forward(client).await;
        self.progress.end(self.id);
    }

    async fn forward(&mut self, client: TcpStream) {
        let mut server = None;
        let [mut to_server, mut to_client] =
            Direction::BOTH.map(|direction| Pipe::new(self.cut_after(direction)));
        loop {
            let now = self.conditions.borrow_and_update().clone();
            if now.cuts > self.accepted.cuts {
                return end(client, server, now.cut);
            }
            if let Some(server) = &server {
                if now.closes(Direction::ToServer) > self.accepted.closes(Direction::ToServer) {
                    to_server.half_close(server);
                }
                if now.closes(Direction::ToClient) > self.accepted.closes(Direction::ToClient) {
                    to_client.half_close(&client);
                }
            }
            self.progress.apply(self.id, now.version);
            let Some(connected) = &server else {
                select! {
                    biased;
                    changed = self.conditions.changed() => if changed.is_err() { return },
                    stream = connect(self.target, now.frozen) => match stream {
                        Some(stream) => server = Some(stream),
                        // The client learns that there is no server.
                        None => return end(client, None, Cut::Reset),
                    },
                }
                continue;
            };
            let ended = select! {
                biased;
                changed = self.conditions.changed() => if changed.is_err() { return } else { continue },
                ended = flow(&mut to_server, &mut to_client, &client, connected, now.delay, now.frozen) => ended,
            };
            match ended {
                End::Cut => {
                    self.random_cuts.fetch_add(1, Ordering::SeqCst);
                    let how = self.place.map(|(_, how)| how).unwrap_or_default();
                    return end(client, server, how);
                }
                End::Reset => return end(client, server, Cut::Reset),
                End::Finished if to_server.is_finished() && to_client.is_finished() => return,
                End::Finished => {}
            }
        }
    }

    fn cut_after(&self, direction: Direction) -> Option<u64> {
        self.place.filter(|(place, _)| place.direction == direction).map(|(place, _)| place.bytes)
    }
}

/// Forwards data in both directions until something ends. Forwards nothing while the network is frozen.
async fn flow(
    to_server: &mut Pipe,
    to_client: &mut Pipe,
    client: &TcpStream,
    server: &TcpStream,
    delay: Duration,
    frozen: bool,
) -> End {
    if frozen {
        return pending().await;
    }
    select! {
        end = to_server.run(client, server, delay) => end,
        end = to_client.run(server, client, delay) => end,
    }
}

async fn connect(target: SocketAddr, frozen: bool) -> Option<TcpStream> {
    if frozen {
        return pending().await;
    }
    let stream = TcpStream::connect(target).await.ok()?;
    // The network adds no delay of its own.
    let _ = stream.set_nodelay(true);
    Some(stream)
}

/// Ends a connection on both sides.
fn end(client: TcpStream, server: Option<TcpStream>, cut: Cut) {
    let sides = [Some(client), server];
    for side in sides.into_iter().flatten() {
        match cut {
            Cut::Reset => {
                let _ = SockRef::from(&side).set_linger(Some(Duration::ZERO));
            }
            Cut::Close => {
                let _ = SockRef::from(&side).shutdown(Shutdown::Write);
                // Closing a socket with unread data would send RST.
                tokio::spawn(drain(side));
            }
        }
    }
}

/// Reads until the other side closes the connection too.
async fn drain(side: TcpStream) {
    let mut buffer = vec![0; 16 * 1024];
    while side.readable().await.is_ok() {
        match side.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
