use crate::Timestamp;

/// The state of the engine, for a health page or an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the engine accepts requests. The value is `false` once the shutdown has begun.
    pub accepting: bool,
    /// Whether [`Maintenance::run`](super::Maintenance::run) is running.
    pub maintained: bool,
    /// How many audit events are not written yet.
    pub buffered_events: usize,
    /// How many audit events may wait to be written before requests are denied.
    pub buffer_capacity: usize,
    /// How many keys have state in memory because they were used within the last minutes.
    pub live_keys: usize,
    /// Why the latest attempt to write the audit log failed. `None` means that the latest attempt succeeded.
    pub flush_failure: Option<FlushFailure>,
}

/// A failed attempt to write the audit log. The events are kept for the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushFailure {
    /// When the attempt failed.
    pub at: Timestamp,
    /// The operation that failed, and the kind of failure.
    pub message: String,
}
