use std::{error::Error, fmt};

/// A store could not do what it was asked.
///
/// The message says which operation and why in general; what the database said is the source,
/// for logs, and never reaches a caller.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure, and with it whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, is overloaded, or did not answer in time. **Whether the
    /// operation took effect is unknown.** Trying the same again can help.
    Unavailable,
    /// The store looked at the operation and will never accept it; nothing was written.
    Rejected,
    /// What is stored cannot be read as what it should be.
    Corrupt,
    /// This store does not know such an operation; nothing was written.
    Unsupported,
}

impl StoreError {
    /// An error of `kind` while doing `operation`, as `commit` or `find`.
    #[must_use]
    pub const fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, source: None }
    }

    /// Keeps what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// What was being done.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same operation may succeed when tried again.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.kind {
            StoreErrorKind::Unavailable => "the store is unavailable",
            StoreErrorKind::Rejected => "the store refused it",
            StoreErrorKind::Corrupt => "stored data cannot be read",
            StoreErrorKind::Unsupported => "the store does not support it",
        };
        write!(f, "{}: {reason}", self.operation)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
