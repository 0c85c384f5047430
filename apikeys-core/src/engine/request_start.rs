use crate::{Timestamp, clock::Monotonic, id::Tick};

/// The beginning of a request's verification.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestStart {
    /// The id of the request's event is made from the tick when the event is written. The tick orders the events of a
    /// process by their beginnings.
    pub(super) tick: Tick,
    /// The time of the event.
    pub(super) at: Timestamp,
    /// The point that the latency is measured from.
    pub(super) monotonic: Monotonic,
}
