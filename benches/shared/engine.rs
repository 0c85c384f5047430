use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use apikeys_core::{
    Actor, ApiKeys, Clock, Denial, MemoryStore, OrgId, PlanName, RequestMeta, SystemClock, Timestamp,
    clock::{Monotonic, Sleep},
    conformance::faults::InterceptedStore,
    entropy::OsEntropy,
    token::TokenFormat,
};
use futures_util::FutureExt;
use pollster::block_on;

use crate::{Result, store::Planted};

/// Generates the secrets of this number of keys.
///
/// # Errors
///
/// Returns an error if the operating system gives no random numbers.
pub fn secrets(number: usize) -> Result<Vec<String>> {
    let (format, entropy) = (TokenFormat::default(), OsEntropy::new());
    (0..number).map(|_| Ok(format.generate(&entropy)?.expose().to_owned())).collect()
}

/// An engine with many keys in its cache. Its clock can be moved on, and nothing is written to its store.
#[derive(Debug)]
pub struct Engine {
    keys: ApiKeys,
    /// The secrets of the keys.
    pub secrets: Vec<String>,
    clock: AheadClock,
    minutes: AtomicU64,
    /// Runs the maintenance.
    _runtime: tokio::runtime::Runtime,
}

impl Engine {
    /// Creates an engine with this number of keys, which are not in its cache yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the engine cannot be built.
    pub fn new(number: usize) -> Result<Self> {
        let secrets = secrets(number)?;
        let store = InterceptedStore::new(Planted::new(MemoryStore::new(), &secrets));
        let clock = AheadClock { system: SystemClock::new(), ahead: Arc::default() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        // Batches are so large that none is written during a round.
        let builder = ApiKeys::builder(store)
            .clock(clock.clone())
            .flush_interval(Duration::from_secs(3_600))
            .batch_size(usize::MAX)
            .buffer_capacity(usize::MAX)
            .cache_lease(Duration::from_secs(60));
        let (keys, maintenance) = block_on(builder.build())?;
        runtime.spawn(maintenance.run());
        let engine = Self { keys, secrets, clock, minutes: AtomicU64::new(0), _runtime: runtime };
        engine.next_minute()?;
        Ok(engine)
    }

    /// Returns the engine's handle.
    #[must_use]
    pub fn keys(&self) -> &ApiKeys {
        &self.keys
    }

    /// Verifies each key once, so that it is in the cache.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is denied.
    pub fn warm_up(&self) -> Result<()> {
        for (number, secret) in self.secrets.iter().enumerate() {
            if number % 1_000 == 0 {
                self.flush()?;
            }
            let verification = self.keys.verify(secret.as_bytes(), request());
            // The request counts as aborted.
            drop(block_on(verification).map_err(|denial| format!("{denial:?}"))?);
        }
        self.flush()
    }

    /// Moves the clocks on by a minute, so that all rate limits are unused, and waits for a new lease.
    ///
    /// # Errors
    ///
    /// Returns an error if the cache stays out of use.
    pub fn next_minute(&self) -> Result<()> {
        self.clock.ahead.fetch_add(61_000_000, Ordering::SeqCst);
        let minute = self.minutes.fetch_add(1, Ordering::SeqCst);
        // A change makes the engine renew its lease at once.
        let plan = if minute.is_multiple_of(2) { "starter" } else { "professional" };
        let operator = self.keys.operator(Actor::new("bench")?);
        block_on(operator.set_plan(&OrgId::new("another")?, &PlanName::new(plan)?))?;
        let began = Instant::now();
        while !self.keys.health().cache_in_use {
            if began.elapsed() > Duration::from_secs(10) {
                return Err("the cache is not used".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Verifies the keys at these places, and returns how many were admitted without waiting.
    #[must_use]
    pub fn verify(&self, places: &[usize]) -> usize {
        let mut admitted = 0;
        for place in places {
            let secret = self.secrets.get(*place).map(String::as_str).unwrap_or_default();
            let verified = match self.keys.verify_now(secret.as_bytes(), request) {
                Ok(verified) => Some(verified),
                // A key leaves the cache if the cache is swept when the clock is moved on. The store answers at once.
                Err(verification) => verification.now_or_never(),
            };
            if let Some(Ok(admission)) = verified {
                admitted += usize::from(matches!(admission.finish(200).now_or_never(), Some(Ok(()))));
            }
        }
        admitted
    }

    /// Verifies an invalid secret, without waiting.
    ///
    /// # Errors
    ///
    /// Returns an error if the secret is not denied as invalid.
    pub fn deny(&self, text: &str) -> Result<()> {
        match self.keys.verify_now(text.as_bytes(), request) {
            Ok(Err(Denial::Invalid)) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Begins the verification of a well-formed secret that is not in the cache, up to the point at which the store is
    /// asked.
    ///
    /// # Errors
    ///
    /// Returns an error if the verification does not ask the store.
    pub fn begin(&self, secret: &str) -> Result<()> {
        match self.keys.verify_now(secret.as_bytes(), request) {
            Err(verification) => {
                drop(verification);
                Ok(())
            }
            Ok(decided) => Err(format!("{decided:?}").into()),
        }
    }

    /// Takes all events out of the buffer.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub fn flush(&self) -> Result<()> {
        Ok(block_on(self.keys.flush())?)
    }
}

fn request() -> RequestMeta {
    RequestMeta::new("GET", "/v1/items/17").with_user_agent(b"bench/1.0")
}

/// The system's clocks, ahead by some time.
#[derive(Debug, Clone)]
struct AheadClock {
    system: SystemClock,
    ahead: Arc<AtomicU64>,
}

impl Clock for AheadClock {
    fn wall(&self) -> Timestamp {
        let ahead = i64::try_from(self.ahead.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.system.wall().as_micros().saturating_add(ahead))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_micros(self.system.monotonic().as_micros() + self.ahead.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.system.sleep(duration)
    }
}
