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
//! If the clock of Redis goes back, the last admission counts as if it was made just then, and the earlier ones keep their
//! distance from it. So a request may have to wait up to a minute longer than the rule says. If the clock jumps forward,
//! admissions seem older than they are, and up to N more requests are admitted.
//!
//! # What it costs
//!
//! An admitted request costs one round trip to Redis, with one command. The commands of concurrent requests share a
//! connection and are sent without waiting for each other. A denied key costs nothing: the limiter remembers until when
//! Redis denies it, and does not ask earlier, unless the limit of the key changes. It remembers up to 65,536 denied keys.
//!
//! Each API key in use has one Redis key, `apikeys:{…}` with the id of the API key. Its value is a string with 4 bytes for
//! each admission. Under a steady load, it takes at most 320 bytes, and 16 bytes for each admission of the last minute; the
//! times of a burst remain until the next admissions or until the Redis key expires, which is 61 to 121 seconds after the
//! last admission. A decision reads and writes only the ends of the string. Now and then it searches the first time that
//! counts, or writes a shorter string.
//!
//! # When Redis is away
//!
//! A request waits for Redis for at most 50 milliseconds ([`Builder::timeout`]). If Redis does not answer in this time,
//! refuses connections, answers with an error, or answers with something else, the [`Fallback`] decides: by default, each
//! instance then limits for itself. Its count includes the requests that it has admitted through Redis in the last minute.
//! Requests that follow do not wait. Meanwhile, a task connects again, with one attempt at a time. An attempt takes 2 seconds
//! at most, and the pause after it is at most a second. The task tests the connection with the script, on the Redis key
//! `apikeys:probe`. When that succeeds, Redis decides again. If only some instances lose Redis, the fallback decides on
//! these, and Redis on the others. A warning in the log, at most one every ten seconds, says why Redis does not decide.
//! [`Health::limiter`](apikeys_core::engine::Health::limiter) and the metric `apikeys_redis_away` tell which is the case.
//!
//! What can be admitted then, for a limit of N:
//!
//! - While Redis is away, each instance admits at most N in any 60 seconds, or its [share](Fallback::Share).
//! - Redis does not know of these admissions when it is back. In the 60 seconds after its return, up to N more requests
//!   are admitted.
//! - A failover loses the admissions that the new primary server has not received. A restart without persistence loses
//!   all of them. In the 60 seconds after that, up to N more requests are admitted.
//!
//! If the future of a decision is dropped after it was polled, because the client has left, or if the decision takes
//! longer than the timeout, Redis may or may not have counted the request. Such a request is counted once at most, so it can
//! use up a place in the limit without being served.
//!
//! # The server
//!
//! The tests run on Redis 7.0, with a single server, with TLS, on a cluster and with Sentinel. They also passed once on
//! Redis 8.2 and Valkey 9.1 without those for TLS, and on Redis 6.2 without those for TLS and the cluster, because the tests
//! could not configure these servers. TLS was not tested on a cluster or with Sentinel. The script needs Redis 6.0 or later.
//!
//! The user needs the permissions `+evalsha +script|load +time +getrange +setrange +set +pexpire` for the keys `apikeys:*`,
//! on a cluster `+cluster|slots` as well, and with Sentinel `+role`. With a URL that names a database other than 0, the user
//! also needs `+select`, and with another [`Builder::key_prefix`] the permission for keys with that prefix. Use a server
//! without eviction (`maxmemory-policy noeviction`): if Redis evicts the Redis key of an API key, it counts that API key from
//! zero. Persistence is not needed.
//!
//! | URL | server |
//! | --- | --- |
//! | `redis://user:password@host:port/database` | a server; user, password, port and database can be left out; other characters than letters, digits and `-._~` are percent-encoded |
//! | `rediss://…` | the same with TLS, with the feature `rustls` |
//! | `unix:///path/of/socket` | a server on the same machine |
//!
//! With the feature `cluster`, [`RedisLimiter::cluster`] takes the URLs of some nodes and finds the others. When a
//! request fails because one of the nodes is away, the fallback decides about all keys until that node answers again. With the feature `sentinel`, [`RedisLimiter::sentinel`] takes the URLs of
//! sentinels. After a failover it finds the new primary server by itself.
//!
//! This crate brings `ring` as the provider of cryptography of rustls. If another crate of your program brings a second
//! provider, call `CryptoProvider::install_default` of rustls before you connect. Otherwise rustls does not know which one to
//! use, and panics.
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
//! | `apikeys_redis_failures_total` | decisions and attempts to connect that failed or took too long |
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
