//! The password in a URL does not appear in errors or logs.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use apikeys_test_servers::{Driver, TestDatabase};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    database::Server,
    errors::shown,
    on_each_server,
    values::{create, org},
};

on_each_server!(password_of_a_url_is_neither_in_errors_nor_in_logs);

const PASSWORD: &str = "correct-horse-7c1f";

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

async fn password_of_a_url_is_neither_in_errors_nor_in_logs<S: Server>() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let database = TestDatabase::<S::Driver>::create().await;
    let right = database.url();
    let (scheme, rest) = right.split_once("://").unwrap();
    let place = rest.rsplit_once('@').unwrap().1;
    let host = place.split_once('/').unwrap().0;
    for url in [
        // The password is wrong.
        format!("{scheme}://nobody:{PASSWORD}@{place}"),
        // Nothing listens on the port.
        format!("{scheme}://nobody:{PASSWORD}@127.0.0.1:1/keys"),
        // The database does not exist.
        format!("{scheme}://nobody:{PASSWORD}@{host}/missing"),
        // The port and an option are invalid.
        format!("{scheme}://nobody:{PASSWORD}@127.0.0.1:port/keys"),
        format!("{scheme}://nobody:{PASSWORD}@127.0.0.1:99999/keys"),
        format!("{scheme}://nobody:{PASSWORD}@{place}?sslmode=nonsense&ssl-mode=nonsense"),
        format!("{scheme}:nobody:{PASSWORD}@"),
        format!("{PASSWORD}://nobody@{place}"),
    ] {
        let shown = shown(&S::connect(&url).await.map(drop).unwrap_err());
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
    // The word `password` is mistyped. A store may ignore the option or refuse the URL.
    let _ = S::connect(&format!("{right}?pasword={PASSWORD}")).await;
    let store = S::connect(&right).await.unwrap();
    create(&store, &org("acme")).await;
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("sqlx"), "nothing of sqlx was logged: {logged}");
    assert!(!logged.contains(PASSWORD), "{logged}");
    let _ = S::Driver::ENGINE;
}
