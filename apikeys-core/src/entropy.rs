//! The source of the randomness of secrets: the operating system, or a test's own.

use std::fmt;

/// A source of unpredictable bytes, from which secrets are made.
///
/// Implement it only for tests.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` entirely.
    ///
    /// # Errors
    ///
    /// Returns an error if no unpredictable bytes are available. There is no fallback: no secret is
    /// made.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's random number generator.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct OsEntropy;

impl OsEntropy {
    /// Creates the source.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|source| EntropyError { source: Box::new(source) })
    }
}

/// A source of randomness failed.
#[derive(Debug, thiserror::Error)]
#[error("no randomness is available")]
pub struct EntropyError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl EntropyError {
    /// Creates an error from its cause.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}
