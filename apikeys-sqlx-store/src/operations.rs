//! The operations of a store, written once for all databases.

pub(crate) mod audit;
pub(crate) mod coherence;
pub(crate) mod commit;
pub(crate) mod keys;
pub(crate) mod orgs;
pub(crate) mod purge;
pub(crate) mod record;
pub(crate) mod secrets;
pub(crate) mod usage;
pub(crate) mod verification;
pub(crate) mod warnings;
