//! The examples, as somebody who tries them meets them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{process::Stdio, time::Duration};

use apikeys_tests::{Artifacts, Quickstart, Request, command};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

#[tokio::test(flavor = "multi_thread")]
async fn without_any_settings_it_serves_from_a_new_database_that_it_names_and_keeps() {
    let artifacts = Artifacts::new("no-settings");
    let temporary = artifacts.path("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let service =
        Quickstart::start_with(&artifacts, "axum", "quickstart", &[("TMPDIR", temporary.to_str().unwrap())])
            .await;
    let url = service.printed[0].strip_prefix("keys are kept in sqlite:").unwrap().to_owned();
    assert!(url.starts_with(temporary.to_str().unwrap()), "{url}");
    assert_eq!(service.printed[1], format!("listening on http://{}", service.address));
    assert!(
        service.printed[4].contains(&format!("http://{}/v1/whoami", service.address)),
        "{:?}",
        service.printed
    );
    assert_eq!(service.send(&Request::get("/healthz")).await.status, 200);
    assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&service.ready_made)).await.status, 200);
    let link = service.printed[2].strip_prefix("log in as an administrator of org_demo: ").unwrap();
    let enter = link.strip_prefix(&format!("http://{}", service.address)).unwrap();
    assert_eq!(service.send(&Request::get(enter)).await.status, 303);
    let (_, token) = enter.split_once("token=").unwrap();
    assert!(token.split('&').next().unwrap().len() >= 32, "nobody guesses it");
    assert!(service.stop().await.success());
    assert!(std::fs::metadata(&url).unwrap().len() > 0, "the database is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_in_memory_too_and_stops_on_ctrl_c() {
    let artifacts = Artifacts::new("in-memory");
    let service = Quickstart::start(&artifacts, "quickstart", "memory:").await;
    assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&service.ready_made)).await.status, 200);
    service.signal("INT").await;
    assert!(service.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_supported_is_a_clear_error_at_start() {
    let artifacts = Artifacts::new("not-supported");
    for (variable, value, says) in [
        ("PORT", "many", "error: PORT: must be a number"),
        ("DATABASE_URL", "postgres://u:pa55@h/d", "error: DATABASE_URL: postgres is not supported yet"),
        ("DATABASE_URL", "mysql://u:pa55@h/d", "error: DATABASE_URL: mysql is not supported yet"),
        ("DATABASE_URL", "sqlite:/nonexistent/folder/keys.db", "error: the database cannot be opened: "),
        ("REDIS_URL", "redis://:pa55@h", "error: REDIS_URL: "),
        ("SMTP_URL", "smtp://u:pa55@h", "error: SMTP_URL: "),
        ("EXPIRY_WARNING", "5s", "error: EXPIRY_WARNING: "),
        ("ADMIN_TOKEN", "pa55 word", "error: ADMIN_TOKEN: "),
        ("AUDIT", "durable", "error: AUDIT: "),
        ("AUDIT", "strict", "error: AUDIT: "),
    ] {
        let run = command("axum", &[(variable, value)]).output();
        let output = timeout(Duration::from_secs(30), run).await.unwrap().unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        artifacts.leave("errors.txt", &stderr);
        assert!(!output.status.success(), "{variable}={value}");
        assert!(stderr.lines().any(|line| line.starts_with(says)), "{variable}={value}: {stderr}");
        assert!(!stdout.contains("listening") && !stderr.contains("pa55"), "{stdout}{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minimal_example_does_what_its_curl_line_says() {
    let artifacts = Artifacts::new("minimal");
    let mut child = command("minimal", &[])
        .current_dir(artifacts.path(""))
        .stdout(Stdio::piped())
        .stderr(artifacts.create("minimal-stderr.log"))
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
    let (secret, url) =
        line.strip_prefix("curl -H 'Authorization: Bearer ").unwrap().split_once("' http://").unwrap();
    artifacts.note_secret(&secret[.."acme_live_0123".len()], secret);
    let address = url.strip_suffix("/hello").unwrap().parse().unwrap();
    let hello = Request::get("/hello").bearer(secret).send(address).await;
    assert_eq!((hello.status, hello.text()), (200, "hello, org_1\n"));
    assert_eq!(Request::get("/hello").send(address).await.status, 401);
    child.kill().await.unwrap();
    assert!(artifacts.path("keys.db").exists());
}
