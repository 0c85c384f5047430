use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::FaultStore;
use crate::{
    Timestamp,
    audit::AuditEntry,
    id::{ClaimId, EventId, InstanceId, KeyId, OrgId, WriterId},
    store::{
        AuditQuery, Batch, BehindInstance, Change, ClaimedWarnings, Coherence, CommitOutcome, FinishOutcome,
        FinishedWarning, FoundKey, KeyQuery, KeyStore, KeyView, OrgRow, Page, Polled, PurgeProgress,
        RecordOutcome, Revision, StoreError, StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
        WarningClaim, Warnings,
    },
    token::{Locator, Scheme},
};

/// Defines [`Method`], and implements [`KeyStore`] and its optional parts for [`FaultStore`] and [`InterceptedStore`],
/// all from one list, so that none of them can omit a method of the traits.
macro_rules! methods {
    (
        KeyStore { $($method:ident: $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* }
        $($part:ident, $of_part:ident, $function:ident, $supports:ident {
            $($p_method:ident: $p_name:ident($($p_argument:ident: $p_type:ty),*) -> $p_answer:ty;)*
        })*
    ) => {
        /// A method of [`KeyStore`], [`Warnings`] or [`Coherence`].
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
            $($(
                #[doc = concat!("[`", stringify!($part), "::", stringify!($p_name), "`]")]
                $p_method,
            )*)*
        }

        impl Method {
            /// All methods.
            pub const ALL: [Self; [$(stringify!($name),)* $($(stringify!($p_name),)*)*].len()] =
                [$(Self::$method,)* $($(Self::$p_method,)*)*];

            /// The method's name, such as `open_writer`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => stringify!($name),)*
                    $($(Self::$p_method => stringify!($p_name),)*)*
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
            $(
                fn $function(&self) -> Option<&dyn $part> {
                    self.inner.$function().map(|_| self as &dyn $part)
                }
            )*
        }

        $(
            #[deny(clippy::missing_trait_methods)]
            #[async_trait]
            impl<S: KeyStore> $part for FaultStore<S> {
                $(
                    async fn $p_name(&self, $($p_argument: $p_type),*) -> StoreResult<$p_answer> {
                        let method = Method::$p_method;
                        let call = async { $of_part(&self.inner, method)?.$p_name($($p_argument),*).await };
                        self.call(method, call).await
                    }
                )*
            }
        )*

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
                #[doc = concat!(
                    "Returns whether the [`InterceptedStore`] has the optional part [`", stringify!($part), "`]. By \
                    default, it has the part if the store whose methods are replaced has it."
                )]
                fn $supports(&self) -> bool {
                    self.store().$function().is_some()
                }
            )*

            $(
                #[doc = concat!("Replaces [`KeyStore::", stringify!($name), "`].")]
                async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                    self.store().$name($($argument),*).await
                }
            )*

            $($(
                #[doc = concat!("Replaces [`", stringify!($part), "::", stringify!($p_name), "`].")]
                async fn $p_name(&self, $($p_argument: $p_type),*) -> StoreResult<$p_answer> {
                    $of_part(self.store(), Method::$p_method)?.$p_name($($p_argument),*).await
                }
            )*)*
        }

        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<I: Interceptor> KeyStore for InterceptedStore<I> {
            $(
                async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                    self.0.$name($($argument),*).await
                }
            )*
            $(
                fn $function(&self) -> Option<&dyn $part> {
                    self.0.$supports().then_some(self as &dyn $part)
                }
            )*
        }

        $(
            #[deny(clippy::missing_trait_methods)]
            #[async_trait]
            impl<I: Interceptor> $part for InterceptedStore<I> {
                $(
                    async fn $p_name(&self, $($p_argument: $p_type),*) -> StoreResult<$p_answer> {
                        self.0.$p_name($($p_argument),*).await
                    }
                )*
            }
        )*

        $(
            #[doc = concat!("Returns an optional part of a store, or an error if the store does not have it.")]
            fn $of_part(store: &impl KeyStore, method: Method) -> StoreResult<&dyn $part> {
                store.$function().ok_or_else(|| StoreError::new(StoreErrorKind::Unsupported, method.as_str()))
            }
        )*
    };
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
    Warnings, warnings_of, warnings, supports_warnings {
        Claim: claim(claim: &WarningClaim) -> ClaimedWarnings;
        Finish: finish(warning: &FinishedWarning) -> FinishOutcome;
        Postpone: postpone(claim: ClaimId, key: KeyId, until: Timestamp) -> ();
    }
    Coherence, coherence_of, coherence, supports_coherence {
        Register: register(instance: InstanceId, lease: Duration) -> Revision;
        Poll: poll(instance: InstanceId, applied: Revision) -> Polled;
        Acknowledge: acknowledge(instance: InstanceId, applied: Revision) -> bool;
        Behind: behind(revision: Revision) -> Vec<BehindInstance>;
        Fence: fence(instances: &[InstanceId], revision: Revision) -> ();
        Leave: leave(instance: InstanceId) -> ();
        Revision: revision() -> Revision;
        Hint: hint(applied: Revision) -> ();
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
