use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::{
    api_keys::ApiKeys,
    inner::{Inner, Options, RequestIds},
    lifecycle::Lifecycle,
    live_keys::LiveKeys,
    maintenance::Maintenance,
    recorder::{Recorder, RecorderOptions},
    timeout::within,
};
use crate::{
    clock::{Clock, SystemClock},
    entropy::{Entropy, OsEntropy},
    id::IdGenerator,
    limiter::{Limiter, LocalLimiter},
    memory::MemoryStore,
    plan::Plans,
    store::{KeyStore, StoreError},
    text::InvalidText,
    token::{InvalidPepper, Peppers, Prefix, TokenFormat},
};

impl ApiKeys {
    /// Starts the description of an engine on `store`.
    pub fn builder(store: impl KeyStore) -> Builder {
        Builder::new(Arc::new(store))
    }

    /// Creates an engine that keeps everything in memory, with the standard plans: for tests and
    /// first steps. It needs no maintenance: each request waits until its audit event is written.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::builder(MemoryStore::new()).assemble_in_memory()
    }
}

/// Says how an [`ApiKeys`] works. Everything has a default; wrong values are told by
/// [`build`](Self::build).
///
/// ```
/// use apikeys_core::{ApiKeys, MemoryStore};
///
/// # pollster::block_on(async {
/// let (keys, maintenance) = ApiKeys::builder(MemoryStore::new())
///     .prefix("acme_live")
///     .build()
///     .await?;
/// // On tokio: tokio::spawn(maintenance.run());
/// # drop(maintenance);
/// # Ok::<(), apikeys_core::BuildError>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "call `build`"]
pub struct Builder {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limiter: Option<Arc<dyn Limiter>>,
    plans: Plans,
    prefix: Result<Prefix, InvalidText>,
    accepted: Vec<Result<Prefix, InvalidText>>,
    peppers: Result<Peppers, InvalidPepper>,
    batch_size: usize,
    buffer_capacity: usize,
    max_concurrent_lookups: usize,
    options: Options,
}

/// The engine cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A prefix is not one.
    #[error(transparent)]
    Prefix(#[from] InvalidText),
    /// A pepper cannot be used.
    #[error(transparent)]
    Pepper(#[from] InvalidPepper),
    /// The store holds secrets that this process could not find.
    #[error("keys are in use under {scheme}: give the builder that pepper")]
    MissingPepper {
        /// The scheme they are stored under.
        scheme: String,
    },
    /// The store cannot be asked.
    #[error("the key store does not answer")]
    Store(#[from] StoreError),
}

impl Builder {
    pub(super) fn new(store: Arc<dyn KeyStore>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
            limiter: None,
            plans: Plans::standard(),
            prefix: Ok(Prefix::default()),
            accepted: Vec::new(),
            peppers: Ok(Peppers::none()),
            batch_size: 1_000,
            buffer_capacity: 100_000,
            max_concurrent_lookups: 64,
            options: Options {
                flush_interval: Duration::from_millis(100),
                buffer_timeout: Duration::from_secs(1),
                store_timeout: Duration::from_secs(5),
                shutdown_timeout: Duration::from_secs(10),
            },
        }
    }

    /// What new secrets begin with, as `acme_live`; `key` if not set. The pattern is
    /// `[a-z][a-z0-9_]{1,15}`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = Prefix::new(prefix);
        self
    }

    /// Goes on accepting secrets with a prefix that is no longer issued.
    pub fn also_accept(mut self, prefix: &str) -> Self {
        self.accepted.push(Prefix::new(prefix));
        self
    }

    /// The plans the host sells; [`Plans::standard`] if not set.
    pub fn plans(mut self, plans: Plans) -> Self {
        self.plans = plans;
        self
    }

    /// Adds the pepper of `version`, at least 32 random bytes kept outside the database. New keys
    /// use the highest version; hold on to a pepper for as long as keys use it.
    pub fn pepper(mut self, version: u32, key: &[u8]) -> Self {
        self.peppers = self.peppers.and_then(|mut peppers| peppers.add(version, key).map(|()| peppers));
        self
    }

    /// The clock; [`SystemClock`] if not set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The source of randomness; the operating system's if not set.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Who decides about rate limits; [`LocalLimiter`] if not set.
    pub fn limiter(mut self, limiter: impl Limiter) -> Self {
        self.limiter = Some(Arc::new(limiter));
        self
    }

    /// How often the audit log is written; 100 ms if not set. A process that is killed loses the
    /// events of that time at most, and what the store did not take meanwhile.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.options.flush_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Most events written at once; 1,000 if not set, at least 1.
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch_size = events.max(1);
        self
    }

    /// How many audit events may wait; 100,000 if not set, at least 1. With as many waiting,
    /// requests wait, and are then refused with `AUDIT_UNAVAILABLE`.
    pub fn buffer_capacity(mut self, events: usize) -> Self {
        self.buffer_capacity = events.max(1);
        self
    }

    /// How long a request waits for room in a full buffer; 1 s if not set.
    pub fn buffer_timeout(mut self, patience: Duration) -> Self {
        self.options.buffer_timeout = patience;
        self
    }

    /// How long the store may take over one operation before it counts as away; 5 s if not set.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.options.store_timeout = timeout;
        self
    }

    /// How long a shutdown goes on trying to write the audit log; 10 s if not set.
    pub fn shutdown_timeout(mut self, patience: Duration) -> Self {
        self.options.shutdown_timeout = patience;
        self
    }

    /// Most look-ups in the store at once; 64 if not set, at least 1. Others wait for their turn.
    pub fn max_concurrent_lookups(mut self, look_ups: usize) -> Self {
        self.max_concurrent_lookups = look_ups.max(1);
        self
    }

    /// Checks the settings, asks the store which peppers are in use, and gives the handle and the
    /// work to be spawned.
    ///
    /// # Errors
    ///
    /// When a setting is wrong, the store does not answer, or holds secrets under a pepper that
    /// was not given.
    pub async fn build(self) -> Result<(ApiKeys, Maintenance), BuildError> {
        let timeout = self.options.store_timeout;
        let schemes = within(&*self.clock, timeout, "schemes", self.store.schemes()).await?;
        let keys = self.assemble()?;
        if let Some(missing) = schemes.iter().find(|scheme| !keys.inner.peppers.covers(scheme)) {
            return Err(BuildError::MissingPepper { scheme: missing.to_string() });
        }
        let maintenance = Maintenance { inner: Arc::clone(&keys.inner) };
        Ok((keys, maintenance))
    }

    /// Everything is at its default, which is right, and the store is empty.
    pub(super) fn assemble_in_memory(self) -> ApiKeys {
        let (format, peppers) = (TokenFormat::default(), Peppers::none());
        self.assemble_with(format, peppers)
    }

    fn assemble(mut self) -> Result<ApiKeys, BuildError> {
        let mut format = TokenFormat::new(self.prefix.clone()?);
        for accepted in std::mem::take(&mut self.accepted) {
            format = format.also_accept(accepted?);
        }
        let peppers = self.peppers.clone()?;
        Ok(self.assemble_with(format, peppers))
    }

    fn assemble_with(self, format: TokenFormat, peppers: Peppers) -> ApiKeys {
        let ids = Arc::new(IdGenerator::default());
        let recorder = Recorder::new(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
            Arc::clone(&ids),
            RecorderOptions {
                batch_size: self.batch_size,
                capacity: self.buffer_capacity,
                store_timeout: self.options.store_timeout,
            },
        );
        let local = || Arc::new(LocalLimiter::new(Arc::clone(&self.clock))) as Arc<dyn Limiter>;
        let inner = Inner {
            limiter: self.limiter.unwrap_or_else(local),
            store: self.store,
            clock: self.clock,
            entropy: self.entropy,
            ids,
            plans: self.plans,
            format,
            peppers,
            options: self.options,
            live: LiveKeys::new(),
            recorder,
            lifecycle: Arc::new(Lifecycle::default()),
            lookups: async_lock::Semaphore::new(self.max_concurrent_lookups),
            maintained: AtomicBool::new(false),
            warned: AtomicBool::new(false),
            request_ids: RequestIds::new(),
        };
        ApiKeys { inner: Arc::new(inner) }
    }
}
