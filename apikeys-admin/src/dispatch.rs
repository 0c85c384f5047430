use crate::{route::Route, routes::ROUTES};

/// The result of looking up a method and a path.
pub(crate) enum Match<'p> {
    /// The route, and the segment of the path at the place of `{id}`.
    Route(&'static Route, Option<&'p str>),
    /// No route of this path has the method. The text is the value of the `Allow` header.
    OtherMethods(String),
    /// No route has this path.
    Nothing,
}

/// Looks up a method and a path below the mount. `HEAD` finds the route of `GET`.
pub(crate) fn find<'p>(method: &str, path: &'p str) -> Match<'p> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut methods: Vec<&str> = Vec::new();
    for route in &ROUTES {
        let Some(id) = matches(route.template, path) else { continue };
        if route.method == method {
            return Match::Route(route, id);
        }
        methods.push(route.method);
        methods.extend((route.method == "GET").then_some("HEAD"));
    }
    if methods.is_empty() { Match::Nothing } else { Match::OtherMethods(methods.join(", ")) }
}

/// Compares a path with a template, segment by segment and without percent-decoding. For example,
/// `/api/keys/`, `//api/keys` and `/api/%6beys` do not match `/api/keys`.
///
/// Returns `None` if the path does not match. Otherwise returns the segment at the place of `{id}`, if the
/// template contains `{id}`.
fn matches<'p>(template: &str, path: &'p str) -> Option<Option<&'p str>> {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    let mut id = None;
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(segment)) if !segment.is_empty() => id = Some(segment),
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_with_another_spelling_of_a_path_returns_nothing() {
        for (path, wanted) in [
            ("/api/keys", Some(None)),
            ("/api/keys/x", Some(Some("x"))),
            ("/api/keys/%2e%2e", Some(Some("%2e%2e"))),
            ("/api/keys/x/usage", Some(Some("x"))),
            ("/api/audit", Some(None)),
            ("/api/openapi.json", Some(None)),
        ] {
            let Match::Route(_, id) = find("GET", path) else { panic!("{path}") };
            assert_eq!(Some(id), wanted, "{path}");
        }
        for odd in [
            "",
            "/",
            "/api",
            "/api/",
            "/api/keys/",
            "//api/keys",
            "/api//keys",
            "/api/keys//",
            "/api/keys//usage",
            "/api/KEYS",
            "/api/%6beys",
            "/api/keys/x/",
            "/api/keys/x/usage/",
            "/api/keys/x/y",
            "/api/../api/keys",
            "api/keys",
            "/api/keys;x",
            "/api/keys/x/usage/y",
            "/x/api/keys",
            "/api/openapi",
        ] {
            assert!(matches!(find("GET", odd), Match::Nothing), "{odd}");
        }
    }

    #[test]
    fn find_with_another_method_lists_the_methods_of_the_path() {
        let allow = |method, path| match find(method, path) {
            Match::OtherMethods(methods) => methods,
            _ => panic!("{method} {path}"),
        };
        assert_eq!(allow("PUT", "/api/keys"), "POST, GET, HEAD");
        assert_eq!(allow("POST", "/api/keys/x"), "GET, HEAD, PATCH, DELETE");
        assert_eq!(allow("post", "/api/audit"), "GET, HEAD");
        assert_eq!(allow("OPTIONS", "/api/openapi.json"), "GET, HEAD");
    }
}
