use std::fmt;

use async_trait::async_trait;

use super::FaultStore;
use crate::{
    Timestamp,
    audit::AuditEntry,
    id::{ClaimId, EventId, KeyId, OrgId, WriterId},
    store::{
        AuditQuery, Batch, Change, ClaimedWarnings, CommitOutcome, FinishOutcome, FinishedWarning, FoundKey,
        KeyQuery, KeyStore, KeyView, OrgRow, Page, PurgeProgress, RecordOutcome, StoreError, StoreErrorKind,
        StoreResult, UsagePoint, UsageQuery, WarningClaim, Warnings,
    },
    token::{Locator, Scheme},
};

/// Defines [`Method`] and implements [`KeyStore`] and [`Warnings`] for [`FaultStore`] from one list, so that
/// none of them can omit a method of the traits.
macro_rules! methods {
    (
        KeyStore { $($method:ident: $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* }
        Warnings { $($w_method:ident: $w_name:ident($($w_argument:ident: $w_type:ty),*) -> $w_answer:ty;)* }
    ) => {
        /// A method of [`KeyStore`] or [`Warnings`].
        ///
        /// This enum is exhaustive. If one of the traits gains a method, a `match` over all methods no longer
        /// compiles, so that a test cannot omit the new method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "tables of methods must notice a new one")]
        pub enum Method {
            $(
                #[doc = concat!("[`KeyStore::", stringify!($name), "`]")]
                $method,
            )*
            $(
                #[doc = concat!("[`Warnings::", stringify!($w_name), "`]")]
                $w_method,
            )*
        }

        impl Method {
            /// All methods.
            pub const ALL: [Self; [$(stringify!($name),)* $(stringify!($w_name),)*].len()] =
                [$(Self::$method,)* $(Self::$w_method,)*];

            /// The method's name, such as `open_writer`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => stringify!($name),)*
                    $(Self::$w_method => stringify!($w_name),)*
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

            fn warnings(&self) -> Option<&dyn Warnings> {
                self.inner.warnings().map(|_| self as &dyn Warnings)
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: KeyStore> Warnings for FaultStore<S> {
            $(
                async fn $w_name(&self, $($w_argument: $w_type),*) -> StoreResult<$w_answer> {
                    let method = Method::$w_method;
                    let call = async { warnings_of(&self.inner, method)?.$w_name($($w_argument),*).await };
                    self.call(method, call).await
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

            /// Returns whether the [`InterceptedStore`] supports warnings ([`KeyStore::warnings`]). By default, the
            /// `InterceptedStore` supports warnings if the store whose methods are replaced does.
            fn supports_warnings(&self) -> bool {
                self.store().warnings().is_some()
            }

            $(
                #[doc = concat!("Replaces [`KeyStore::", stringify!($name), "`].")]
                async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                    self.store().$name($($argument),*).await
                }
            )*

            $(
                #[doc = concat!("Replaces [`Warnings::", stringify!($w_name), "`].")]
                async fn $w_name(&self, $($w_argument: $w_type),*) -> StoreResult<$w_answer> {
                    warnings_of(self.store(), Method::$w_method)?.$w_name($($w_argument),*).await
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

            fn warnings(&self) -> Option<&dyn Warnings> {
                self.0.supports_warnings().then_some(self as &dyn Warnings)
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<I: Interceptor> Warnings for InterceptedStore<I> {
            $(
                async fn $w_name(&self, $($w_argument: $w_type),*) -> StoreResult<$w_answer> {
                    self.0.$w_name($($w_argument),*).await
                }
            )*
        }
    };
}

/// Returns the warnings of a store, or an error if the store does not support warnings.
fn warnings_of(store: &impl KeyStore, method: Method) -> StoreResult<&dyn Warnings> {
    store.warnings().ok_or_else(|| StoreError::new(StoreErrorKind::Unsupported, method.as_str()))
}

methods! {
    KeyStore {
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
    Warnings {
        Claim: claim(claim: &WarningClaim) -> ClaimedWarnings;
        Finish: finish(warning: &FinishedWarning) -> FinishOutcome;
        Postpone: postpone(claim: ClaimId, key: KeyId, until: Timestamp) -> ();
    }
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
