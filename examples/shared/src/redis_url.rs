use std::fmt;

use url::Url;

/// The URL of a Redis server, which may contain a password. Its debug output does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    url: String,
    place: String,
}

impl RedisUrl {
    /// Reads a URL such as `redis://user:password@host:port/0`. Returns `None` if the URL is invalid.
    pub(crate) fn read(url: &str) -> Option<Self> {
        let parsed = Url::parse(url).ok()?;
        let scheme = parsed.scheme();
        let host = parsed.host_str().filter(|host| !host.is_empty())?;
        let path = parsed.path().trim_end_matches('/');
        let is_number = path.is_empty() || path.strip_prefix('/')?.parse::<u32>().is_ok();
        let is_valid = matches!(scheme, "redis" | "rediss") && is_number && parsed.fragment().is_none();
        let place = format!("{scheme}://{host}:{}{path}", parsed.port().unwrap_or(6379));
        is_valid.then(|| Self { url: url.to_owned(), place })
    }

    /// The whole URL, for the limiter.
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }

    /// The URL without the user's name and the password, to print.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisUrl").field(&self.place).finish()
    }
}
