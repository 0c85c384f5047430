/// The result of one call of [`KeyStore::purge`](super::KeyStore::purge).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PurgeProgress {
    /// The number of rows that the call removed from all tables together.
    pub rows: u64,
    /// True if there may be more rows to remove.
    pub more: bool,
}

impl PurgeProgress {
    /// Creates the result of a [`KeyStore::purge`](super::KeyStore::purge).
    #[must_use]
    pub const fn new(rows: u64, more: bool) -> Self {
        Self { rows, more }
    }
}
