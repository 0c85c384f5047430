//! What the engine tells logs and, by feature, metrics. Never a secret; a key's id only in logs.

use std::error::Error;

use crate::{denial::Denial, id::KeyId, plan::PlanName, store::StoreError};

pub(super) fn admitted() {
    #[cfg(feature = "metrics")]
    metrics::counter!("apikeys_verifications_total", "outcome" => "admitted").increment(1);
}

pub(super) fn denied(denial: &Denial, key: Option<KeyId>) {
    #[cfg(feature = "metrics")]
    metrics::counter!("apikeys_verifications_total", "outcome" => denial.code_text()).increment(1);
    let code = denial.code_text();
    match key {
        Some(key) => tracing::debug!(code, %key, "request denied"),
        None => tracing::debug!(code, "request denied"),
    }
}

pub(super) fn store_failed(error: &StoreError) {
    #[cfg(feature = "metrics")]
    metrics::counter!("apikeys_store_failures_total", "operation" => error.operation()).increment(1);
    tracing::warn!(error = %error, cause = cause(error), "the key store failed");
}

pub(super) fn unknown_plan(plan: &PlanName) {
    tracing::error!(%plan, "an organization is on a plan that is not in the catalogue: its keys cannot be verified");
}

pub(super) fn missing_pepper(scheme: &str) {
    tracing::error!(scheme, "keys are in use whose pepper this process does not hold");
}

pub(super) fn not_maintained() {
    tracing::warn!("nobody runs the maintenance: each request waits until its audit event is written");
}

pub(super) fn buffered(events: usize) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("apikeys_audit_buffered_events")
        .set(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
    let _ = events;
}

pub(super) fn flush_failed(error: &StoreError) {
    #[cfg(feature = "metrics")]
    metrics::counter!("apikeys_audit_flush_failures_total").increment(1);
    tracing::warn!(error = %error, cause = cause(error), "the audit log could not be written; trying again");
}

pub(super) fn event_refused(error: &StoreError) {
    #[cfg(feature = "metrics")]
    metrics::counter!("apikeys_audit_refused_events_total").increment(1);
    tracing::error!(error = %error, cause = cause(error), "the store refused an audit event for good; a gap is recorded");
}

fn cause(error: &StoreError) -> Option<tracing::field::DisplayValue<&(dyn Error + 'static)>> {
    error.source().map(tracing::field::display)
}
