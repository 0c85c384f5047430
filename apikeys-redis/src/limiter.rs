use std::sync::Arc;

use apikeys_core::{
    Clock, Limiter, RateLimited, RateStatus,
    clock::Monotonic,
    limiter::{Acquisition, Charge, LimiterState, LocalLimiter, Subject, Verdict},
};

use crate::{
    builder::Builder,
    connection::Servers,
    denials::Denials,
    error::ConnectError,
    fallback::Fallback,
    link::Link,
    observe::Source,
    script::{Decision, Take},
};

/// Decides about rate limits in Redis, exactly and for all instances of a service together.
///
/// Give the limiter to [`Builder::limiter`](apikeys_core::engine::Builder::limiter). The [crate docs](crate) say what is
/// exact, what happens while Redis is away, and what it costs. Cloning is cheap, and clones share one connection.
#[derive(Debug, Clone)]
pub struct RedisLimiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: Arc<Link>,
    denials: Denials,
    fallback: Fallback,
    prefix: String,
}

impl RedisLimiter {
    /// Connects to the server of a URL such as `redis://user:password@host:port`, with the default settings.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, if the server cannot be reached, or if it cannot run the script.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// Returns a [`Builder`] for the server of a URL such as `redis://user:password@host:port`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(Servers::One(url.to_owned()))
    }

    /// Returns a [`Builder`] for a Redis Cluster. The URLs are those of one or more of its nodes, with the same user and
    /// password.
    ///
    /// Each request needs one Redis key, so that the keys can be in any slots.
    #[cfg(feature = "cluster")]
    pub fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Builder {
        Builder::new(Servers::Cluster(urls.into_iter().map(str::to_owned).collect()))
    }

    /// Returns a [`Builder`] for the server that Redis Sentinel knows as the primary server of the name `primary`. `sentinels`
    /// are the URLs of the sentinels, with the same user and password. `server` is a URL with the user, password and
    /// database for the server, and with `rediss` for TLS; its host is not used.
    #[cfg(feature = "sentinel")]
    pub fn sentinel<'a>(
        sentinels: impl IntoIterator<Item = &'a str>,
        primary: &str,
        server: &str,
    ) -> Builder {
        let sentinels = sentinels.into_iter().map(str::to_owned).collect();
        Builder::new(Servers::Sentinel { sentinels, primary: primary.to_owned(), server: server.to_owned() })
    }

    pub(crate) fn new(link: Arc<Link>, fallback: Fallback, prefix: String) -> Self {
        Self(Arc::new(Inner { link, denials: Denials::new(), fallback, prefix }))
    }
}

impl Limiter for RedisLimiter {
    fn acquire<'a>(
        &'a self,
        now: Monotonic,
        clock: &'a dyn Clock,
        charges: &'a [Charge<'a>],
    ) -> Acquisition<'a> {
        let inner = &*self.0;
        if let Some(limited) = inner.denials.find(charges, now) {
            inner.link.observer().decided(Source::Remembered);
            return Acquisition::Now(Verdict::Limited(limited));
        }
        if !inner.link.is_up() {
            return Acquisition::Now(inner.fall_back(now, clock, charges));
        }
        Acquisition::Later(Box::pin(inner.ask(now, clock, charges)))
    }

    fn state(&self) -> LimiterState {
        if self.0.link.is_up() { LimiterState::Shared } else { LimiterState::Away }
    }
}

impl Inner {
    async fn ask(&self, now: Monotonic, clock: &dyn Clock, charges: &[Charge<'_>]) -> Verdict {
        let takes: Option<Vec<Take>> = charges.iter().map(|charge| self.take(charge)).collect();
        let (Some(takes), Some(first)) = (takes, charges.first()) else { return Verdict::Unavailable };
        let probe = || format!("{}:probe:{}", self.prefix, tag(first.subject).unwrap_or_default());
        let decision = self.link.decide(&takes, probe).await;
        match decision {
            Some(Decision::Admitted { remaining, reset_after, at }) => {
                self.link.observer().decided(Source::Redis);
                for charge in charges {
                    // The fallback continues with what this instance has admitted.
                    charge.window.with(|window| window.record(clock.monotonic(), charge.cost));
                }
                let subject = || tag(first.subject).unwrap_or_default();
                tracing::trace!(subject = subject(), limit = first.limit.requests(), at, "admitted");
                Verdict::Admitted(RateStatus::new(first.limit, remaining, reset_after))
            }
            Some(Decision::Limited { index, retry_after, at }) => {
                self.link.observer().decided(Source::Redis);
                let charge = charges.get(index).unwrap_or(first);
                let subject = || tag(charge.subject).unwrap_or_default();
                tracing::trace!(subject = subject(), limit = charge.limit.requests(), at, "limited");
                self.denials.remember(charge, retry_after, (now, clock.monotonic()));
                Verdict::Limited(RateLimited::new(charge.limit, retry_after))
            }
            None => self.fall_back(clock.monotonic(), clock, charges),
        }
    }

    fn fall_back(&self, now: Monotonic, clock: &dyn Clock, charges: &[Charge<'_>]) -> Verdict {
        self.link.observer().decided(Source::Fallback);
        let local: Option<Vec<Charge<'_>>> = charges
            .iter()
            .map(|charge| {
                let mut charge = *charge;
                charge.limit = self.fallback.limit(charge.limit)?;
                Some(charge)
            })
            .collect();
        match local.as_deref().map(|charges| LocalLimiter.acquire(now, clock, charges)) {
            Some(Acquisition::Now(verdict)) => verdict,
            Some(Acquisition::Later(_)) | None => Verdict::Unavailable,
        }
    }

    /// Returns what the script counts for a charge, or `None` if this version does not know the kind of subject.
    fn take(&self, charge: &Charge<'_>) -> Option<Take> {
        let key = format!("{}:{}", self.prefix, tag(charge.subject)?);
        Some(Take { key, limit: charge.limit, cost: charge.cost })
    }
}

/// Returns the part of a Redis key that names a subject. In a cluster, all keys with the same text in braces are in one
/// slot.
fn tag(subject: Subject) -> Option<String> {
    match subject {
        Subject::Key(key) => Some(format!("{{{key}}}")),
        _ => None,
    }
}
