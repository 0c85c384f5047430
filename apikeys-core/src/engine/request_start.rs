use crate::{Timestamp, clock::Monotonic, id::EventId};

/// The beginning of a request's verification.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestStart {
    /// The id of the request's event, which orders the events of a process by their beginnings.
    pub(super) id: EventId,
    /// The time of the event.
    pub(super) at: Timestamp,
    /// The point that the latency is measured from.
    pub(super) monotonic: Monotonic,
}
