//! The parts of the quickstarts that do not depend on a framework: the settings in the environment,
//! the organizations, login and ready-made key of the demo, the printed lines, and the stop.
//!
//! A service of your own needs much less: see `examples/minimal-axum` and `examples/minimal-actix`.

mod answer;
mod config;
mod database;
mod demo;
mod identity;
mod lifetime;
mod login;
mod redis_url;
mod server_url;
mod start;
mod warnings;

pub use config::{Config, ConfigError, Database, SmtpUrl};
pub use database::OpenDatabase;
pub use demo::{Demo, DemoError, ReadyMadeKey};
pub use identity::Identity;
pub use lifetime::{Drained, drain, log_to_stderr, report};
pub use login::{LOGIN_COOKIE, Login};
pub use redis_url::RedisUrl;
pub use server_url::ServerUrl;
pub use start::{Start, Stop};

use lifetime::stop_signal;

/// The prefix of the demo's secrets.
pub const PREFIX: &str = "demo_live";
