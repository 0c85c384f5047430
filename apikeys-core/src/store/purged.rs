/// What one call of [`KeyStore::purge`](super::KeyStore::purge) did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// The number of rows removed, of all tables together.
    pub rows: u64,
    /// Whether rows of forgotten organizations may be left.
    pub more: bool,
}

impl Purged {
    /// Creates the result of a [`KeyStore::purge`](super::KeyStore::purge).
    #[must_use]
    pub const fn new(rows: u64, more: bool) -> Self {
        Self { rows, more }
    }
}
