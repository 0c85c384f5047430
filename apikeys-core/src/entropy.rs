//! Where randomness comes from: the operating system, unless a test says otherwise.

use std::fmt;

/// A source of bytes that nobody can guess.
///
/// Secrets and ids are made from it. Inject one of your own only in tests.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` entirely.
    ///
    /// # Errors
    ///
    /// When no unguessable bytes can be had. There is no fallback: nothing is issued then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct OsEntropy;

impl OsEntropy {
    /// The operating system's generator.
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

/// The generator of randomness failed; nothing was issued.
#[derive(Debug, thiserror::Error)]
#[error("no randomness from the operating system")]
pub struct EntropyError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl EntropyError {
    /// An error of one's own generator.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}
