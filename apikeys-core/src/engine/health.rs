use crate::Timestamp;

/// How the engine is doing, for a health page or an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether requests are let in: false once the shutdown has begun.
    pub accepting: bool,
    /// Whether the maintenance is being run.
    pub maintained: bool,
    /// Audit events that are not written yet.
    pub buffered_events: usize,
    /// How many may wait before requests are refused.
    pub buffer_capacity: usize,
    /// Keys whose rate limit window counts something.
    pub live_keys: usize,
    /// The latest flush, if it failed.
    pub flush_failure: Option<FlushFailure>,
}

/// A flush of audit events that failed. The events wait for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushFailure {
    /// When.
    pub at: Timestamp,
    /// Why, in general.
    pub message: String,
}
