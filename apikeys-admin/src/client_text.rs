//! Texts of clients that are repeated in errors.

use apikeys_core::http::excerpt;

/// The longest name that is shown as a whole, in characters.
const LONGEST: usize = 32;

/// The number of characters that are shown of a longer name.
const CUT: usize = 6;

/// Returns whether a name is too long to be shown as a whole.
pub(crate) fn is_long(name: &str) -> bool {
    name.chars().nth(LONGEST).is_some()
}

/// Returns an unknown name, or the beginning of a long name, to show it in an error.
///
/// A client can send the secret of a key as a name by mistake. A secret is longer than [`LONGEST`], and the
/// first [`CUT`] characters of a secret belong to its display prefix, which is not secret.
pub(crate) fn shown_name(name: &str) -> String {
    excerpt(name, if is_long(name) { CUT } else { LONGEST })
}
