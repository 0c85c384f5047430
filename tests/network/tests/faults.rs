//! Each fault of the network, between clients and an echo server.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use apikeys_test_network::{Cut, Direction, FaultyNetwork};

const PATIENCE: Duration = Duration::from_secs(30);

/// How a connection ended at the echo server.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    received: Vec<u8>,
    /// The kind of the error, or `None` if the server read to the end.
    error: Option<ErrorKind>,
}

/// A server that returns what it receives. When it has read to the end, it sends `bye` and closes the connection.
struct Echo {
    address: SocketAddr,
    ended: Receiver<Ended>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, ended) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (sender, stream) = (sender.clone(), stream.unwrap());
                thread::spawn(move || sender.send(serve(stream)));
            }
        });
        Self { address, ended }
    }

    fn next_end(&self) -> Ended {
        self.ended.recv_timeout(PATIENCE).expect("a connection ends at the server")
    }
}

fn serve(mut stream: TcpStream) -> Ended {
    stream.set_nodelay(true).unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => {
                let _ = stream.write_all(b"bye");
                return Ended { received, error: None };
            }
            Ok(read) => {
                received.extend_from_slice(&buffer[..read]);
                // The client may not read any more.
                let _ = stream.write_all(&buffer[..read]);
            }
            Err(error) => return Ended { received, error: Some(error.kind()) },
        }
    }
}

fn connect(network: &FaultyNetwork) -> TcpStream {
    let stream = TcpStream::connect(network.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `text` and reads it back, and returns the time that this took.
fn echo(stream: &mut TcpStream, text: &str) -> Duration {
    let begin = Instant::now();
    stream.write_all(text.as_bytes()).unwrap();
    let mut received = vec![0; text.len()];
    stream.read_exact(&mut received).unwrap();
    assert_eq!(received, text.as_bytes());
    begin.elapsed()
}

fn rest(stream: &mut TcpStream) -> Result<String, ErrorKind> {
    let mut received = String::new();
    stream.read_to_string(&mut received).map(|_| received).map_err(|error| error.kind())
}

#[test]
fn network_without_faults_forwards_all_data_and_both_ends() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut clients = Vec::new();
    for number in 0..20_u32 {
        let mut stream = connect(&network);
        clients.push(thread::spawn(move || {
            let data: Vec<u8> =
                (0..500_000_u32).map(|at| (at.wrapping_mul(31) ^ number).to_le_bytes()[0]).collect();
            let mut sending = stream.try_clone().unwrap();
            let sent = data.clone();
            let sender = thread::spawn(move || {
                sending.write_all(&sent).unwrap();
                sending.shutdown(Shutdown::Write).unwrap();
            });
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            sender.join().unwrap();
            assert!(received == [&data[..], b"bye"].concat(), "{} bytes", received.len());
        }));
    }
    for client in clients {
        client.join().unwrap();
        assert_eq!(server.next_end().error, None);
    }
    assert_eq!(network.accepted(), 20);
}

#[test]
fn cut_with_reset_fails_reading_on_both_sides_and_spares_new_connections() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let (mut one, mut two) = (connect(&network), connect(&network));
    echo(&mut one, "one");
    echo(&mut two, "two");
    network.cut(Cut::Reset);
    for stream in [&mut one, &mut two] {
        assert_eq!(rest(stream), Err(ErrorKind::ConnectionReset));
        assert_eq!(server.next_end().error, Some(ErrorKind::ConnectionReset));
    }
    echo(&mut connect(&network), "three");
}

#[test]
fn cut_with_close_ends_the_data_on_both_sides() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "one");
    network.cut(Cut::Close);
    assert_eq!(rest(&mut stream), Ok(String::new()));
    // No reset follows, which would make the second write fail.
    for _ in 0..2 {
        stream.write_all(b"ignored").unwrap();
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.next_end(), Ended { received: b"one".to_vec(), error: None });
}

#[test]
fn cut_affects_connections_that_were_accepted_just_before() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    for round in 1..=200 {
        let mut streams: Vec<_> = (0..3).map(|_| connect(&network)).collect();
        network.wait_until_accepted(3 * round);
        network.cut(Cut::Close);
        for stream in &mut streams {
            assert_eq!(rest(stream), Ok(String::new()));
        }
    }
}

#[test]
fn refused_connections_fail_at_once_and_existing_ones_go_on() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "before");
    for _ in 0..20 {
        network.refuse();
        let error = TcpStream::connect(network.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        echo(&mut stream, "still");
        network.accept();
        echo(&mut connect(&network), "again");
    }
}

#[test]
fn delay_applies_to_each_direction_until_it_is_removed() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "fast");
    network.delay(Duration::from_millis(150));
    let slow = echo(&mut stream, "slow");
    assert!(slow >= Duration::from_millis(300), "{slow:?}");
    network.delay(Duration::ZERO);
    // The fastest of several attempts does not depend on what else the machine does.
    let fast = (0..20).map(|_| echo(&mut stream, "fast")).min().unwrap();
    assert!(fast < Duration::from_millis(150), "{fast:?}");
}

#[test]
fn frozen_network_accepts_connections_and_forwards_nothing_until_it_thaws() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut old = connect(&network);
    echo(&mut old, "before");
    network.freeze();
    let mut new = connect(&network);
    for stream in [&mut old, &mut new] {
        stream.write_all(b"frozen").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert_eq!(stream.read(&mut [0; 6]).unwrap_err().kind(), ErrorKind::WouldBlock);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    network.thaw();
    for stream in [&mut old, &mut new] {
        let mut received = [0; 6];
        stream.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"frozen");
        echo(stream, "after");
    }
}

#[test]
fn frozen_connections_can_be_cut() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut old = connect(&network);
    echo(&mut old, "before");
    network.freeze();
    let mut new = connect(&network);
    network.wait_until_accepted(2);
    network.cut(Cut::Reset);
    assert_eq!(rest(&mut old), Err(ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut new), Err(ErrorKind::ConnectionReset));
}

#[test]
fn half_close_towards_the_server_ends_only_what_the_server_receives() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "before");
    network.half_close(Direction::ToServer);
    assert_eq!(server.next_end(), Ended { received: b"before".to_vec(), error: None });
    // The client can still write, and receives what the server has sent.
    stream.write_all(b"dropped").unwrap();
    assert_eq!(rest(&mut stream), Ok("bye".to_owned()));
}

#[test]
fn half_close_towards_the_client_ends_only_what_the_client_receives() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "before");
    network.half_close(Direction::ToClient);
    assert_eq!(rest(&mut stream), Ok(String::new()));
    stream.write_all(b" and after").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.next_end(), Ended { received: b"before and after".to_vec(), error: None });
}

/// How a connection with a random cut ended: the number of bytes that the server received, and the number
/// that the client received.
fn random_ends(seed: u64, connections: usize) -> Vec<(usize, usize)> {
    let server = Echo::start();
    let network = FaultyNetwork::with_seed(server.address, seed);
    network.cut_at_random(Some((10..=40, Cut::Close)));
    let ends = (0..connections).map(|_| {
        let mut stream = connect(&network);
        let mut received = Vec::new();
        // Each byte is echoed before the next one, so that both directions advance together.
        loop {
            let mut byte = [0];
            if stream.write_all(b"x").is_err() || !matches!(stream.read(&mut byte), Ok(1)) {
                break;
            }
            received.push(byte[0]);
        }
        (server.next_end().received.len(), received.len())
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(network.random_cuts(), u64::try_from(connections).unwrap());
    network.cut_at_random(None);
    echo(&mut connect(&network), &"long ".repeat(100));
    ends
}

#[test]
fn random_cuts_are_at_exact_places_that_the_seed_determines() {
    let ends = random_ends(7, 40);
    // After a cut towards the server, the last byte was not echoed.
    let towards_server = ends.iter().filter(|(server, client)| *client + 1 == *server).count();
    let towards_client = ends.iter().filter(|(server, client)| client == server).count();
    assert_eq!(towards_server + towards_client, 40, "{ends:?}");
    assert!(towards_server > 8 && towards_client > 8, "{ends:?}");
    let bytes: std::collections::HashSet<_> = ends.iter().map(|(server, _)| *server).collect();
    assert!(bytes.iter().all(|bytes| (10..=40).contains(bytes)) && bytes.len() > 10, "{bytes:?}");
    assert_eq!(random_ends(7, 40), ends, "the same seed cuts at the same places");
    assert_ne!(random_ends(8, 40), ends, "another seed cuts at other places");
}

#[test]
fn random_cut_within_a_chunk_forwards_the_beginning_of_the_chunk() {
    let server = Echo::start();
    for (seed, cut) in [(1, Cut::Reset), (2, Cut::Reset), (3, Cut::Close), (4, Cut::Close), (5, Cut::Close)] {
        let network = FaultyNetwork::with_seed(server.address, seed);
        network.cut_at_random(Some((5..=5, cut)));
        let mut stream = connect(&network);
        stream.write_all(b"0123456789").unwrap();
        let mut received = Vec::new();
        let end = stream.read_to_end(&mut received).map_err(|error| error.kind());
        let at_server = server.next_end().received;
        match cut {
            Cut::Reset => assert_eq!(end, Err(ErrorKind::ConnectionReset)),
            Cut::Close => {
                assert_eq!(end.map(drop), Ok(()));
                // One direction was cut after five bytes.
                assert!(received == b"01234" || at_server == b"01234", "{received:?} {at_server:?}");
            }
        }
    }
}

#[test]
fn client_that_leaves_is_seen_by_the_server() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "one");
    drop(stream);
    assert_eq!(server.next_end(), Ended { received: b"one".to_vec(), error: None });
}

#[test]
fn connection_to_a_stopped_server_is_reset() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let network = FaultyNetwork::to(address);
    assert_eq!(rest(&mut connect(&network)), Err(ErrorKind::ConnectionReset));
}

#[test]
fn url_of_the_network_differs_only_in_its_address() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let port = network.address().port();
    assert_eq!(
        network.url("postgres://me:secret@localhost:5432/db?sslmode=disable"),
        format!("postgres://me:secret@127.0.0.1:{port}/db?sslmode=disable"),
    );
}

#[test]
fn network_before_a_url_reaches_its_server() {
    let server = Echo::start();
    let network = FaultyNetwork::before(&format!("postgres://me@localhost:{}/db", server.address.port()));
    echo(&mut connect(&network), "one");
}

#[test]
fn dropped_network_ends_its_connections() {
    let server = Echo::start();
    let network = FaultyNetwork::to(server.address);
    let mut stream = connect(&network);
    echo(&mut stream, "one");
    let address = network.address();
    drop(network);
    assert!(!matches!(stream.read(&mut [0]), Ok(1)));
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
