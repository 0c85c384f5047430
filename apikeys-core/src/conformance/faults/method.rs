use std::fmt;

use async_trait::async_trait;

use super::FaultStore;
use crate::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    key::KeyView,
    store::{
        AuditQuery, Batch, Change, Committed, Found, KeyQuery, KeyStore, OrgRow, Page, Purged, Recorded,
        StoreResult, UsagePoint, UsageQuery,
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
    };
}

methods! {
    Find: find(locators: &[Locator]) -> Option<Found>;
    Schemes: schemes() -> Vec<Scheme>;
    Org: org(org: &OrgId) -> Option<OrgRow>;
    Key: key(org: &OrgId, key: KeyId) -> Option<KeyView>;
    Keys: keys(query: &KeyQuery) -> Page<KeyView, KeyId>;
    Commit: commit(change: &Change) -> Committed;
    OpenWriter: open_writer(writer: WriterId) -> ();
    Record: record(batch: &Batch) -> Recorded;
    Audit: audit(query: &AuditQuery) -> Page<AuditEntry, EventId>;
    Usage: usage(query: &UsageQuery) -> Vec<UsagePoint>;
    Purge: purge(max_rows: u32) -> Purged;
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
