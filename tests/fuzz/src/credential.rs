use apikeys_core::http::{self, Sources};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::header_lines;

/// Checks the search for the credential of a request, with every set of sources.
///
/// A request whose source header has two lines is denied. A credential is a part of the line that carried it, or of the
/// user name in that line. A credential that is found with some sources is never missed with more sources, unless the
/// request is then denied.
pub fn credential(data: &[u8]) {
    let lines = header_lines(data);
    let lines = lines.as_slice();
    let key_header = Sources::bearer().header("x-api-key").unwrap();
    let all = key_header.clone().basic_user_name();
    for sources in [Sources::bearer(), Sources::bearer().basic_user_name(), key_header, all.clone()] {
        let repeated = sources.header_names().any(|name| values(lines, name).count() > 1);
        let found = http::credential(&sources, lines);
        assert!(!repeated || found.is_err(), "two lines of one header are refused");
        let Ok(Some(found)) = found else { continue };
        let carrier = found.carrier().header_name();
        assert!(sources.header_names().any(|name| name == carrier), "{carrier}");
        let value = values(lines, carrier).next().expect("the carrier is among the headers");
        assert!(
            contains(value, found.as_bytes()) || carried_by_basic(value, found.as_bytes()),
            "a credential comes from the header that carried it"
        );
        assert!(!matches!(http::credential(&all, lines), Ok(None)), "more sources find no less");
    }
}

fn values<'a>(lines: &'a [(&str, &'a [u8])], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let name = name.to_owned();
    lines.iter().filter(move |(other, _)| *other == name).map(|(_, value)| *value)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// Credentials that cannot be decoded become a text that is not a valid secret.
fn carried_by_basic(value: &[u8], found: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    let encoded = value[..end].rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    match STANDARD.decode(encoded) {
        Ok(decoded) => decoded.starts_with(found) || found == b"?",
        Err(_) => found == b"?",
    }
}
