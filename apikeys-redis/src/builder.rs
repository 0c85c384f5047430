use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use crate::{
    RedisLimiter,
    connection::{Servers, Target},
    error::ConnectError,
    fallback::Fallback,
    link::Link,
};

/// Builds a [`RedisLimiter`]. Every setting has a default.
///
/// ```no_run
/// use std::time::Duration;
/// use apikeys_redis::{Fallback, RedisLimiter};
///
/// # async fn example() -> Result<(), apikeys_redis::ConnectError> {
/// let limiter = RedisLimiter::builder("redis://127.0.0.1")
///     .timeout(Duration::from_millis(20))
///     .fallback(Fallback::Refuse)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "call `connect`"]
pub struct Builder {
    target: Target,
    prefix: String,
    timeout: Duration,
    fallback: Fallback,
}

/// The shortest timeout. With a shorter one, a busy machine would seem to be away.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);

impl Builder {
    pub(crate) fn new(servers: Servers) -> Self {
        Self {
            target: Target::new(servers),
            prefix: "apikeys".to_owned(),
            timeout: Duration::from_millis(50),
            fallback: Fallback::default(),
        }
    }

    /// Sets the beginning of the names of all keys in Redis. The default is `apikeys`. Services that share a database of
    /// Redis need different prefixes only if API keys of both have the same ids, for example because the database of one is a
    /// copy of the other's.
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Sets how long a request waits for Redis. If Redis has not answered by then, the [`Fallback`] decides. The minimum is
    /// 1 ms, the maximum is 10 s, and the default is 50 ms.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
        self
    }

    /// Sets what decides while Redis does not. The default is [`Fallback::Local`].
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Trusts only the authority whose certificate is `pem`, in PEM, instead of the usual authorities. A server with TLS
    /// needs this setting if a private authority has issued its certificate. The URLs begin with `rediss://`.
    #[cfg(feature = "rustls")]
    pub fn root_certificate(mut self, pem: &[u8]) -> Self {
        self.target.root = Some(pem.to_vec());
        self
    }

    /// Connects to Redis, and tests the connection with the script. Call this method on the tokio runtime that runs for as
    /// long as the service.
    ///
    /// # Errors
    ///
    /// Returns an error if a URL or certificate is invalid, if Redis cannot be reached and run the script within 4
    /// seconds, or if this method is not called on a tokio runtime.
    pub async fn connect(self) -> Result<RedisLimiter, ConnectError> {
        let probe = format!("{}:probe", self.prefix);
        let (limiter, link) = self.build()?;
        link.connect(probe).await.map_err(ConnectError::Unavailable)?;
        Ok(limiter)
    }

    /// Returns the limiter at once, and connects in the background. Until then, the fallback decides. So a service can start
    /// while Redis is away. Call this method on the tokio runtime that runs for as long as the service.
    ///
    /// # Errors
    ///
    /// Returns an error if a URL or certificate is invalid, or if this method is not called on a tokio runtime.
    pub fn connect_in_background(self) -> Result<RedisLimiter, ConnectError> {
        let probe = format!("{}:probe", self.prefix);
        let (limiter, link) = self.build()?;
        link.observer().set_away(true);
        link.connect_in_background(Duration::ZERO, probe);
        Ok(limiter)
    }

    fn build(self) -> Result<(RedisLimiter, Arc<Link>), ConnectError> {
        let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let connector = self.target.connector().map_err(ConnectError::Url)?;
        let link = Arc::new(Link::new(connector, self.timeout, runtime));
        Ok((RedisLimiter::new(Arc::clone(&link), self.fallback, self.prefix), link))
    }
}
