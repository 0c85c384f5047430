use apikeys_tests::{Artifacts, InProcess};
use axum::{
    Router,
    http::StatusCode,
    routing::{any, get},
};

use crate::terminal::{TOKEN, Terminal, run};

/// The test uses the quickstart, and a service that does not validate names.
#[tokio::test(flavor = "multi_thread")]
async fn control_characters_of_a_service_are_printed_escaped() {
    let terminal = Terminal::start("manage-escapes").await;
    for name in ["red\u{1b}[31m", "back\u{8}", "two\nlines", "txt.\u{202e}exe"] {
        let err = terminal.fails("org_demo", &["create", name]).await;
        assert!(err.ends_with("\n  /name: expected no control characters\n"), "{err}");
    }

    let key = r#"{"id": "i\u001b[2J", "name": "n\u001b[31m\u202e\r\n", "prefix": "p\u0007", "status": "s\u007f",
        "active": true, "created_at": "c\u009b", "created_by": "b\u0000", "expires_at": "e\u0008",
        "rate_limit": null, "effective_rate_limit": 60, "last_used_at": "l\t", "request_count": 0}"#;
    let keys = format!(r#"{{"keys": [{key}], "next_cursor": null, "quota": {{"used": 1, "limit": 1}}}}"#);
    let created = format!(r#"{{"key": {key}, "secret": "s\u001b]0;title\u0007"}}"#);
    let event = r#"{"events": [{"id": "x", "at": "a\u001b", "action": "b\u001b", "actor": "c\u001b",
        "key": {"id": "d\u001b", "name": "e\u001b", "prefix": null},
        "changes": {"f\u001b": {"from": "g\u001b\u009b", "to": {"h\u001b": "\u202e"}}},
        "request": {"method": "i\u001b", "path": "j\u001b", "status": null, "outcome": "k\u001b",
            "latency_ms": 1.5, "ip": "l\u001b", "user_agent": "m\u001b\n", "request_id": "n\u001b",
            "trace_id": "o\u001b", "denial": "p\u001b", "count": 2}}], "next_cursor": null}"#;
    let usage = r#"{"points": [{"at": "a\u001b", "requests": 1, "denied": 2}]}"#;
    let problem = r#"{"code": "C\u001b", "title": "T\u001b", "detail": "D\u001b\n",
        "errors": [{"pointer": "/p\u001b", "detail": "d\u001b\r"}]}"#;
    let answer = move |status: StatusCode, body: &str| {
        let body = body.to_owned();
        any(move || std::future::ready((status, body.clone())))
    };
    let hostile = Router::new()
        .route("/list/settings/developer/api/keys", answer(StatusCode::OK, &keys))
        .route("/create/settings/developer/api/keys", answer(StatusCode::CREATED, &created))
        .route("/show/settings/developer/api/keys/x", answer(StatusCode::OK, key))
        .route("/audit/settings/developer/api/audit", answer(StatusCode::OK, event))
        .route("/usage/settings/developer/api/keys/x/usage", answer(StatusCode::OK, usage))
        .route("/delete/settings/developer/api/keys/x", answer(StatusCode::CONFLICT, problem));
    let hostile = InProcess::axum(hostile).await;
    for (arguments, shows) in [
        (&["list"][..], r"n\u{1b}[31m\u{202e}\u{d}\u{a}"),
        (&["create", "x"], r"s\u{1b}]0;title\u{7}"),
        (&["show", "x"], r"c\u{9b} by b\u{0}"),
        (&["audit"], r"agent m\u{1b}\u{a}"),
        (&["usage", "x"], r"a\u{1b}  1"),
        (&["delete", "x"], "C\\u{1b}: T\\u{1b}. D\\u{1b}\\u{a}\n  /p\\u{1b}: d\\u{1b}\\u{d}\n"),
    ] {
        let url = format!("http://{}/{}", hostile.address, arguments[0]);
        let ran = run(&[("APIKEYS_URL", &url), ("ADMIN_TOKEN", TOKEN)], arguments).await;
        let printed = format!("{}{}", ran.out, ran.err);
        assert!(printed.contains(shows), "{printed}");
        let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!printed.contains(acts), "{printed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_or_other_service_gives_an_error_with_the_address() {
    let artifacts = Artifacts::new("manage-away");
    let elsewhere = Router::new().route("/page/settings/developer/api/keys", get(async || "<html>")).route(
        "/moved/settings/developer/api/keys",
        get(async || (StatusCode::TEMPORARY_REDIRECT, [("location", "/page/settings/developer/api/keys")])),
    );
    let elsewhere = InProcess::axum(elsewhere).await;
    let nobody = InProcess::axum(Router::new()).await.address;
    for (url, says) in [
        (format!("http://{}/page", elsewhere.address), " answered 200, but is not a management API\n"),
        // Redirects are not followed, so the token stays with the service.
        (format!("http://{}/moved", elsewhere.address), " answered 307, but is not a management API\n"),
        (format!("http://{nobody}"), " cannot be reached: "),
    ] {
        let ran = run(&[("APIKEYS_URL", &url), ("ADMIN_TOKEN", TOKEN)], &["list"]).await;
        artifacts.leave("printed.txt", &ran.err);
        assert_eq!((ran.code, &*ran.out), (1, ""), "{url}");
        assert!(ran.err.starts_with(&format!("error: {url}{says}")), "{}", ran.err);
    }
}
