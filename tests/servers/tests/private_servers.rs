//! Servers that a test starts, kills and restarts.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use apikeys_test_leftovers::of_this_process;
use apikeys_test_servers::{Engine, PrivateServer};
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run cargo xtask test"]
async fn committed_rows_of_postgres_survive_a_kill_during_writes() {
    let mut server = PrivateServer::start(Engine::Postgres);
    let url = server.url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute("CREATE TABLE numbers (number BIGINT PRIMARY KEY)").await.unwrap();
    // The writer runs until the server is killed, and returns the last number that was committed.
    let writer = tokio::spawn(async move {
        for number in 1_i64.. {
            let insert = sqlx::query("INSERT INTO numbers VALUES ($1)").bind(number);
            if insert.execute(&mut connection).await.is_err() {
                return number - 1;
            }
        }
        0
    });
    let mut watcher = PgConnection::connect(&url).await.unwrap();
    while count_in_postgres(&mut watcher).await < 20 {}
    assert!(server.server().processes().unwrap().len() > 3, "the server has child processes");
    server.kill();
    let committed = writer.await.unwrap();
    assert_eq!(server.server().processes().unwrap(), []);
    assert!(PgConnection::connect(&url).await.is_err(), "a killed server accepts no connection");

    server.restart();
    assert_eq!(server.url(), url);
    let count = count_in_postgres(&mut PgConnection::connect(&url).await.unwrap()).await;
    // The response to the last commit may have been lost.
    assert!(count >= 20 && (committed..=committed + 1).contains(&count), "{committed} {count}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB: run cargo xtask test"]
async fn committed_rows_of_mariadb_survive_a_kill_during_writes() {
    let mut server = PrivateServer::start(Engine::MySql);
    let url = server.url();
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    connection.execute("CREATE TABLE numbers (number BIGINT PRIMARY KEY)").await.unwrap();
    let writer = tokio::spawn(async move {
        for number in 1_i64.. {
            let insert = sqlx::query("INSERT INTO numbers VALUES (?)").bind(number);
            if insert.execute(&mut connection).await.is_err() {
                return number - 1;
            }
        }
        0
    });
    let mut watcher = MySqlConnection::connect(&url).await.unwrap();
    while count_in_mariadb(&mut watcher).await < 20 {}
    assert_eq!(server.server().processes().unwrap().len(), 1);
    server.kill();
    let committed = writer.await.unwrap();
    assert_eq!(server.server().processes().unwrap(), []);
    assert!(MySqlConnection::connect(&url).await.is_err(), "a killed server accepts no connection");

    server.restart();
    assert_eq!(server.url(), url);
    let count = count_in_mariadb(&mut MySqlConnection::connect(&url).await.unwrap()).await;
    // The response to the last commit may have been lost.
    assert!(count >= 20 && (committed..=committed + 1).contains(&count), "{committed} {count}");
}

#[test]
#[ignore = "needs PostgreSQL, MariaDB and Redis: run cargo xtask test"]
fn dropped_server_leaves_neither_process_nor_folder() {
    for engine in Engine::ALL {
        let server = PrivateServer::start(engine);
        let folder = server.server().folder().to_owned();
        assert!(!working_in(&folder).is_empty(), "{engine:?}");
        drop(server);
        assert_eq!(working_in(&folder), [""; 0], "{engine:?}");
        assert!(!folder.exists(), "{engine:?}");
    }
}

#[test]
#[ignore = "needs PostgreSQL, MariaDB and Redis: run cargo xtask test"]
fn server_that_was_killed_and_dropped_leaves_neither_folder_nor_shared_memory() {
    for engine in Engine::ALL {
        let mut server = PrivateServer::start(engine);
        let folder = server.server().folder().to_owned();
        let segment = (engine == Engine::Postgres).then(|| shared_memory_of_postgres(&folder));
        server.kill();
        server.kill();
        if let Some(segment) = &segment {
            assert!(shared_memory().contains(segment), "a killed server leaves its shared memory");
        }
        drop(server);
        assert!(!folder.exists(), "{engine:?}");
        if let Some(segment) = &segment {
            assert!(!shared_memory().contains(segment), "{segment} is left");
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL, MariaDB and Redis: run cargo xtask test"]
fn server_of_a_killed_process_is_stopped_and_its_folder_removed() {
    for engine in ["postgres", "mysql", "redis"] {
        let log = of_this_process().path(&format!("held-{engine}.log"));
        let mut holder = Command::new(env!("CARGO_BIN_EXE_hold-server"))
            .arg(engine)
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let folder = BufReader::new(holder.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let folder = PathBuf::from(folder);
        assert!(!working_in(&folder).is_empty(), "{engine}");
        holder.kill().unwrap();
        holder.wait().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while folder.exists() || !working_in(&folder).is_empty() {
            assert!(Instant::now() < deadline, "{engine} still runs, or its folder is still there");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL, MariaDB and Redis: run cargo xtask test"]
async fn servers_refuse_logins_without_the_password() {
    let postgres = PrivateServer::start(Engine::Postgres);
    let mariadb = PrivateServer::start(Engine::MySql);
    PgConnection::connect(&postgres.url()).await.unwrap();
    MySqlConnection::connect(&mariadb.url()).await.unwrap();
    for user in ["apikeys", "postgres", "root", "nobody"] {
        let url = |server: &PrivateServer| {
            let url = server.url().replace(server.server().password(), "");
            url.replace("apikeys:@", &format!("{user}:@"))
        };
        assert!(PgConnection::connect(&url(&postgres)).await.is_err(), "{user}");
        // A user without rights cannot use the database, but may still be able to log in.
        let without_database = url(&mariadb).replace("/test", "/");
        assert!(MySqlConnection::connect(&without_database).await.is_err(), "{user}");
    }
    let redis = PrivateServer::start(Engine::Redis);
    let mut stream = TcpStream::connect(("127.0.0.1", redis.server().port())).unwrap();
    for command in ["PING", "AUTH default", "AUTH apikeys wrong"] {
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut reply = String::new();
        BufReader::new(&stream).read_line(&mut reply).unwrap();
        assert!(reply.starts_with("-NOAUTH") || reply.starts_with("-WRONGPASS"), "{command}: {reply}");
    }
}

async fn count_in_postgres(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM numbers").fetch_one(connection).await.unwrap()
}

async fn count_in_mariadb(connection: &mut MySqlConnection) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM numbers").fetch_one(connection).await.unwrap()
}

/// Returns the processes that have a folder below `folder` as their working folder, by a way of its own.
fn working_in(folder: &Path) -> Vec<String> {
    let mut list = Command::new("sh");
    list.args(["-c", "ls -l /proc/[0-9]*/cwd 2>/dev/null || lsof -d cwd"]);
    let output = String::from_utf8(list.output().unwrap().stdout).unwrap();
    let folder = format!("{}/", folder.display());
    output.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
}

/// Returns the id of the server's segment of shared memory.
fn shared_memory_of_postgres(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    text.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

/// Returns the ids of all segments of shared memory.
fn shared_memory() -> Vec<String> {
    let output = Command::new("ipcs").arg("-m").output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    output.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}
