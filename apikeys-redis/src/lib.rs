//! One exact rate limit for all instances of a service, on Redis or Valkey.
//!
//! With the default limiter of [`apikeys_core`], each instance of a service counts for itself: a limit of 60 per minute
//! admits 60 requests a minute on *each* instance. [`RedisLimiter`] counts in Redis, so that all instances together admit
//! 60:
//!
//! ```no_run
//! use apikeys_redis::RedisLimiter;
//! use apikeys_redis::apikeys_core::{ApiKeys, MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limiter = RedisLimiter::connect("redis://127.0.0.1").await?;
//! let (keys, maintenance) = ApiKeys::builder(MemoryStore::new()).limiter(limiter).build().await?;
//! tokio::spawn(maintenance.run());
//! # Ok(())
//! # }
//! ```
//!
//! A service with one instance needs no Redis. Its own limiter is exact, and faster. The [guide] explains what several
//! instances share, and how to set them up.
//!
//! # The limit is exact
//!
//! The rule is that of the [default limiter](apikeys_core::rate_limit): a limit of N admits at most N requests in any 60
//! seconds, and denies no request while fewer than N were admitted in the last 60 seconds. A script in Redis decides,
//! which is atomic, and uses the clock of Redis. So the clocks of the instances do not matter. A changed limit applies to
//! the next request, and all admissions of the last minute still count.
//!
//! If the clock of Redis goes back, the times that it has noted go back by as much. The limit stays exact, except that
//! a request may have to wait up to a minute. If the clock jumps forward, requests seem older than they are, and up
//! to N more are admitted.
//!
//! # What it costs
//!
//! An admitted request costs one round trip to Redis, with one command. The commands of concurrent requests share a
//! connection and are sent without waiting for each other. A denied key costs nothing: the limiter remembers until when
//! Redis denies it, and does not ask earlier, unless the limit of the key changes. It remembers up to 65,536 denied keys.
//!
//! Each key in use has one string in Redis, of 4 to 16 bytes for each admission of the last minute and about 100 bytes more.
//! It expires one to two minutes after the last admission. The script takes the same time for a limit of 10,000 as for 60.
//!
//! # When Redis is away
//!
//! A request waits for Redis for at most 50 milliseconds ([`Builder::timeout`]). If Redis does not answer in this time,
//! refuses connections, answers with an error, or answers with something else, the [`Fallback`] decides: by default, each
//! instance then limits for itself, and counts what it has admitted in the last minute through Redis, too. Requests that
//! follow do not wait. Meanwhile, a task connects again, with one attempt at a time and at most a second between two
//! attempts, and tests the connection with the script. When that succeeds, Redis decides again.
//! [`Health::limiter`](apikeys_core::engine::Health::limiter) and the metric `apikeys_redis_away` tell which is the case.
//!
//! What can be admitted then, for a limit of N:
//!
//! - While Redis is away, each instance admits at most N in any 60 seconds, or its [share](Fallback::Share).
//! - Redis does not know of these admissions when it is back. In the 60 seconds after its return, up to N more requests
//!   are admitted.
//! - A failover or restart of Redis can lose admissions that no replica has received yet. In the 60 seconds after it, up
//!   to N more requests are admitted.
//!
//! If the future of a decision is dropped after it was polled, because the client has left, or if the decision takes
//! longer than the timeout, Redis may or may not have counted the request. So at most the requests that were sent are
//! counted, and a limit is never exceeded because of that.
//!
//! # The server
//!
//! The tests run on Redis 7.0, with a single server, with TLS, on a cluster and with Sentinel. They also passed on Redis 8.2
//! and Valkey 9.1 except for TLS, and on Redis 6.2 except for TLS and the cluster: there, the tests could not set these up.
//! TLS was not tested on a cluster or with Sentinel.
//!
//! The user needs the permissions `+evalsha +script|load +time +getrange +setrange +set +pexpire` for the keys `apikeys:*`,
//! on a cluster `+cluster|slots` as well, and with Sentinel `+role`. Use a server or database without eviction
//! (`maxmemory-policy noeviction`): evicted windows are forgotten. Persistence is not needed.
//!
//! | URL | server |
//! | --- | --- |
//! | `redis://user:password@host:port/database` | a server; user, password, port and database can be left out |
//! | `rediss://…` | the same with TLS, with the feature `rustls` |
//! | `unix:///path/of/socket` | a server on the same machine |
//!
//! With the feature `cluster`, [`RedisLimiter::cluster`] takes the URLs of some nodes and finds the others. While one of them
//! is away, the fallback decides about all keys. With the feature `sentinel`, [`RedisLimiter::sentinel`] takes the URLs of
//! sentinels. After a failover it finds the new primary server by itself.
//!
//! TLS uses the provider of cryptography that rustls has as its default. A program with several providers must install one
//! with `CryptoProvider::install_default` before it connects.
//!
//! # Features
//!
//! | feature | description | default |
//! | --- | --- | --- |
//! | `cluster` | Redis Cluster | no |
//! | `sentinel` | a server that is found through Redis Sentinel | no |
//! | `rustls` | TLS with the certificate roots of the operating system | no |
//! | `rustls-webpki-roots` | TLS with the certificate roots of Mozilla, which are compiled into the program | no |
//! | `metrics` | the metrics below, through the `metrics` facade | no |
//!
//! # Metrics
//!
//! | metric | description |
//! | --- | --- |
//! | `apikeys_redis_decisions_total` | decisions, by `source`: `redis`, `remembered` or `fallback` |
//! | `apikeys_redis_failures_total` | commands that failed or took too long |
//! | `apikeys_redis_away` | 1 while the fallback decides, otherwise 0 |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod connection;
mod denials;
mod error;
mod fallback;
#[doc = include_str!("guide.md")]
pub mod guide {}
mod limiter;
mod link;
mod observe;
mod script;

#[doc(no_inline)]
pub use apikeys_core;

pub use self::{
    builder::Builder,
    error::{ConnectError, Failure},
    fallback::Fallback,
    limiter::RedisLimiter,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
