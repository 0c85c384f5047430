//! Changes that a browser sends for a page of another site.

use serde_json::json;

use super::Service;
use crate::contract::{org::assert_problem, refusals::every_call};

/// The header `Sec-Fetch-Site` decides. Without this header, `Origin` must be the host of the request.
pub async fn changes_are_accepted_only_from_the_same_site_and_from_programs(service: &Service) {
    let org = service.org("org_enterprise");
    let at_home = format!("http://{}", service.address());
    let host = service.address().to_string();
    for (site, origin, taken) in [
        (None, None, true),
        (Some("same-origin"), None, true),
        (Some("none"), None, true),
        (Some("same-site"), None, false),
        (Some("cross-site"), None, false),
        (Some("Same-Origin"), None, false),
        (Some(""), None, false),
        (Some("cross-site"), Some(&*at_home), false),
        (Some("same-origin"), Some("https://evil.example"), true),
        (None, Some(&*at_home), true),
        (None, Some("https://evil.example"), false),
        (None, Some("null"), false),
        (None, Some(""), false),
        (None, Some("http://127.0.0.1"), false),
        (None, Some("http://localhost.evil.example"), false),
    ] {
        let mut request = org.request("POST", "/keys").host(&host).json(&json!({ "name": "a" }));
        if let Some(site) = site {
            request = request.line("Sec-Fetch-Site", site);
        }
        if let Some(origin) = origin {
            request = request.line("Origin", origin);
        }
        let response = service.send(&request).await;
        if taken {
            assert_eq!(response.status, 201, "{site:?} {origin:?}");
        } else {
            assert_problem(&response, 403, "CROSS_SITE_REQUEST");
        }
    }
}

/// Reads are allowed, because a page of another site cannot see the response.
pub async fn cross_site_changes_are_refused_and_reads_are_not(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "kept" })).await;
    for call in every_call(org, &key.id) {
        let response = service.send(&call.clone().line("Sec-Fetch-Site", "cross-site")).await;
        if call.method() == "GET" {
            assert_eq!(response.status, 200, "{}", call.path());
        } else {
            assert_problem(&response, 403, "CROSS_SITE_REQUEST");
        }
    }
    assert_eq!(org.keys().await, [key.key]);
}

/// A form of another site can send these types without a preflight request.
pub async fn content_types_of_html_forms_are_refused(service: &Service) {
    let org = service.org("org_enterprise");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let form = org.request("POST", "/keys").line("Content-Type", media_type).body(r#"{"name":"a"}"#);
        assert_problem(&service.send(&form).await, 415, "UNSUPPORTED_MEDIA_TYPE");
        let form = form.line("Origin", "https://evil.example");
        assert_problem(&service.send(&form).await, 403, "CROSS_SITE_REQUEST");
    }
    assert_eq!(org.keys().await.len(), 0);
}
