use crate::Timestamp;

/// The engine's state, for a health page or an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether requests may begin; false once the shutdown has begun.
    pub accepting: bool,
    /// Whether the maintenance is running.
    pub maintained: bool,
    /// How many audit events are not written yet.
    pub buffered_events: usize,
    /// How many audit events may wait before requests are refused.
    pub buffer_capacity: usize,
    /// How many keys were used within the last minutes and are held in memory.
    pub live_keys: usize,
    /// Why the latest flush failed; `None` if it succeeded.
    pub flush_failure: Option<FlushFailure>,
}

/// A failed attempt to write the audit log. The events are kept for the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushFailure {
    /// When the attempt failed.
    pub at: Timestamp,
    /// The operation that failed, and why in general.
    pub message: String,
}
