use std::{fmt, sync::OnceLock};

use apikeys_core::entropy::{Entropy, EntropyError, OsEntropy};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use zeroize::Zeroizing;

/// The key that encrypts and decrypts cursors.
///
/// Cursors are encrypted, so that clients cannot read or change them. The encryption includes a description of
/// the list, so that a cursor is invalid for another organization, list or set of filters.
#[derive(Default)]
pub(crate) struct Cursors {
    cipher: OnceLock<XChaCha20Poly1305>,
}

const NONCE_LEN: usize = 24;
const PLACE_LEN: usize = 16;
const TAG_LEN: usize = 16;
const TEXT_LEN: usize = (NONCE_LEN + PLACE_LEN + TAG_LEN) / 3 * 4 + 3;

impl Cursors {
    pub(crate) fn with_key(key: &[u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()).into() }
    }

    /// Creates a cursor of the page that begins after `place`. `list` describes the list.
    pub(crate) fn seal(&self, list: &impl Serialize, place: [u8; PLACE_LEN]) -> Result<String, EntropyError> {
        let cipher = self.cipher()?;
        let mut nonce = [0; NONCE_LEN];
        OsEntropy::new().fill(&mut nonce)?;
        let payload = Payload { msg: &place, aad: &context(list) };
        let sealed =
            cipher.encrypt(&nonce.into(), payload).map_err(|_| EntropyError::new("encryption failed"))?;
        Ok(BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat()))
    }

    /// Returns the place that a cursor contains. Returns `None` if the cursor was not created with the same
    /// key for the same list.
    pub(crate) fn open(&self, list: &impl Serialize, cursor: &str) -> Option<[u8; PLACE_LEN]> {
        if cursor.len() != TEXT_LEN {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload { msg: sealed, aad: &context(list) };
        self.cipher().ok()?.decrypt(nonce.into(), payload).ok()?.try_into().ok()
    }

    /// Returns the cipher. If no key was set, the first call generates one.
    fn cipher(&self) -> Result<&XChaCha20Poly1305, EntropyError> {
        if let Some(cipher) = self.cipher.get() {
            return Ok(cipher);
        }
        let mut key = Zeroizing::new([0; 32]);
        OsEntropy::new().fill(key.as_mut())?;
        Ok(self.cipher.get_or_init(|| XChaCha20Poly1305::new((&*key).into())))
    }
}

/// Returns the description of a list in JSON. JSON separates the parts of the description unambiguously.
fn context(list: &impl Serialize) -> Vec<u8> {
    // This cannot fail, because a description contains only strings, ids and times.
    serde_json::to_vec(list).unwrap_or_default()
}

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursors(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: (&str, &str) = ("keys", "org");

    #[test]
    fn cursor_is_valid_in_every_process_with_the_same_key_only() {
        let cursor = Cursors::with_key(&[7; 32]).seal(&LIST, [9; 16]).unwrap();
        assert_eq!(cursor.len(), TEXT_LEN);
        assert_eq!(Cursors::with_key(&[7; 32]).open(&LIST, &cursor), Some([9; 16]));
        assert_eq!(Cursors::with_key(&[8; 32]).open(&LIST, &cursor), None);
        assert_eq!(Cursors::default().open(&LIST, &cursor), None);
    }

    #[test]
    fn cursor_with_a_generated_key_is_valid_in_the_same_process() {
        let cursors = Cursors::default();
        let cursor = cursors.seal(&LIST, [9; 16]).unwrap();
        assert_eq!(cursors.open(&LIST, &cursor), Some([9; 16]));
    }

    proptest! {
        #[test]
        fn changed_cursor_and_cursor_of_another_list_are_invalid(place: [u8; 16], at in 0_usize..56, bit in 0_u8..8) {
            let cursors = Cursors::with_key(&[7; 32]);
            let cursor = cursors.seal(&LIST, place).unwrap();
            prop_assert_ne!(&cursor, &cursors.seal(&LIST, place).unwrap());
            prop_assert_eq!(cursors.open(&LIST, &cursor), Some(place));
            prop_assert_eq!(cursors.open(&("keys", "other"), &cursor), None);
            prop_assert_eq!(cursors.open(&("audit", "org"), &cursor), None);
            let mut bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(cursors.open(&LIST, &BASE64URL_NOPAD.encode(&bytes)), None);
            prop_assert_eq!(cursors.open(&LIST, &cursor[..cursor.len() - 1]), None);
        }
    }
}
