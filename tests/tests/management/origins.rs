use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::support::{Service, request};

on_each_framework![page_of_an_allowed_origin_changes_keys_with_any_sec_fetch_site];

const PAGE: &str = "https://app.example.com";

/// The API is at `api.example.com`. A browser sends `same-site` for a page at `app.example.com`, and
/// `cross-site` for a page of another domain.
async fn page_of_an_allowed_origin_changes_keys_with_any_sec_fetch_site(framework: &str) {
    let service = Service::start(framework, PAGE).await;
    for (origins, site, accepted) in [
        (&[PAGE][..], None, true),
        (&[PAGE], Some("same-site"), true),
        (&[PAGE], Some("cross-site"), true),
        (&["https://APP.example.com:443"], Some("same-site"), true),
        (&["http://app.example.com"], Some("same-site"), false),
        (&["https://evil.example"], Some("cross-site"), false),
        (&["https://evil.example"], None, false),
        (&[PAGE, PAGE], Some("same-site"), false),
        (&[PAGE, "https://evil.example"], None, false),
        (&["null"], Some("cross-site"), false),
        (&["null"], Some("same-origin"), true),
        (&[], Some("same-site"), false),
        (&[], Some("same-origin"), true),
    ] {
        let mut create = request("POST", "/keys").host("api.example.com").json(&json!({ "name": "a" }));
        for origin in origins {
            create = create.line("Origin", origin);
        }
        if let Some(site) = site {
            create = create.line("Sec-Fetch-Site", site);
        }
        let response = create.send(service.server.address).await;
        let wanted = if accepted { 201 } else { 403 };
        assert_eq!(response.status, wanted, "{origins:?} {site:?}: {}", response.text());
        if !accepted {
            assert_eq!(response.json()["code"], "CROSS_SITE_REQUEST");
        }
    }
}
