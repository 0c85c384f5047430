use std::{
    error::Error,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    clock::{Clock, Monotonic},
    denial::Denial,
    id::KeyId,
    plan::PlanName,
    store::StoreError,
    text::excerpt,
    token::Scheme,
    warning::NotifyError,
};

/// The shortest time between two log lines about the same problem.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// The maximum number of characters of a text that comes from the store or its database.
const MAX_CHARS: usize = 256;

/// Writes the engine's log lines and, with the feature `metrics`, its metrics.
///
/// No log line and no metric contains a secret, and only log lines contain key ids. A problem that affects
/// every request is logged once per interval, with the number of lines that were suppressed since.
#[derive(Debug)]
pub(super) struct Observer {
    clock: Arc<dyn Clock>,
    not_maintained: AtomicBool,
    instances_limit_alone: AtomicBool,
    store_failed: Throttle,
    unknown_plan: Throttle,
    missing_pepper: Throttle,
    flush_failed: Throttle,
    event_refused: Throttle,
    warning_failed: Throttle,
    warning_without_recipients: Throttle,
}

impl Observer {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            not_maintained: AtomicBool::new(false),
            instances_limit_alone: AtomicBool::new(false),
            store_failed: Throttle::default(),
            unknown_plan: Throttle::default(),
            missing_pepper: Throttle::default(),
            flush_failed: Throttle::default(),
            event_refused: Throttle::default(),
            warning_failed: Throttle::default(),
            warning_without_recipients: Throttle::default(),
        }
    }

    pub(super) fn admitted(&self) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_verifications_total", "outcome" => "admitted").increment(1);
    }

    pub(super) fn denied(&self, denial: &Denial, key: Option<KeyId>) {
        let code = denial.code_text();
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_verifications_total", "outcome" => code).increment(1);
        match key {
            Some(key) => tracing::debug!(code, %key, "request denied"),
            None => tracing::debug!(code, "request denied"),
        }
    }

    pub(super) fn store_failed(&self, error: &StoreError) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_store_failures_total", "operation" => error.operation()).increment(1);
        if let Some(suppressed) = self.may_log(&self.store_failed) {
            tracing::warn!(%error, cause = cause(error), suppressed, "the key store failed");
        }
    }

    pub(super) fn unknown_plan(&self, plan: &PlanName) {
        if let Some(suppressed) = self.may_log(&self.unknown_plan) {
            tracing::error!(
                %plan,
                suppressed,
                "an organization is on a plan that is not in the catalogue: its keys cannot be verified"
            );
        }
    }

    pub(super) fn missing_pepper(&self, scheme: &Scheme) {
        if let Some(suppressed) = self.may_log(&self.missing_pepper) {
            tracing::error!(
                scheme = excerpt(&scheme.to_string(), MAX_CHARS),
                suppressed,
                "keys are stored under a scheme that this process cannot verify: unknown keys are answered \
                 with VERIFICATION_UNAVAILABLE"
            );
        }
    }

    /// Logs a warning, once, that the maintenance is not running.
    pub(super) fn not_maintained(&self) {
        if !self.not_maintained.swap(true, Ordering::Relaxed) {
            tracing::warn!("the maintenance is not running: each request waits until its event is written");
        }
    }

    /// Reports whether other instances use the store while each counts for itself. Logs a warning, once.
    pub(super) fn instances_limit_alone(&self, alone: bool) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("apikeys_instances_limit_alone").set(f64::from(u8::from(alone)));
        if alone && !self.instances_limit_alone.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "another instance uses the same store, and each admits as many requests as a rate limit allows: \
                 use a limiter that counts for all instances, such as that of apikeys-redis"
            );
        }
    }

    pub(super) fn buffered(&self, events: usize) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("apikeys_audit_buffered_events")
            .set(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
        let _ = events;
    }

    pub(super) fn flush_failed(&self, error: &StoreError) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_audit_flush_failures_total").increment(1);
        if let Some(suppressed) = self.may_log(&self.flush_failed) {
            tracing::warn!(%error, cause = cause(error), suppressed, "the audit log could not be written");
        }
    }

    /// Logs that the store refused an event permanently. `replaced` is whether a gap takes the place of the
    /// event.
    pub(super) fn event_refused(&self, error: &StoreError, replaced: bool) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_audit_refused_events_total").increment(1);
        if let Some(suppressed) = self.may_log(&self.event_refused) {
            let message = if replaced {
                "the store refused an audit event for good: a gap is recorded in its place"
            } else {
                "the store refused an audit event and the gap in its place: the event is lost"
            };
            tracing::error!(%error, cause = cause(error), suppressed, message);
        }
    }

    pub(super) fn warning_sent(&self) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_expiry_warnings_total", "outcome" => "sent").increment(1);
    }

    pub(super) fn warning_failed(&self, key: KeyId, error: &NotifyError) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_expiry_warnings_total", "outcome" => "failed").increment(1);
        if let Some(suppressed) = self.may_log(&self.warning_failed) {
            let temporary = error.is_temporary();
            let cause = causes(error);
            tracing::warn!(%key, %error, cause, temporary, suppressed, "expiry warning not sent");
        }
    }

    pub(super) fn warning_timed_out(&self, key: KeyId) {
        self.warning_failed(key, &NotifyError::temporary("the attempt took too long"));
    }

    pub(super) fn warning_without_recipients(&self, key: KeyId) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_expiry_warnings_total", "outcome" => "no_recipients").increment(1);
        if let Some(suppressed) = self.may_log(&self.warning_without_recipients) {
            tracing::warn!(%key, suppressed, "a key expires soon, but its organization has no administrators");
        }
    }

    /// Returns how many lines were suppressed since the last line, or `None` if no line may be logged now.
    fn may_log(&self, throttle: &Throttle) -> Option<u64> {
        throttle.next(self.clock.monotonic())
    }
}

#[derive(Default)]
struct Throttle(Mutex<Throttled>);

#[derive(Default)]
struct Throttled {
    logged_at: Option<Monotonic>,
    suppressed: u64,
}

impl Throttle {
    fn next(&self, now: Monotonic) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.logged_at.is_some_and(|at| now.saturating_since(at) < LOG_INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.logged_at = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Throttle")
    }
}

/// Returns the description of the error's cause, cut to a maximum length.
fn cause(error: &dyn Error) -> Option<String> {
    error.source().map(|source| excerpt(&source.to_string(), MAX_CHARS))
}

/// Returns the descriptions of all causes of the error, cut to a maximum length. If a notifier fails, one cause
/// may name the setting to correct, and another cause the response of the mail server.
fn causes(error: &dyn Error) -> Option<String> {
    let mut cause = error.source()?;
    let mut text = cause.to_string();
    while let Some(next) = cause.source() {
        cause = next;
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    Some(excerpt(&text, 2 * MAX_CHARS))
}
