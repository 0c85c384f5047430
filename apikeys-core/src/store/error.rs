use std::{error::Error, fmt};

/// An error of a store.
///
/// The message names the operation and the kind of failure. The source is the error of the database. The
/// source is for logs and is not shown to a caller.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of a [`StoreError`]. The kind says whether repeating the operation can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, is overloaded, or did not answer in time. **The operation may have taken
    /// effect or not.** Repeating the same operation can help.
    Unavailable,
    /// The store will never accept the operation. Nothing was written.
    Rejected,
    /// Stored data cannot be read. Nothing was written.
    Corrupt,
    /// The store does not support the operation. Nothing was written.
    Unsupported,
}

impl StoreError {
    /// Creates an error of `kind` in `operation`, such as `commit` or `find`.
    #[must_use]
    pub const fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, source: None }
    }

    /// Adds the cause of the error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Returns the operation that failed.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns whether the same operation may succeed if it is repeated.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation;
        match self.kind {
            StoreErrorKind::Unavailable => {
                write!(f, "the operation `{operation}` failed because the store is unavailable")
            }
            StoreErrorKind::Rejected => write!(f, "the store rejected the operation `{operation}`"),
            StoreErrorKind::Corrupt => {
                write!(f, "the operation `{operation}` failed because stored data cannot be read")
            }
            StoreErrorKind::Unsupported => {
                write!(f, "the store does not support the operation `{operation}`")
            }
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
