//! The examples, as somebody who tries them meets them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{path::Path, process::Stdio, time::Duration};

use apikeys_tests::{Admin, Artifacts, BusyDatabase, Quickstart, Request, command, on_each_framework};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

async fn without_any_settings_it_serves_from_a_new_database_that_it_names_and_keeps(framework: &str) {
    let artifacts = Artifacts::new(&format!("no-settings-{framework}"));
    let temporary = artifacts.path("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let service = Quickstart::start_with(
        &artifacts,
        framework,
        "quickstart",
        &[("TMPDIR", temporary.to_str().unwrap())],
    )
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

async fn it_works_in_memory_too_and_stops_on_ctrl_c(framework: &str) {
    let artifacts = Artifacts::new(&format!("in-memory-{framework}"));
    let service = Quickstart::start(&artifacts, framework, "quickstart", "memory:").await;
    assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&service.ready_made)).await.status, 200);
    service.signal("INT").await;
    assert!(service.ended().await.success());
}

async fn what_is_not_supported_is_a_clear_error_at_start(framework: &str) {
    let artifacts = Artifacts::new(&format!("not-supported-{framework}"));
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
        let run = command(framework, &[(variable, value)]).output();
        let output = timeout(Duration::from_secs(30), run).await.unwrap().unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        artifacts.leave("errors.txt", &stderr);
        assert!(!output.status.success(), "{variable}={value}");
        assert!(stderr.lines().any(|line| line.starts_with(says)), "{variable}={value}: {stderr}");
        assert!(!stdout.contains("listening") && !stderr.contains("pa55"), "{stdout}{stderr}");
    }
}

async fn the_minimal_example_does_what_its_curl_line_says(framework: &str) {
    let name = format!("minimal-{framework}");
    let artifacts = Artifacts::new(&name);
    let mut child = command(&name, &[])
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
    let url = format!("sqlite:{}", artifacts.path("keys.db").display());
    let busy = BusyDatabase::hold(&url).await;
    let hello = Request::get("/hello").bearer(secret).send(address).await;
    assert_eq!((hello.status, hello.text()), (200, "hello, org_1\n"));
    assert_eq!(Request::get("/hello").send(address).await.status, 401);
    interrupt(&child).await;
    // Long enough for the server to have ended.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    busy.release().await;
    assert!(timeout(Duration::from_secs(30), child.wait()).await.unwrap().unwrap().success());
    // Having been stopped in order, it has recorded the one request, and left one file.
    assert!(!artifacts.path("keys.db-wal").exists());
    let admin = Admin::on_sqlite(&url).await;
    let keys = admin.manage("org_1").list(2, None).await.unwrap().items;
    assert_eq!(keys.iter().map(apikeys_core::ManagedKey::request_count).collect::<Vec<_>>(), [1]);
}

async fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id().unwrap());
    assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
}

#[test]
fn the_readme_shows_the_minimal_examples_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let readme = read("README.md");
    for example in ["minimal-axum", "minimal-actix"] {
        let source = read(&format!("examples/{example}/main.rs"));
        // Without the lines that only this workspace needs.
        let code = &source[source.find("\nuse ").unwrap() + 1..];
        assert!(readme.contains(&format!("```rust,no_run\n{code}```\n")), "{example}");
    }
}

on_each_framework![
    without_any_settings_it_serves_from_a_new_database_that_it_names_and_keeps,
    it_works_in_memory_too_and_stops_on_ctrl_c,
    what_is_not_supported_is_a_clear_error_at_start,
    the_minimal_example_does_what_its_curl_line_says,
];
