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

use crate::{Result, store::Planted};

/// An engine with many keys in its cache.
pub(crate) struct Engine {
    keys: ApiKeys,
    pub(crate) secrets: Vec<String>,
    clock: AheadClock,
    minutes: AtomicU64,
    runtime: tokio::runtime::Runtime,
}

impl Engine {
    pub(crate) fn new(number: usize) -> Result<Self> {
        let (format, entropy) = (TokenFormat::default(), OsEntropy::new());
        let mut secrets = Vec::with_capacity(number);
        for _ in 0..number {
            secrets.push(format.generate(&entropy)?.expose().to_owned());
        }
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
        let (keys, maintenance) = runtime.block_on(builder.build())?;
        runtime.spawn(maintenance.run());
        let engine = Self { keys, secrets, clock, minutes: AtomicU64::new(0), runtime };
        engine.next_minute()?;
        Ok(engine)
    }

    /// Verifies each key once, so that it is in the cache.
    pub(crate) fn warm_up(&self) -> Result<()> {
        for (number, secret) in self.secrets.iter().enumerate() {
            if number % 1_000 == 0 {
                self.flush()?;
            }
            let verification = self.keys.verify(secret.as_bytes(), request());
            // The request counts as aborted.
            drop(self.runtime.block_on(verification).map_err(|denial| format!("{denial:?}"))?);
        }
        self.flush()
    }

    /// Moves the clocks on by a minute, so that all rate limits are unused, and waits for a new lease.
    pub(crate) fn next_minute(&self) -> Result<()> {
        self.clock.ahead.fetch_add(61_000_000, Ordering::SeqCst);
        let minute = self.minutes.fetch_add(1, Ordering::SeqCst);
        // A change makes the engine renew its lease at once.
        let plan = if minute.is_multiple_of(2) { "starter" } else { "professional" };
        let operator = self.keys.operator(Actor::new("bench")?);
        self.runtime.block_on(operator.set_plan(&OrgId::new("another")?, &PlanName::new(plan)?))?;
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
    pub(crate) fn verify(&self, places: &[usize]) -> usize {
        let mut admitted = 0;
        for place in places {
            let secret = self.secrets.get(*place).map(String::as_str).unwrap_or_default();
            if let Some(Ok(admission)) = self.keys.verify_with(secret.as_bytes(), request).now_or_never() {
                admitted += usize::from(matches!(admission.finish(200).now_or_never(), Some(Ok(()))));
            }
        }
        admitted
    }

    pub(crate) fn deny(&self, text: &str) -> Result<()> {
        match self.keys.verify_with(text.as_bytes(), request).now_or_never() {
            Some(Err(Denial::Invalid)) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }

    pub(crate) fn flush(&self) -> Result<()> {
        Ok(self.runtime.block_on(self.keys.flush())?)
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

impl AheadClock {
    fn ahead(&self) -> Duration {
        Duration::from_micros(self.ahead.load(Ordering::Relaxed))
    }
}

impl Clock for AheadClock {
    fn wall(&self) -> Timestamp {
        self.system.wall().saturating_add(self.ahead())
    }

    fn monotonic(&self) -> Monotonic {
        self.system.monotonic().saturating_add(self.ahead())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.system.sleep(duration)
    }
}
