//! A network for tests that fails on purpose.
//!
//! A [`FaultyNetwork`] listens on a port of 127.0.0.1 and forwards each connection to a server, such as a database. The
//! test can cut, refuse, delay, freeze and half-close the connections at any time, and can have each connection cut after
//! a random number of bytes, which means at a random point of the protocol.
//!
//! ```
//! use std::{io::Read, net::{TcpListener, TcpStream}};
//!
//! use apikeys_test_network::{Cut, FaultyNetwork};
//!
//! let server = TcpListener::bind("127.0.0.1:0").unwrap();
//! let network = FaultyNetwork::to(server.local_addr().unwrap());
//! let mut client = TcpStream::connect(network.address()).unwrap();
//! network.wait_until_accepted(1);
//! network.cut(Cut::Close);
//! assert_eq!(client.read(&mut [0]).unwrap(), 0);
//! ```
//!
//! The network runs on a thread of its own, so it works with every runtime and with none. A method that changes
//! the network blocks until the change applies to all connections.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod acceptor;
mod conditions;
mod connection;
mod network;
mod pipe;
mod progress;
mod random;

pub use self::{
    conditions::{Cut, Direction},
    network::FaultyNetwork,
};
