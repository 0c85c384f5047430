use redis::RedisError;

/// The error returned when a [`RedisLimiter`](crate::RedisLimiter) cannot be created. It contains no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A URL or a certificate is invalid, or the URL needs a feature of this crate that is not enabled.
    #[error(
        "the URL or certificate of Redis is invalid: a URL must be redis://user:password@host:port/database, rediss://… or unix://…"
    )]
    Url(#[source] RedisError),
    /// The method was not called on a tokio runtime.
    #[error("the limiter needs a tokio runtime: call this method in an async function on tokio")]
    NoRuntime,
    /// Redis cannot be reached, or cannot run the script of the limiter.
    #[error("cannot use Redis for rate limits")]
    Unavailable(#[source] Failure),
}

/// The reason why Redis did not decide.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The server or the connection failed.
    #[error("Redis failed: {0}")]
    Redis(#[from] RedisError),
    /// The server did not answer in time.
    #[error("Redis did not answer in time")]
    TimedOut,
}
