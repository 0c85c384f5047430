//! The text of a secret: how it is made, checked, and looked up.
//!
//! ```text
//! acme_live_0123456789ABCDEFGHIJKLMNOPQRST4MTgoG
//! └prefix─┘ └──────30 characters─────────┘└─6──┘
//! ```
//!
//! The host chooses the prefix. The 30 characters of `0-9A-Za-z` are random, which makes 178 bits.
//! The last six characters are a checksum: the CRC-32 (IEEE) of all characters before them in base
//! 62, most significant digit first, padded with zeros. The checksum is not secret. With it, a typing
//! error is refused without a lookup, and a scanner recognises a leaked key with certainty.
//!
//! A store does not hold the text, but a [`Locator`]: the text's SHA-256, or its HMAC-SHA-256 under a
//! [pepper](Peppers) that is kept outside the database. A slow password hash would take milliseconds,
//! and is not needed for a text of 178 random bits.

mod format;
mod locator;
mod prefix;
mod secret;

pub use format::{MalformedToken, TokenFormat};
pub use locator::{Fingerprint, InvalidPepper, Locator, Peppers, Scheme};
pub use prefix::Prefix;
pub use secret::Secret;
