//! The HTML of the page.

use apikeys_admin::Language;
use serde_json::Value;

use crate::frameworks::{FRAMEWORKS, Framework, MOUNT, Site, files_of, resolved};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[actix_web::test]
async fn page_forbids_foreign_content_framing_and_storage() {
    for framework in FRAMEWORKS {
        let reply = Site::new().get(framework, MOUNT).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert_eq!(
            reply.header("content-security-policy").unwrap(),
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name} on {framework:?}");
        }
    }
}

#[actix_web::test]
async fn page_has_no_inline_script_and_no_inline_style() {
    let page = Site::new().page(|page| page.service_url("/v1/whoami").login_url("/login"));
    let html = page.get(Framework::Axum, MOUNT).await;
    let html = html.text();
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(html.contains("<script type=\"module\" src=\"./developer/assets/"), "{html}");
    assert!(!html.contains("<style") && !html.contains(" style="), "{html}");
    let listeners = html.split(" on").skip(1).filter(|rest| {
        rest.trim_start_matches(|character: char| character.is_ascii_alphabetic()).starts_with('=')
    });
    assert_eq!(listeners.count(), 0, "{html}");
    assert!(
        html.contains("<apikeys-settings routing=\"hash\" service-url=\"/v1/whoami\" login-url=\"/login\">")
    );
}

#[actix_web::test]
async fn page_without_a_login_is_401_in_the_format_that_the_client_reads() {
    let site = Site::new().page(|page| page.login_url("/login"));
    for framework in FRAMEWORKS {
        let html = site.send(framework, "GET", MOUNT, &[BROWSER]).await;
        assert_eq!((html.status, html.header("content-type")), (401, Some("text/html; charset=utf-8")));
        assert!(html.text().contains("<h1>You are not logged in</h1>"), "{html:?}");
        assert!(html.text().contains("href=\"/login\">Log in</a>"), "{html:?}");
        assert!(!html.text().contains("apikeys-settings.js"), "{html:?}");
        assert!(html.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        for accept in [&[][..], &[("accept", "*/*")], &[("accept", "application/json")]] {
            let problem = site.send(framework, "GET", MOUNT, accept).await;
            let json: Value = serde_json::from_slice(&problem.body).unwrap();
            assert_eq!((problem.status, json["code"].as_str()), (401, Some("ADMIN_REQUIRED")));
        }
        for reply in [html, site.send(framework, "GET", MOUNT, &[]).await] {
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            assert_eq!(reply.header("www-authenticate"), None);
        }
    }
}

#[actix_web::test]
async fn page_with_a_login_and_an_api_key_is_401() {
    let key = "key_000000000000000000000000000000000000";
    for framework in FRAMEWORKS {
        for (name, value) in [("authorization", format!("Bearer {key}")), ("x-api-key", key.to_owned())] {
            let reply =
                Site::new().send(framework, "GET", MOUNT, &[("x-login", "org"), (name, &value)]).await;
            assert_eq!(reply.status, 401, "{framework:?} {name}");
        }
    }
}

#[actix_web::test]
async fn files_of_the_page_are_found_under_every_mount() {
    for (mount, page) in [
        (MOUNT, MOUNT),
        (MOUNT, "/settings/developer?tab=1"),
        ("/keys", "/keys"),
        ("/a/b/c/d", "/a/b/c/d"),
        ("/settings/developer", "/settings/develope%72"),
        ("/x:y", "/x:y"),
        ("", "/"),
    ] {
        for framework in FRAMEWORKS {
            let spelled_by_client = page != mount && page.contains('%');
            if framework == Framework::Axum && spelled_by_client {
                continue; // axum compares paths without decoding them.
            }
            let site = Site::new().mount(mount);
            let reply = site.get(framework, page).await;
            assert_eq!(reply.status, 200, "{framework:?} {page}");
            let files = files_of(reply.text());
            assert!(files.len() >= 10, "{files:?}");
            for file in files {
                let path = resolved(page.split('?').next().unwrap(), &file);
                let reply = site.get(framework, &path).await;
                assert_eq!(reply.status, 200, "{framework:?} {page} {path}");
            }
        }
    }
}

#[actix_web::test]
async fn page_of_actix_is_also_at_the_mount_with_a_slash() {
    let site = Site::new();
    let reply = site.get(Framework::Actix, "/settings/developer/").await;
    for file in files_of(reply.text()) {
        let path = resolved("/settings/developer/", &file);
        assert_eq!(site.get(Framework::Actix, &path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn public_mount_makes_the_urls_of_files_absolute() {
    let site = Site::new().api(|api| api.public_mount("/account/keys/"));
    for framework in FRAMEWORKS {
        let reply = site.get(framework, MOUNT).await;
        for file in files_of(reply.text()) {
            let below = file.strip_prefix("/account/keys").unwrap();
            assert_eq!(site.get(framework, &format!("{MOUNT}{below}")).await.status, 200);
        }
    }
}

#[actix_web::test]
async fn texts_of_the_service_cannot_become_markup() {
    let odd = "\"><script>alert('&')</script>";
    let site = Site::new().page(|page| {
        page.title(odd).service_url(odd).login_url(odd).stylesheet(odd).language(Language::German)
    });
    for headers in [&[BROWSER, ("x-login", "org")][..], &[BROWSER]] {
        let reply = site.send(Framework::Axum, "GET", MOUNT, headers).await;
        let html = reply.text();
        assert!(!html.contains("<script>") && !html.contains("alert('"), "{html}");
        assert!(html.contains("<title>&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)"), "{html}");
        assert!(html.contains("<html lang=\"de\">"), "{html}");
    }
    let mount = "/a\"'b";
    let reply = Site::new().mount(mount).get(Framework::Axum, mount).await;
    assert!(reply.text().contains("./a&quot;&#39;b/assets/"), "{reply:?}");
}

#[actix_web::test]
async fn head_has_the_headers_of_get() {
    for framework in FRAMEWORKS {
        let site = Site::new();
        let page = site.get(framework, MOUNT).await;
        let file = resolved(MOUNT, &files_of(page.text())[0]);
        for path in [MOUNT, &file] {
            let get = site.get(framework, path).await;
            let head = site.send(framework, "HEAD", path, &[("x-login", "org")]).await;
            assert_eq!(head.status, 200);
            for name in ["content-type", "cache-control", "content-security-policy", "content-length"] {
                assert_eq!(head.header(name), get.header(name), "{framework:?} {path} {name}");
            }
        }
    }
}

#[actix_web::test]
async fn other_methods_are_not_allowed() {
    for framework in FRAMEWORKS {
        let site = Site::new();
        let page = site.get(framework, MOUNT).await;
        let file = resolved(MOUNT, &files_of(page.text())[0]);
        for path in [MOUNT, &file, "/settings/developer/apikeys-settings.js"] {
            for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
                let reply = site.send(framework, method, path, &[("x-login", "org")]).await;
                assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{path}");
            }
        }
    }
}

#[actix_web::test]
async fn api_is_mounted_with_the_page() {
    for framework in FRAMEWORKS {
        let reply = Site::new().get(framework, "/settings/developer/api/plan").await;
        let plan: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, plan["display_name"].as_str()), (200, Some("Free")));
        let reply = Site::new().send(framework, "GET", "/settings/developer/api/keys", &[]).await;
        assert_eq!(reply.status, 401);
    }
}
