//! The text of a secret, and how secrets are created, checked and looked up.
//!
//! ```text
//! acme_live_0123456789ABCDEFGHIJKLMNOPQRST4MTgoG
//! └prefix─┘ └──────30 characters─────────┘└─6──┘
//! ```
//!
//! Your service chooses the prefix. The 30 characters of `0-9A-Za-z` are random and have 178 bits of entropy.
//! The last six characters are a checksum. It is the CRC-32 (IEEE) of all characters before it, in base 62,
//! with the most significant digit first, padded with zeros. The checksum is not secret. Because of the
//! checksum, a secret with a typing error is refused without a look-up in the store, and a scanner recognizes
//! a leaked key with certainty.
//!
//! Of a secret, a store holds only the display prefix and a [`Locator`]. The locator contains the SHA-256 of the
//! text, or its HMAC-SHA-256 under a [pepper](Peppers). A pepper is a key that is kept outside the database. A slow
//! password hash would take milliseconds for each request, and is not needed for a text of 178 random bits.

mod format;
mod locator;
mod prefix;
mod secret;

pub use format::{MalformedToken, TokenFormat};
pub use locator::{Fingerprint, InvalidPepper, Locator, Peppers, Scheme};
pub use prefix::Prefix;
pub use secret::Secret;
