//! The password of a URL is in no error and in no log.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex},
};

use apikeys_sqlx_store::{
    MySqlStore,
    apikeys_core::store::{StoreError, StoreErrorKind},
};
use apikeys_test_servers::MySql;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use super::common::{create, org};

const PASSWORD: &str = "hunter2-Zx81";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Returns all that the error says, to users and to developers.
fn said(error: &StoreError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    said
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn password_in_a_url_is_in_no_error_and_no_log() {
    let log = Log::default();
    let collected = log.0.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(log);
    subscriber.init();
    let database = MySql::database().await;
    let (user, rest) = database.url().split_once('@').map(|(u, r)| (u.to_owned(), r.to_owned())).unwrap();
    let (user, real) = user.trim_start_matches("mysql://").split_once(':').unwrap();

    let wrong = format!("mysql://{user}:{PASSWORD}@{rest}");
    let unreachable = format!("mysql://{user}:{PASSWORD}@127.0.0.1:1/test");
    let invalid = [
        format!("mysql://{user}:{PASSWORD}@host:no-port/test"),
        format!("mysql://{user}:{PASSWORD}@{rest}?ssl-mode=NONE"),
        format!("mysql:{user}:{PASSWORD}"),
        PASSWORD.to_owned(),
    ];
    let error = MySqlStore::connect(&wrong).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!said(&error).contains(PASSWORD), "{}", said(&error));
    let error = MySqlStore::connect(&unreachable).await.unwrap_err();
    assert!(error.is_temporary());
    assert!(!said(&error).contains(PASSWORD), "{}", said(&error));
    for url in invalid {
        let error = MySqlStore::connect(&url).await.unwrap_err();
        assert!(!said(&error).contains(PASSWORD), "{url}: {}", said(&error));
    }
    let store = MySqlStore::connect(&database.url()).await.unwrap();
    create(&store, &org("acme")).await;
    assert!(!format!("{store:?}").contains(real));

    tracing::trace!("the end");
    let log = String::from_utf8_lossy(&collected.lock().unwrap()).into_owned();
    assert!(log.contains("the end"), "nothing is captured");
    for password in [PASSWORD, real] {
        assert!(!log.contains(password), "the log contains a password");
    }
}
