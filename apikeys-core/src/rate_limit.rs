//! Rate limits that mean what they say.
//!
//! '60 per minute' is exact in both directions: never more than 60 requests are admitted in any
//! span `[t, t + 60 s)`, and none is denied while fewer than 60 were admitted in the last 60
//! seconds. Fixed windows let through up to 120 around the turn of a minute; token buckets, GCRA
//! and two-counter sliding windows up to 119.
//!
//! [`SlidingWindow`] keeps the time of each admission of the last minute, four bytes each, and
//! admits when the limit's N-th last is at least a minute old: constant time, whatever the limit.

mod limit;
mod window;

pub use limit::{InvalidRateLimit, RateLimit};
pub use window::{RateLimited, RateStatus, SlidingWindow};
