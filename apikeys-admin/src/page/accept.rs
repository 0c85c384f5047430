use apikeys_core::http::Headers;

/// Returns whether the client accepts the content coding gzip (RFC 9110, section 12.5.3).
pub(super) fn gzip(headers: &(impl Headers + ?Sized)) -> bool {
    let quality_of = |coding: &str| {
        let mut found = None;
        for (name, quality) in elements(headers, "accept-encoding") {
            if name.eq_ignore_ascii_case(coding) {
                found = Some(quality);
            }
        }
        found
    };
    quality_of("gzip").or_else(|| quality_of("x-gzip")).or_else(|| quality_of("*")).unwrap_or(0.0) > 0.0
}

/// Returns whether the client names HTML among the types that it accepts, as browsers do for pages.
pub(super) fn html(headers: &(impl Headers + ?Sized)) -> bool {
    elements(headers, "accept").any(|(name, quality)| name.eq_ignore_ascii_case("text/html") && quality > 0.0)
}

/// The elements of a list header, each with its quality. An invalid quality is read as 0.
fn elements<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> impl Iterator<Item = (&'a str, f32)> {
    let lines = headers.values(name).filter_map(|line| std::str::from_utf8(line).ok());
    lines.flat_map(|line| line.split(',')).map(|element| {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (name, quality.map_or(1.0, |text| text.parse().unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(name: &'a str, value: &'a str) -> [(&'a str, &'a [u8]); 1] {
        [(name, value.as_bytes())]
    }

    #[test]
    fn gzip_is_used_only_if_the_client_accepts_it() {
        for (value, wanted) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("*", true),
            ("identity, *;q=0.1", true),
            ("", false),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip;q=0.000, *", false),
            ("*;q=0", false),
            ("gzip;q=x", false),
            ("gzipped", false),
            ("br", false),
        ] {
            assert_eq!(gzip(&with("accept-encoding", value)[..]), wanted, "{value}");
        }
        assert!(!gzip(&with("accept", "gzip")[..]));
    }

    #[test]
    fn html_is_sent_to_clients_that_name_it() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (value, wanted) in
            [(browser, true), ("*/*", false), ("application/json", false), ("text/html;q=0", false)]
        {
            assert_eq!(html(&with("accept", value)[..]), wanted, "{value}");
        }
    }
}
