use std::fmt;

use async_trait::async_trait;

use super::FaultStore;
use crate::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    store::{
        AuditQuery, Batch, Change, CommitOutcome, FoundKey, KeyQuery, KeyStore, KeyView, OrgRow, Page,
        PurgeProgress, RecordOutcome, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};

/// Defines [`Method`] and implements [`KeyStore`] for [`FaultStore`] from one list, so that neither can omit
/// a method of the trait.
macro_rules! methods {
    ($($method:ident: $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// A method of [`KeyStore`].
        ///
        /// This enum is exhaustive. If the trait gains a method, a `match` over all methods no longer
        /// compiles, so that a test cannot omit the new method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "tables of methods must notice a new one")]
        pub enum Method {
            $(
                #[doc = concat!("[`KeyStore::", stringify!($name), "`]")]
                $method,
            )*
        }

        impl Method {
            /// All methods.
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$method),*];

            /// The method's name, such as `open_writer`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => stringify!($name),)*
                }
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: KeyStore> KeyStore for FaultStore<S> {
            $(
                async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                    self.call(Method::$method, self.inner.$name($($argument),*)).await
                }
            )*
        }

        /// Replaces some methods of a store. Implement [`store`](Self::store) and the methods to replace.
        /// Every other method is passed on to the store that `store` returns. [`InterceptedStore`] turns the
        /// interceptor into a [`KeyStore`].
        #[async_trait]
        pub trait Interceptor: fmt::Debug + Send + Sync + 'static {
            /// The type of the store.
            type Store: KeyStore;

            /// Returns the store whose methods are replaced.
            fn store(&self) -> &Self::Store;

            $(
                #[doc = concat!("Replaces [`KeyStore::", stringify!($name), "`].")]
                async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                    self.store().$name($($argument),*).await
                }
            )*
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<I: Interceptor> KeyStore for InterceptedStore<I> {
            $(
                async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                    self.0.$name($($argument),*).await
                }
            )*
        }
    };
}

methods! {
    Find: find(locators: &[Locator]) -> Option<FoundKey>;
    Schemes: schemes() -> Vec<Scheme>;
    Org: org(org: &OrgId) -> Option<OrgRow>;
    Key: key(org: &OrgId, key: KeyId) -> Option<KeyView>;
    Keys: keys(query: &KeyQuery) -> Page<KeyView, KeyId>;
    Commit: commit(change: &Change) -> CommitOutcome;
    OpenWriter: open_writer(writer: WriterId) -> ();
    Record: record(batch: &Batch) -> RecordOutcome;
    Audit: audit(query: &AuditQuery) -> Page<AuditEntry, EventId>;
    Usage: usage(query: &UsageQuery) -> Vec<UsagePoint>;
    Purge: purge(max_rows: u32) -> PurgeProgress;
}

/// A store in which an [`Interceptor`] replaces some methods.
///
/// ```
/// use apikeys_core::{MemoryStore, conformance::faults::{InterceptedStore, Interceptor}};
/// use apikeys_core::store::{KeyStore, PurgeProgress, StoreResult};
///
/// #[derive(Debug)]
/// struct WithoutPurge(MemoryStore);
///
/// #[async_trait::async_trait]
/// impl Interceptor for WithoutPurge {
///     type Store = MemoryStore;
///
///     fn store(&self) -> &MemoryStore {
///         &self.0
///     }
///
///     async fn purge(&self, _: u32) -> StoreResult<PurgeProgress> {
///         Ok(PurgeProgress::default())
///     }
/// }
///
/// let store = InterceptedStore::new(WithoutPurge(MemoryStore::new()));
/// # fn is_store(_: impl KeyStore) {}
/// # is_store(store);
/// ```
#[derive(Debug, Clone)]
pub struct InterceptedStore<I>(I);

impl<I: Interceptor> InterceptedStore<I> {
    /// Creates a store with the methods of `interceptor`.
    #[must_use]
    pub const fn new(interceptor: I) -> Self {
        Self(interceptor)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
