//! Several quickstart processes with one Redis.

#![allow(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

use apikeys_core::RateLimit;
use apikeys_test_servers::{Engine, PrivateServer, redis_url};
use apikeys_tests::{Admin, Artifacts, Connection, Quickstart, Request, Response};

async fn start(artifacts: &Artifacts, framework: &str, database: &str, redis: &str) -> Quickstart {
    let environment = [("DATABASE_URL", database), ("REDIS_URL", redis), ("RUST_LOG", "trace")];
    Quickstart::start_with(artifacts, framework, framework, &environment).await
}

/// Returns `r` and `t` of the field `RateLimit`.
fn rate(response: &Response) -> (u32, u32) {
    let field = response.header("ratelimit").unwrap();
    let parameter = |name: &str| {
        let (_, value) = field.split_once(&format!(";{name}=")).unwrap();
        value.split(';').next().unwrap().parse().unwrap()
    };
    (parameter("r"), parameter("t"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: run cargo xtask test"]
async fn services_on_both_frameworks_admit_sixty_requests_between_them() {
    let artifacts = Artifacts::new("shared-limits");
    let (url, redis) = (artifacts.sqlite_url("keys"), redis_url());
    let (axum, actix) =
        tokio::join!(start(&artifacts, "axum", &url, &redis), start(&artifacts, "actix", &url, &redis));
    let admin = Admin::on_sqlite(&url).await;
    let limit = RateLimit::per_minute(60).unwrap();
    let key = admin.issue("org_professional", "CI", |key| key.rate_limit(limit)).await;
    let request = Request::get("/v1/whoami").bearer(&key.secret);
    for n in 0..10 {
        let service = if n % 2 == 0 { &axum } else { &actix };
        let response = service.send(&request).await;
        assert_eq!(
            (response.status, response.header("ratelimit-policy")),
            (200, Some("\"per-key\";q=60;w=60"))
        );
        let (remaining, reset) = rate(&response);
        assert_eq!(remaining, 59 - n);
        assert!((50..=60).contains(&reset), "{reset}");
    }
    let calls = (0..16).map(|n| {
        let address = if n % 2 == 0 { axum.address } else { actix.address };
        let request = request.clone();
        tokio::spawn(async move {
            let mut connection = Connection::open(address).await.unwrap();
            let mut admitted = 0;
            for _ in 0..10 {
                admitted += u32::from(connection.send(&request).await.unwrap().status == 200);
            }
            admitted
        })
    });
    let mut admitted = 10;
    for call in calls.collect::<Vec<_>>() {
        admitted += call.await.unwrap();
    }
    assert_eq!(admitted, 60);
    let mut waits = Vec::new();
    for service in [&axum, &actix] {
        let response = service.send(&request).await;
        assert_eq!(response.status, 429);
        let (remaining, reset) = rate(&response);
        let wait: u32 = response.header("retry-after").unwrap().parse().unwrap();
        assert_eq!((remaining, reset), (0, wait));
        waits.push(wait);
    }
    assert!(waits[0].abs_diff(waits[1]) <= 1, "{waits:?}");
    assert!(axum.stop().await.success() && actix.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: run cargo xtask test"]
async fn service_whose_redis_is_killed_limits_alone_and_says_so() {
    let artifacts = Artifacts::new("shared-limits-killed");
    let mut server = tokio::task::spawn_blocking(|| PrivateServer::start(Engine::Redis)).await.unwrap();
    let url = artifacts.sqlite_url("keys");
    let mut service = start(&artifacts, "axum", &url, &server.url()).await;
    let told = service.printed_line("rate limits are counted").await;
    let port = server.server().port();
    assert_eq!(told, format!("rate limits are counted in redis://127.0.0.1:{port}/0, for all instances"));
    let admin = Admin::on_sqlite(&url).await;
    let limit = RateLimit::per_minute(4).unwrap();
    let key = admin.issue("org_professional", "CI", |key| key.rate_limit(limit)).await;
    let request = Request::get("/v1/whoami").bearer(&key.secret);
    let mut connection = Connection::open(service.address).await.unwrap();
    for expected in [200, 200] {
        assert_eq!(connection.send(&request).await.unwrap().status, expected);
    }
    tokio::task::block_in_place(|| server.kill());
    for expected in [200, 200, 429, 429] {
        assert_eq!(connection.send(&request).await.unwrap().status, expected);
    }
    assert!(service.stop().await.success());
    let log = std::fs::read_to_string(artifacts.path("axum-stderr.log")).unwrap();
    let lines = log
        .lines()
        .filter(|line| line.contains("Redis does not decide about rate limits: the fallback does"));
    assert_eq!(lines.count(), 1);
}

/// A decision that an instance printed.
#[derive(Debug)]
struct Decided {
    kind: String,
    limit: usize,
    at: i64,
}

/// The load of eight instances, judged by a list of the server's times. `APIKEYS_LIMIT_SECONDS` sets how long it takes. More
/// than a minute shows that places become free again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: run cargo xtask test"]
async fn eight_processes_admit_no_more_and_no_less_than_the_limit_in_any_minute() {
    const INSTANCES: u64 = 8;
    const WINDOW: i64 = 60_000_000;
    let seconds = std::env::var("APIKEYS_LIMIT_SECONDS").unwrap_or_else(|_| "16".to_owned());
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() & u128::from(u64::MAX);
    let (url, seed) = (redis_url(), seed.to_string());
    let instances: Vec<_> = (0..INSTANCES)
        .map(|number| {
            tokio::process::Command::new(env!("CARGO_BIN_EXE_limit-load"))
                .args([&url, &number.to_string(), &INSTANCES.to_string(), &seconds, &seed])
                .stdout(std::process::Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap()
        })
        .collect();
    let (mut decisions, mut keys) = (0_u64, std::collections::BTreeMap::<String, Vec<Decided>>::new());
    for instance in instances {
        let output = instance.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", output.status);
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["decisions", number] = words[..] {
                decisions += number.parse::<u64>().unwrap();
                continue;
            }
            let [kind, key, limit, at] = words[..] else { panic!("{line}") };
            let (kind, limit, at) = (kind.to_owned(), limit.parse().unwrap(), at.parse().unwrap());
            keys.entry(key.to_owned()).or_default().push(Decided { kind, limit, at });
        }
    }
    let (mut admitted, mut denied, mut most) = (0, 0, 0.0_f64);
    for (key, decided) in &keys {
        let mut times: Vec<i64> =
            decided.iter().filter(|decided| decided.kind == "admitted").map(|decided| decided.at).collect();
        times.sort_unstable();
        for Decided { kind, limit, at } in decided {
            let counted = times.iter().filter(|time| **time > at - WINDOW && *time <= at).count();
            if kind == "admitted" {
                admitted += 1;
                most = most.max(counted as f64 / *limit as f64);
                assert!(counted <= *limit, "{key}: {counted} of {limit} at {at}");
            } else {
                denied += 1;
                assert!(counted >= *limit, "{key}: {kind} with {counted} of {limit} at {at}");
            }
        }
    }
    println!(
        "{decisions} decisions, {admitted} admitted, {denied} denials judged, worst {most:.3} of a limit"
    );
    assert!(keys.len() == 16 && admitted > 500 && denied > 500, "{admitted} {denied}");
}
