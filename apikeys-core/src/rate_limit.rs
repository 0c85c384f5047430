//! Exact rate limits over a sliding window.
//!
//! A limit of 60 per minute admits at most 60 requests in any span `[t, t + 60 s)`, and denies no request
//! while fewer than 60 were admitted in the last 60 seconds. Other methods are not exact: with the same
//! limit, fixed windows can admit 120 requests within 60 seconds. Token buckets, GCRA, and sliding windows
//! that interpolate between two counters can admit 119.
//!
//! [`SlidingWindow`] keeps the times of the admissions of the last minute, in four bytes each. With
//! a limit of N, a request is admitted if the N-th last admission is at least a minute old. The
//! decision takes constant time, whatever the limit.

mod limit;
mod window;

pub use limit::RateLimit;
pub use window::{RateLimited, RateStatus, SlidingWindow};
