use std::time::Duration;

use apikeys_core::{Timestamp, store::UsageStep};

use crate::{
    api_error::ApiError,
    query::{self, Query},
};

/// The range and the step of a usage query.
pub(crate) struct UsageRange {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) step: UsageStep,
}

impl UsageRange {
    /// Reads the range from a query. `now` is the default of the end.
    pub(crate) fn of(query: &Query, now: Timestamp) -> Result<Self, ApiError> {
        let step = query.step()?;
        let (default, longest, longest_text) = match step {
            UsageStep::Day => (30, 1_100, "1,100 days (26,400 hours)"),
            _ => (24, 90 * 24, "90 days (2,160 hours)"),
        };
        // `until` is not included, but an hour or day that begins now is.
        let until = query.until()?.unwrap_or_else(|| now.saturating_add(Duration::from_micros(1)));
        let since = query.since()?.unwrap_or_else(|| until.saturating_sub(step.duration() * default));
        if since >= until {
            return Err(query::invalid("since must be before until.".to_owned()));
        }
        if since < until.saturating_sub(step.duration() * longest) {
            return Err(query::invalid(format!(
                "The time from since to until must be at most {longest_text}."
            )));
        }
        Ok(Self { since, until, step })
    }
}
