use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::Headers;
use crate::denial::Denial;

/// The headers of a request from which your service takes keys.
///
/// `Authorization: Bearer <key>` is always one of them. You choose the others. Keys are never taken from the
/// query of the URL, because URLs are kept in logs and browser histories.
///
/// ```
/// use apikeys_core::http::Sources;
///
/// let sources = Sources::bearer().header("x-api-key")?.basic_user_name();
/// # Ok::<(), apikeys_core::http::InvalidHeaderName>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    headers: Vec<Arc<str>>,
    basic: bool,
}

/// The error of a header name that [`Sources::header`] does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid header name: expected the name of a header other than Authorization, such as x-api-key")]
pub struct InvalidHeaderName;

impl Sources {
    /// Takes keys from `Authorization: Bearer <key>` only.
    #[must_use]
    pub fn bearer() -> Self {
        Self::default()
    }

    /// Also takes keys from the header `name`, such as `X-API-Key: <key>`. Adding the same header again has
    /// no effect.
    ///
    /// # Errors
    ///
    /// Returns an error if `name` is not a valid header name, or is `authorization`.
    pub fn header(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        let name = name.to_ascii_lowercase();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) || name == AUTHORIZATION {
            return Err(InvalidHeaderName);
        }
        if self.headers.iter().all(|known| **known != *name) {
            self.headers.push(name.into());
        }
        Ok(self)
    }

    /// Also takes keys from the user name of `Authorization: Basic`. The password is ignored.
    #[must_use]
    pub fn basic_user_name(mut self) -> Self {
        self.basic = true;
        self
    }

    /// Returns the names of the headers that may carry a key, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(AUTHORIZATION).chain(self.headers.iter().map(AsRef::as_ref))
    }

    /// Returns how a key is read from an `Authorization` header with this scheme, or `None` if it is not a source.
    fn reading(&self, scheme: &[u8]) -> Option<Reading> {
        // Most clients write the scheme in this way, which is faster to compare.
        if scheme == b"Bearer" || scheme.eq_ignore_ascii_case(b"bearer") {
            Some(Reading::Whole)
        } else if self.basic && scheme.eq_ignore_ascii_case(b"basic") {
            Some(Reading::UserName)
        } else {
            None
        }
    }
}

/// The part of an `Authorization` header that is a key.
#[derive(Clone, Copy)]
enum Reading {
    /// Everything after the scheme.
    Whole,
    /// The user name of Basic credentials.
    UserName,
}

const AUTHORIZATION: &str = "authorization";

/// The text that a client sent as its key, before any check.
#[derive(PartialEq, Eq)]
pub struct Credential<'a> {
    text: Text<'a>,
    carrier: Carrier,
}

#[derive(PartialEq, Eq)]
enum Text<'a> {
    Sent(&'a [u8]),
    Decoded(Zeroizing<Vec<u8>>),
}

/// The header that carried the key of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier(Option<Arc<str>>);

impl Carrier {
    const AUTHORIZATION: Self = Self(None);

    /// Returns the header's name in lower case.
    #[must_use]
    pub fn header_name(&self) -> &str {
        self.0.as_deref().unwrap_or(AUTHORIZATION)
    }

    /// Returns whether the header is `Authorization`. Shared caches do not store the responses to requests
    /// with this header by default.
    #[must_use]
    pub fn is_authorization(&self) -> bool {
        self.0.is_none()
    }
}

impl<'a> Credential<'a> {
    fn sent(bytes: &'a [u8], carrier: Carrier) -> Self {
        Self { text: Text::Sent(bytes), carrier }
    }

    /// Returns the bytes that the client sent as its secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.text {
            Text::Sent(bytes) => bytes,
            Text::Decoded(bytes) => bytes,
        }
    }

    /// Returns the header that carried the text.
    #[must_use]
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    pub(super) fn into_carrier(self) -> Carrier {
        self.carrier
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// Finds the one credential of a request. Returns `Ok(None)` if the request has none.
///
/// An `Authorization` header with a scheme that is not an enabled source is not a credential.
/// White space around a header's value is not part of the value (RFC 9110, section 5.5).
///
/// # Errors
///
/// Returns [`Denial::Ambiguous`] if a source's header has two lines or a list joined by a comma,
/// or if two sources have a credential, even the same one.
pub fn credential<'a>(
    sources: &'a Sources,
    headers: &'a (impl Headers + ?Sized),
) -> Result<Option<Credential<'a>>, Denial> {
    let mut found = match only_line(headers, AUTHORIZATION)? {
        Some(value) => authorization(sources, value)?,
        None => None,
    };
    for name in &sources.headers {
        let Some(value) = only_line(headers, name)? else { continue };
        if has_comma(value) || found.is_some() {
            return Err(Denial::Ambiguous);
        }
        found = Some(Credential::sent(value, Carrier(Some(Arc::clone(name)))));
    }
    Ok(found)
}

/// Returns the only line of a header, trimmed, or `None` if it is missing or empty.
fn only_line<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> Result<Option<&'a [u8]>, Denial> {
    let mut lines = headers.values(name);
    let first = lines.next();
    if lines.next().is_some() {
        return Err(Denial::Ambiguous);
    }
    Ok(first.map(trim).filter(|value| !value.is_empty()))
}

fn authorization<'a>(sources: &Sources, value: &'a [u8]) -> Result<Option<Credential<'a>>, Denial> {
    // In a list that a proxy joined, a key may follow a scheme that is not a source.
    let named = |part| sources.reading(scheme(trim(part)).0).is_some();
    if has_comma(value) && value.split(|byte| *byte == b',').any(named) {
        return Err(Denial::Ambiguous);
    }
    let (scheme, rest) = scheme(value);
    let Some(reading) = sources.reading(scheme).filter(|_| !rest.is_empty()) else { return Ok(None) };
    let carrier = Carrier::AUTHORIZATION;
    Ok(match reading {
        Reading::Whole => Some(Credential::sent(rest, carrier)),
        Reading::UserName => {
            basic_user_name(rest).map(|name| Credential { text: Text::Decoded(name), carrier })
        }
    })
}

fn has_comma(value: &[u8]) -> bool {
    // Without an early end, the compiler checks many bytes at a time.
    value.iter().fold(false, |any, byte| any | (*byte == b','))
}

/// Splits `value` into the scheme before the first space and the text after the spaces.
fn scheme(value: &[u8]) -> (&[u8], &[u8]) {
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let start = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
    (scheme, rest.split_at(start).1)
}

/// Returns the user name of Basic credentials, or `None` if it is empty.
///
/// Credentials that cannot be decoded, or are longer than those with a key, become a text that is
/// never a valid key.
fn basic_user_name(encoded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const LONGEST: usize = 512;
    let undecodable = || Some(Zeroizing::new(vec![b'?']));
    if encoded.len() > LONGEST {
        return undecodable();
    }
    let Ok(decoded) = STANDARD.decode(encoded).map(Zeroizing::new) else { return undecodable() };
    let name = decoded.split(|byte| *byte == b':').next().unwrap_or_default();
    (!name.is_empty()).then(|| Zeroizing::new(name.to_vec()))
}

fn trim(value: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !space(byte)).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Line<'a> = (&'a str, &'a [u8]);

    fn found(sources: &Sources, lines: &[Line<'_>]) -> Result<Option<Vec<u8>>, Denial> {
        credential(sources, lines).map(|found| found.map(|key| key.as_bytes().to_vec()))
    }

    fn bearer(value: &str) -> Result<Option<String>, Denial> {
        found(&Sources::bearer(), &[("authorization", value.as_bytes())])
            .map(|found| found.map(|bytes| String::from_utf8(bytes).unwrap()))
    }

    #[test]
    fn scheme_in_any_case_and_with_several_spaces_is_read() {
        for good in ["Bearer k", "bearer k", "BEARER k", "bEaReR   k", "  Bearer k\t "] {
            assert_eq!(bearer(good), Ok(Some("k".into())), "{good:?}");
        }
    }

    #[test]
    fn header_without_a_bearer_credential_has_no_credential() {
        for none in [
            "",
            " ",
            "Bearer",
            "Bearer ",
            "Bearer\tk",
            "Bearerish k",
            "Basic azo=",
            "Digest a=\"b\", c=d",
            "k",
            "Token k",
        ] {
            assert_eq!(bearer(none), Ok(None), "{none:?}");
        }
    }

    #[test]
    fn white_space_inside_a_credential_is_kept() {
        assert_eq!(bearer("Bearer a b"), Ok(Some("a b".into())));
        assert_eq!(bearer("Bearer \tk"), Ok(Some("\tk".into())));
    }

    #[test]
    fn two_credentials_are_ambiguous_whatever_their_length_or_shape() {
        let long = format!("Bearer {},b", "x".repeat(9_000));
        for two in [
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer a, Bearer a",
            "Bearer ,",
            "Basic azo=, Bearer a",
            "Digest a=b,bearer k",
            &long,
        ] {
            assert_eq!(bearer(two), Err(Denial::Ambiguous), "{two:?}");
        }
        for lines in [["Bearer a", "Bearer a"], ["Bearer a", "Basic azo="], ["", ""], ["Bearer a", ""]] {
            let lines = lines.map(|value| ("authorization", value.as_bytes()));
            assert_eq!(found(&Sources::bearer(), &lines), Err(Denial::Ambiguous), "{lines:?}");
        }
    }

    #[test]
    fn further_sources_count_only_when_enabled_and_only_one_at_a_time() {
        let sources = Sources::bearer().header("X-API-Key").unwrap();
        let (header, auth) = (("x-api-key", &b"k"[..]), ("authorization", &b"Bearer k"[..]));
        assert_eq!(found(&Sources::bearer(), &[header]), Ok(None));
        assert_eq!(found(&sources, &[header]), Ok(Some(b"k".to_vec())));
        assert_eq!(found(&sources, &[header, auth]), Err(Denial::Ambiguous));
        assert_eq!(found(&sources, &[("x-api-key", b"")]), Ok(None));
        assert_eq!(found(&sources, &[("x-api-key", b""), auth]), Ok(Some(b"k".to_vec())));
        assert_eq!(found(&sources, &[("x-api-key", b"a,b")]), Err(Denial::Ambiguous));
        assert_eq!(found(&sources, &[header, header]), Err(Denial::Ambiguous));
        assert_eq!(sources.header_names().collect::<Vec<_>>(), ["authorization", "x-api-key"]);
        for bad in ["", "a b", "Authorization", "ü"] {
            assert_eq!(Sources::bearer().header(bad), Err(InvalidHeaderName), "{bad}");
        }
    }

    #[test]
    fn basic_gives_its_user_name() {
        let sources = Sources::bearer().basic_user_name();
        let basic = |text: &str| {
            let value = format!("bAsIc {}", STANDARD.encode(text));
            found(&sources, &[("authorization", value.as_bytes())])
        };
        assert_eq!(basic("key:"), Ok(Some(b"key".to_vec())));
        assert_eq!(basic("key:password:more"), Ok(Some(b"key".to_vec())));
        assert_eq!(basic("key"), Ok(Some(b"key".to_vec())));
        assert_eq!(basic(":password"), Ok(None));
        assert_eq!(found(&sources, &[("authorization", b"Basic !!!")]), Ok(Some(b"?".to_vec())));
        assert_eq!(basic(&"x".repeat(9_000)), Ok(Some(b"?".to_vec())));
    }

    /// Reads a single `Authorization` line by an independent implementation of the rules, written for text.
    fn expected_by_the_grammar(value: &str) -> Result<Option<String>, Denial> {
        let value = value.trim_matches([' ', '\t']);
        let named = |part: &str| {
            part.trim_matches([' ', '\t'])
                .split(' ')
                .next()
                .is_some_and(|word| word.to_lowercase() == "bearer")
        };
        let parts: Vec<&str> = value.split(',').collect();
        if parts.len() > 1 && (named(parts[0]) || parts[1..].iter().any(|part| named(part))) {
            return Err(Denial::Ambiguous);
        }
        let rest = value.split_once(' ').filter(|(word, _)| word.to_lowercase() == "bearer");
        Ok(rest.map(|(_, rest)| rest.trim_start_matches(' ').to_owned()).filter(|rest| !rest.is_empty()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn line_is_read_like_by_an_independent_implementation(words in prop::collection::vec(prop::sample::select(
            vec!["Bearer", "bearer", "Basic", "Digest", " ", "  ", "\t", ",", ", ", "a", "acme_live_1", "=", "Bearerish"]), 0..8)) {
            let value = words.concat();
            prop_assert_eq!(bearer(&value), expected_by_the_grammar(&value), "{:?}", value);
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(value in prop::collection::vec(any::<u8>(), 0..100)) {
            let sources = Sources::bearer().basic_user_name().header("x-api-key").unwrap();
            let _ = found(&sources, &[("authorization", &value), ("x-api-key", &value)]);
            let basic = [b"Basic ", value.as_slice()].concat();
            let _ = found(&sources, &[("authorization", &basic)]);
        }
    }
}
