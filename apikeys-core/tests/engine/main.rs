//! The engine as a host meets it: on the in-memory store, with a clock that stands still.

mod picky;
mod support;

mod denials;
mod immediate;
mod limits;
mod management;
mod outage;
mod peppers;
mod recording;
mod shutdown;
mod timing;
mod verification;
