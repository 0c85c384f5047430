use std::{ops::RangeInclusive, time::Duration};

/// How a connection is cut, on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests run for each kind")]
pub enum Cut {
    /// With RST. Reading and writing fail, and data on its way is lost.
    #[default]
    Reset,
    /// With FIN. Reading finds the end of the data, as if the other side had closed the connection.
    Close,
}

/// A direction of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no third direction")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both directions.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];
}

/// The state of the network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    /// Increases with each change of the conditions.
    pub(crate) version: u64,
    pub(crate) refuses: bool,
    pub(crate) frozen: bool,
    /// The time by which each chunk of data is delayed.
    pub(crate) delay: Duration,
    /// Increases when all connections are to be cut.
    pub(crate) cuts: u64,
    /// How connections are cut when `cuts` increases.
    pub(crate) cut: Cut,
    /// Increases when all connections are to be half-closed towards the server.
    pub(crate) closes_to_server: u64,
    /// Increases when all connections are to be half-closed towards the client.
    pub(crate) closes_to_client: u64,
    /// The range of the number of bytes after which new connections are cut.
    pub(crate) random_cuts: Option<(RangeInclusive<u64>, Cut)>,
}

impl Conditions {
    pub(crate) const fn closes(&self, direction: Direction) -> u64 {
        match direction {
            Direction::ToServer => self.closes_to_server,
            Direction::ToClient => self.closes_to_client,
        }
    }
}
