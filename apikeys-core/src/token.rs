//! The text of a key: how it is made, read, and looked up.
//!
//! ```text
//! acme_live_0123456789ABCDEFGHIJKLMNOPQRST4MTgoG
//! └prefix─┘ └──────30 characters─────────┘└─6──┘
//! ```
//!
//! The prefix is the host's. The 30 characters are drawn from `0-9A-Za-z` by the operating
//! system's generator: 178 bits. The last six are the CRC-32 (IEEE) of everything before them in
//! base 62, most significant digit first, padded with zeros. The checksum is no secret; it tells
//! a typing error from an unknown key without asking anybody, and lets a scanner recognise a
//! leaked key with certainty.
//!
//! A store never holds the text, only a [`Locator`]: its SHA-256, or its HMAC-SHA-256 under a
//! [pepper](Peppers) that the database does not know. At 178 bits a slow password hash would add
//! milliseconds and no safety.

mod format;
mod locator;
mod prefix;
mod secret;

pub use format::{MalformedToken, TokenFormat};
pub use locator::{Fingerprint, InvalidPepper, Locator, Peppers, Scheme};
pub use prefix::Prefix;
pub use secret::Secret;
