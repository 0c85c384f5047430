//! What the quickstarts share, whatever their framework: the environment they read, the demo's
//! organizations, login and ready-made key, the lines they print, and how they stop.
//!
//! A service of your own needs little of this; `examples/minimal-axum` and `minimal-actix` show how
//! little.

mod answer;
mod config;
mod demo;
mod identity;
mod lifetime;
mod login;
mod start;

pub use answer::Answer;
pub use config::{Config, ConfigError, Database};
pub use demo::{Demo, DemoError, ReadyMadeKey};
pub use identity::Identity;
pub use lifetime::{Drained, drain, log_to_stderr, report};
pub use login::{LOGIN_COOKIE, Login};
pub use start::{Start, Stop};

use lifetime::stop_signal;

/// What the demo's secrets begin with.
pub const PREFIX: &str = "demo_live";
