use crate::{Timestamp, limiter::LimiterState};

/// The state of the [engine](super), for a health page or an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// True until the shutdown begins. Afterwards, the engine refuses all requests.
    pub accepting: bool,
    /// True while [`Maintenance::run`](super::Maintenance::run) is running.
    pub maintained: bool,
    /// The number of audit events that are not written yet.
    pub buffered_events: usize,
    /// The maximum number of audit events that may wait to be written.
    pub buffer_capacity: usize,
    /// The number of keys that use memory because they had requests within the last minutes.
    pub live_keys: usize,
    /// The number of secrets in the cache. Their keys had requests within the last minutes.
    pub cached_secrets: usize,
    /// True while verifications may use the cache. While this field is false, each verification reads the store. The
    /// field is false if the store has not responded for the length of the
    /// [`cache_lease`](super::Builder::cache_lease), if the store does not support the cache, after
    /// [`without_cache`](super::Builder::without_cache), and while [`Maintenance::run`](super::Maintenance::run) is not
    /// running.
    pub cache_in_use: bool,
    /// Whether the limiter counts the requests of all instances together.
    pub limiter: LimiterState,
    /// Whether other instances are registered in the store while the limiter counts the requests of this instance only.
    /// Each instance then admits as many requests as a limit allows. A limiter that all instances share prevents that. The
    /// engine looks for other instances once a minute. An instance that has crashed may still be registered.
    pub instances_limit_alone: bool,
    /// The failure of the latest attempt to write the audit log. `None` means that the latest attempt
    /// succeeded.
    pub flush_failure: Option<FlushFailure>,
}

/// A failed attempt to write the audit log. The events are kept for the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushFailure {
    /// The time at which the attempt failed.
    pub at: Timestamp,
    /// The operation that failed, and the kind of failure.
    pub message: String,
}
