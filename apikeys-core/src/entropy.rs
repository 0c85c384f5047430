//! The source of the random bytes of secrets: the operating system, or a source of a test.

use std::fmt;

/// A source of unpredictable bytes, from which secrets are created.
///
/// Implement this trait only for tests.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` entirely.
    ///
    /// # Errors
    ///
    /// Returns an error if no unpredictable bytes are available. No secret is created then, because there is
    /// no fallback.
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

/// The error of a source of randomness that failed.
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
