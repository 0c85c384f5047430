use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::{
    api_keys::ApiKeys,
    cache::Cache,
    inner::{Inner, Options},
    lifecycle::Lifecycle,
    live_keys::LiveKeys,
    maintenance::Maintenance,
    observe::Observer,
    recorder::{Recorder, RecorderOptions},
    timeout::{StoreTimeout, within},
};
use crate::{
    clock::{Clock, SystemClock},
    entropy::{Entropy, OsEntropy},
    id::IdGenerator,
    limiter::{Limiter, LocalLimiter},
    memory::MemoryStore,
    plan::Plans,
    store::{KeyStore, StoreError},
    text::{InvalidValue, excerpt},
    token::{InvalidPepper, Peppers, Prefix, Scheme, TokenFormat},
    warning::ExpiryWarnings,
};

impl ApiKeys {
    /// Returns a [`Builder`] for an engine that keeps its data in `store`.
    pub fn builder(store: impl KeyStore) -> Builder {
        Builder::new(Arc::new(store))
    }

    /// Creates an engine that keeps everything in memory and has the standard plans. Use it for tests and
    /// first steps. The engine needs no [`Maintenance`], because each request waits until its audit event is
    /// written.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::builder(MemoryStore::new()).assemble_in_memory()
    }
}

/// Builds an [`ApiKeys`]. Every setting has a default. [`build`](Self::build) returns an error if a value is
/// invalid.
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
    limiter: Arc<dyn Limiter>,
    plans: Plans,
    prefix: Result<Prefix, InvalidValue>,
    accepted: Vec<Result<Prefix, InvalidValue>>,
    peppers: Result<Peppers, InvalidPepper>,
    allow_unpeppered: bool,
    batch_size: usize,
    buffer_capacity: usize,
    max_concurrent_lookups: usize,
    warnings: Option<ExpiryWarnings>,
    cache_lease: Option<Duration>,
    store_timeout: Duration,
    options: Options,
}

/// The reason why [`Builder::build`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A prefix is invalid.
    #[error(transparent)]
    Prefix(#[from] InvalidValue),
    /// A pepper is invalid.
    #[error(transparent)]
    Pepper(#[from] InvalidPepper),
    /// The store holds keys whose pepper this process does not have.
    #[error(
        "the store holds keys that were created with version {version} of the pepper: add this version with \
         `pepper` on the builder"
    )]
    MissingPepper {
        /// The version of the pepper.
        version: u32,
    },
    /// The store holds keys under a [`Scheme`] that this version of the library does not know. A newer version
    /// created the keys.
    #[error(
        "the store holds keys under the unknown scheme {scheme}: update this service to the version of \
         apikeys that created the keys"
    )]
    UnknownScheme {
        /// The text of the scheme, cut to 64 characters.
        scheme: String,
    },
    /// A pepper is set, but the store holds keys that were created without a pepper, and
    /// [`allow_unpeppered`](Builder::allow_unpeppered) was not called.
    #[error(
        "a pepper is set, but keys are stored without one: call `allow_unpeppered` on the builder while such \
         keys are in use, and check that none of them was planted"
    )]
    UnpepperedKeys,
    /// [`expiry_warnings`](Builder::expiry_warnings) are set, but the store does not remember which warnings were
    /// sent ([`KeyStore::warnings`] returns `None`).
    #[error(
        "the key store does not support expiry warnings: use another store, or do not set `expiry_warnings`"
    )]
    WarningsUnsupported,
    /// The store failed.
    #[error("the key store failed")]
    Store(#[from] StoreError),
}

/// The length of the lease, unless [`Builder::cache_lease`] is called.
const DEFAULT_LEASE: Duration = Duration::from_secs(2);
/// The shortest lease. With a shorter lease, the engine would ask the store too often.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);
const LONGEST_LEASE: Duration = Duration::from_secs(60);

impl Builder {
    pub(super) fn new(store: Arc<dyn KeyStore>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
            limiter: Arc::new(LocalLimiter),
            plans: Plans::standard(),
            prefix: Ok(Prefix::default()),
            accepted: Vec::new(),
            peppers: Ok(Peppers::none()),
            allow_unpeppered: false,
            batch_size: 1_000,
            buffer_capacity: 100_000,
            max_concurrent_lookups: 64,
            warnings: None,
            cache_lease: Some(DEFAULT_LEASE),
            store_timeout: Duration::from_secs(5),
            options: Options {
                flush_interval: Duration::from_millis(100),
                buffer_timeout: Duration::from_secs(1),
                shutdown_timeout: Duration::from_secs(10),
            },
        }
    }

    /// Sets the prefix of new secrets, such as `acme_live`. A prefix has 2 to 16 characters of `a-z`, `0-9`
    /// and `_`, and begins with a letter. The default is `key`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = Prefix::new(prefix);
        self
    }

    /// Also accepts secrets with `prefix`. Use this method for a prefix that new secrets no longer have.
    pub fn also_accept(mut self, prefix: &str) -> Self {
        self.accepted.push(Prefix::new(prefix));
        self
    }

    /// Sets the catalogue of plans. The default is [`Plans::standard`].
    pub fn plans(mut self, plans: Plans) -> Self {
        self.plans = plans;
        self
    }

    /// Adds a pepper under the number `version`. A pepper is an HMAC key of at least 32 random bytes. Keep
    /// peppers outside the database.
    ///
    /// New keys use the pepper with the highest version. Do not remove a pepper as long as keys use that
    /// pepper. If a pepper is set and the store holds keys that were created without a pepper,
    /// [`build`](Self::build) returns [`BuildError::UnpepperedKeys`]. To accept such keys, call
    /// [`allow_unpeppered`](Self::allow_unpeppered).
    pub fn pepper(mut self, version: u32, key: &[u8]) -> Self {
        self.peppers = self.peppers.and_then(|mut peppers| peppers.add(version, key).map(|()| peppers));
        self
    }

    /// Accepts keys that were created without a pepper, although a pepper is set. Use this setting when you
    /// introduce a pepper and such keys exist. Remove the setting when no such key is left.
    ///
    /// With this setting, an attacker who can write to the database can add a working key, as if no pepper
    /// were set. If no pepper is set, this setting has no effect.
    pub fn allow_unpeppered(mut self) -> Self {
        self.allow_unpeppered = true;
        self
    }

    /// Sets the clock. The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of the random bytes of secrets. The default is the operating system.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Sets the limiter, which decides about rate limits. The default is [`LocalLimiter`].
    pub fn limiter(mut self, limiter: impl Limiter) -> Self {
        self.limiter = Arc::new(limiter);
        self
    }

    /// Sets the interval at which the audit log is written. The minimum is 1 ms, and the default is 100 ms. A
    /// process that is killed loses the events that it had not yet written.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.options.flush_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets how many events are written in one transaction. The minimum is 1, and the default is 1,000.
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch_size = events.max(1);
        self
    }

    /// Sets how many audit events may wait to be written. The minimum is 1, and the default is 100,000. When
    /// the buffer is full, requests wait until there is room. A request that finds no room within the
    /// [`buffer_timeout`](Self::buffer_timeout) is denied with `AUDIT_UNAVAILABLE`.
    pub fn buffer_capacity(mut self, events: usize) -> Self {
        self.buffer_capacity = events.max(1);
        self
    }

    /// Sets how long a request waits for room in a full buffer. The default is 1 s.
    pub fn buffer_timeout(mut self, timeout: Duration) -> Self {
        self.options.buffer_timeout = timeout;
        self
    }

    /// Sets how long the store may take for one operation. After this time, the store is treated as
    /// unavailable. The default is 5 s. The limit of a single operation can be up to an eighth shorter.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Sets how long a shutdown may take. The default is 10 s.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.options.shutdown_timeout = timeout;
        self
    }

    /// Sets how many verifications may read from the store at the same time. The minimum is 1, and the
    /// default is 64. Further verifications wait until others have finished reading.
    pub fn max_concurrent_lookups(mut self, lookups: usize) -> Self {
        self.max_concurrent_lookups = lookups.max(1);
        self
    }

    /// Sets the length of the *lease*, which is the time for which the engine may use the keys in its memory without an
    /// answer from the store. The minimum is 100 ms, the maximum is 60 s, and the default is 2 s.
    ///
    /// The engine keeps the keys of recent requests in memory, so that a request with such a key needs no read from the
    /// store. At least four times in each lease, the engine asks the store for changes, and the answer extends the
    /// lease. While the store does not respond, keys in memory work until the lease ends. After that, requests are
    /// denied with `VERIFICATION_UNAVAILABLE`.
    ///
    /// A method that changes a key or plan returns when no instance uses the old state any more. If an instance has
    /// crashed or cannot reach the store, the next change waits as long as the lease of that instance. If that instance
    /// stopped in the middle of recording requests with the key, the change first waits until the database ends the
    /// transaction of the recording. With `apikeys-sqlx-store`, PostgreSQL and MariaDB end such a transaction within
    /// about 3 seconds. MySQL and SQLite end it only when the connection of the stopped instance is closed.
    ///
    /// The instances of your service can have leases of different lengths. The cache needs a running [`Maintenance`],
    /// and a store that supports the cache ([`KeyStore::coherence`]). Otherwise, each verification reads the store.
    pub fn cache_lease(mut self, lease: Duration) -> Self {
        self.cache_lease = Some(lease.clamp(SHORTEST_LEASE, LONGEST_LEASE));
        self
    }

    /// Keeps no keys in memory, so that each verification reads the store. The changes of other instances then do not
    /// wait for this instance. The changes of this instance still wait for the instances that keep keys in memory.
    pub fn without_cache(mut self) -> Self {
        self.cache_lease = None;
        self
    }

    /// Sends warnings before keys expire. By default, no warnings are sent. The [`Maintenance`] must be running,
    /// because it sends the warnings.
    pub fn expiry_warnings(mut self, warnings: ExpiryWarnings) -> Self {
        self.warnings = Some(warnings);
        self
    }

    /// Builds the [engine](super). This method checks the settings, and asks the store which peppers the stored
    /// keys need. Returns the [`ApiKeys`] and the [`Maintenance`]. Spawn [`Maintenance::run`] on your async
    /// runtime.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is invalid or not supported by the store, if the store fails, or if the
    /// store holds keys that this process cannot verify.
    pub async fn build(self) -> Result<(ApiKeys, Maintenance), BuildError> {
        if self.warnings.is_some() && self.store.warnings().is_none() {
            return Err(BuildError::WarningsUnsupported);
        }
        let schemes = within(&*self.clock, self.store_timeout, "schemes", self.store.schemes()).await?;
        let keys = self.assemble()?;
        if let Some(missing) = schemes.iter().find(|scheme| !keys.inner.peppers.covers(scheme)) {
            return Err(match missing {
                Scheme::Sha256 => BuildError::UnpepperedKeys,
                Scheme::HmacSha256 { pepper } => BuildError::MissingPepper { version: *pepper },
                Scheme::Unknown(text) => BuildError::UnknownScheme { scheme: excerpt(text, 64) },
            });
        }
        let maintenance = Maintenance { inner: Arc::clone(&keys.inner) };
        Ok((keys, maintenance))
    }

    /// Builds the engine with the default prefix and without peppers. There is nothing to check, because
    /// these settings are valid and an empty store has no keys.
    pub(super) fn assemble_in_memory(self) -> ApiKeys {
        let (format, peppers) = (TokenFormat::default(), Peppers::none());
        self.assemble_with(format, peppers)
    }

    fn assemble(mut self) -> Result<ApiKeys, BuildError> {
        let mut format = TokenFormat::new(self.prefix.clone()?);
        for accepted in std::mem::take(&mut self.accepted) {
            format = format.also_accept(accepted?);
        }
        let mut peppers = self.peppers.clone()?;
        if self.allow_unpeppered {
            peppers.allow_unpeppered();
        }
        Ok(self.assemble_with(format, peppers))
    }

    fn assemble_with(self, format: TokenFormat, peppers: Peppers) -> ApiKeys {
        let ids = Arc::new(IdGenerator::default());
        let observer = Arc::new(Observer::new(Arc::clone(&self.clock)));
        let recorder = Recorder::new(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            Arc::clone(&ids),
            Arc::clone(&observer),
            RecorderOptions {
                batch_size: self.batch_size,
                capacity: self.buffer_capacity,
                store_timeout: self.store_timeout,
            },
        );
        let inner = Inner {
            store_timeout: StoreTimeout::new(Arc::clone(&self.clock), self.store_timeout),
            limiter: self.limiter,
            store: self.store,
            clock: self.clock,
            entropy: self.entropy,
            ids,
            observer,
            plans: self.plans,
            format,
            peppers,
            options: self.options,
            cache: Cache::new(self.cache_lease),
            live: LiveKeys::new(),
            recorder,
            lifecycle: Arc::new(Lifecycle::default()),
            lookups: async_lock::Semaphore::new(self.max_concurrent_lookups),
            maintained: AtomicBool::new(false),
            instances_limit_alone: AtomicBool::new(false),
            warnings: self.warnings,
            purge_wanted: event_listener::Event::new(),
        };
        ApiKeys::new(inner)
    }
}
