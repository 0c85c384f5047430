//! The examples as processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use apikeys_tests::{
    Admin, Artifacts, BusyDatabase, Database, Quickstart, Request, Response, command, on_each_framework,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

async fn quickstart_without_settings_serves_from_a_new_database_that_it_keeps(framework: &str) {
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
    assert!(token.split('&').next().unwrap().len() >= 32, "the token is too short");
    assert!(service.stop().await.success());
    assert!(std::fs::metadata(&url).unwrap().len() > 0, "the database is kept");
    assert!(!Path::new(&format!("{url}-wal")).exists(), "a stop in order leaves a single file");
}

async fn quickstart_in_memory_serves_and_stops_on_ctrl_c(framework: &str) {
    let artifacts = Artifacts::new(&format!("in-memory-{framework}"));
    let service = Quickstart::start(&artifacts, framework, "quickstart", "memory:").await;
    assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&service.ready_made)).await.status, 200);
    service.signal("INT").await;
    assert!(service.ended().await.success());
}

async fn quickstart_on_postgres_serves_and_never_shows_the_password(framework: &str) {
    let artifacts = Artifacts::new(&format!("postgres-{framework}"));
    let database = Database::Postgres.create(&artifacts).await;
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (user, place) = rest.split_once('@').unwrap();
    // A server that needs no password ignores this one.
    let (user, password) = user.split_once(':').unwrap_or((user, "correct-horse-51b2"));
    let url = format!("{scheme}://{user}:{password}@{place}");
    let service = Quickstart::start(&artifacts, framework, "quickstart", &url).await;
    assert_eq!(service.printed[0], format!("keys are kept in postgres://{place}"));
    let whoami = Request::get("/v1/whoami").bearer(&service.ready_made);
    assert_eq!(service.send(&whoami).await.status, 200);
    assert!(service.stop().await.success());
    let keys = Admin::on_database(&database).await.manage("org_demo").list(10, None).await.unwrap().items;
    assert_eq!(keys.iter().map(apikeys_core::ManagedKey::request_count).collect::<Vec<_>>(), [1]);

    let missing = format!("{url}_missing");
    let environment = [("DATABASE_URL", missing.as_str()), ("RUST_LOG", "trace")];
    let failed = timeout(Duration::from_secs(30), command(framework, &environment).output()).await;
    let failed = failed.unwrap().unwrap();
    let says = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && says.contains("error: the database cannot be opened: "), "{says}");
    let logs = ["quickstart-stdout.log", "quickstart-stderr.log"];
    let logs = logs.map(|log| std::fs::read_to_string(artifacts.path(log)).unwrap());
    assert!(logs[1].contains("logging everything"), "the log has the level TRACE");
    for shown in logs.iter().chain([&says]) {
        assert!(!shown.contains(password));
    }
}

async fn unsupported_setting_is_an_error_at_start(framework: &str) {
    let artifacts = Artifacts::new(&format!("not-supported-{framework}"));
    for (variable, value, says) in [
        ("PORT", "many", "error: PORT: must be a number"),
        (
            "DATABASE_URL",
            "postgres://u:pa55@h",
            "error: DATABASE_URL: must be postgres://user:password@host:port/",
        ),
        ("DATABASE_URL", "mysql://u:pa55@h", "error: DATABASE_URL: must be mysql://user:password@host:port/"),
        ("DATABASE_URL", "sqlite:/nonexistent/folder/keys.db", "error: the database cannot be opened: "),
        ("REDIS_URL", "redis://:pa55@h", "error: REDIS_URL: "),
        ("REDIS_URL", "redis://:pa55@127.0.0.1:1", "error: REDIS_URL: the server cannot be used: "),
        ("REDIS_URL", "http://:pa55@127.0.0.1", "error: REDIS_URL: must be redis://user:password@host:port/"),
        (
            "SMTP_URL",
            "smtp://u:pa55@h:port",
            "error: SMTP_URL: the URL is invalid; expected smtp://host:port",
        ),
        ("SMTP_URL", "localhost:25", "error: SMTP_URL: the URL must begin with smtp:// or smtps://"),
        ("EXPIRY_WARNING", "7", "error: EXPIRY_WARNING: must be a number with s, m, h or d"),
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

/// A minimal example as a process, in the folder of its database.
struct Minimal {
    child: Child,
    address: SocketAddr,
    /// The secret in the curl line that the example printed. `None` if the line has `$API_KEY` instead.
    created: Option<String>,
}

impl Minimal {
    /// Starts the example and reads the lines that it prints.
    async fn start(artifacts: &Artifacts, framework: &str) -> Self {
        let mut child = command(&format!("minimal-{framework}"), &[])
            .current_dir(artifacts.path(""))
            .stdout(Stdio::piped())
            .stderr(artifacts.create("minimal-stderr.log"))
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut explained = false;
        loop {
            let line = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap();
            let line = line.expect("the example ended before it printed its curl line; see its stderr");
            if line.starts_with("The key was printed at the first start. To use it: export API_KEY=") {
                explained = true;
                continue;
            }
            let (key, url) = line
                .strip_prefix("curl -H \"Authorization: Bearer ")
                .unwrap()
                .split_once("\" http://")
                .unwrap();
            let address = url.strip_suffix("/hello").unwrap().parse().unwrap();
            let created = (key != "$API_KEY").then(|| key.to_owned());
            if let Some(secret) = &created {
                artifacts.note_secret(&secret[.."acme_live_0123".len()], secret);
            }
            assert_eq!(created.is_none(), explained, "{line}");
            return Self { child, address, created };
        }
    }

    async fn hello(&self, secret: &str) -> Response {
        Request::get("/hello").bearer(secret).send(self.address).await
    }

    /// Waits for the end of the process, which must succeed.
    async fn ended(mut self) {
        assert!(timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap().success());
    }
}

async fn minimal_example_responds_to_its_curl_command_and_records_the_request(framework: &str) {
    let artifacts = Artifacts::new(&format!("minimal-{framework}"));
    let minimal = Minimal::start(&artifacts, framework).await;
    let url = format!("sqlite:{}", artifacts.path("keys.db").display());
    let busy = BusyDatabase::hold(&url).await;
    let hello = minimal.hello(minimal.created.as_ref().unwrap()).await;
    assert_eq!((hello.status, hello.text()), (200, "hello, org_1\n"));
    assert_eq!(Request::get("/hello").send(minimal.address).await.status, 401);
    interrupt(&minimal.child).await;
    // A server that does not wait for the database would end in this time.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    busy.release().await;
    minimal.ended().await;
    // An orderly stop records the request and leaves a single file.
    assert!(!artifacts.path("keys.db-wal").exists());
    assert_eq!(request_counts(&url).await, [1]);
}

/// The plan `starter` allows two keys, so a start that always creates a key would fail the third time.
async fn minimal_example_can_be_started_again_and_keeps_its_key(framework: &str) {
    let artifacts = Artifacts::new(&format!("minimal-again-{framework}"));
    let first = Minimal::start(&artifacts, framework).await;
    let secret = first.created.clone().unwrap();
    assert_eq!(first.hello(&secret).await.status, 200);
    interrupt(&first.child).await;
    first.ended().await;
    for _ in 0..3 {
        let again = Minimal::start(&artifacts, framework).await;
        assert_eq!(again.created, None);
        assert_eq!(again.hello(&secret).await.status, 200);
        interrupt(&again.child).await;
        again.ended().await;
    }
    let url = format!("sqlite:{}", artifacts.path("keys.db").display());
    assert_eq!(request_counts(&url).await, [4]);
}

/// Returns the request count of each key of the minimal example's organization.
async fn request_counts(url: &str) -> Vec<u64> {
    let keys = Admin::on_sqlite(url).await.manage("org_1").list(10, None).await.unwrap().items;
    keys.iter().map(apikeys_core::ManagedKey::request_count).collect()
}

async fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id().unwrap());
    assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
}

#[test]
fn readme_shows_the_minimal_examples_unchanged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let readme = read("README.md");
    for example in ["minimal-axum", "minimal-actix"] {
        let source = read(&format!("examples/{example}/main.rs"));
        // The lines before the imports are needed only in this workspace.
        let code = &source[source.find("\nuse ").unwrap() + 1..];
        assert!(readme.contains(&format!("```rust,no_run\n{code}```\n")), "{example}");
    }
}

on_each_framework![
    quickstart_without_settings_serves_from_a_new_database_that_it_keeps,
    quickstart_in_memory_serves_and_stops_on_ctrl_c,
    #[ignore = "needs a server: run cargo xtask test"]
    quickstart_on_postgres_serves_and_never_shows_the_password,
    unsupported_setting_is_an_error_at_start,
    minimal_example_responds_to_its_curl_command_and_records_the_request,
    minimal_example_can_be_started_again_and_keeps_its_key,
];
