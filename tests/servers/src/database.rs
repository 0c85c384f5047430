use std::{env, fmt, marker::PhantomData, process, thread};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use url::Url;

use crate::{Engine, PrivateServer, random};

/// PostgreSQL, as the kind of a [`TestDatabase`].
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for a type parameter")]
pub struct Postgres;

/// MariaDB or MySQL, as the kind of a [`TestDatabase`].
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for a type parameter")]
pub struct MySql;

impl Postgres {
    /// Creates an empty database in the server that `APIKEYS_TEST_POSTGRES_URL` names.
    pub async fn database() -> TestDatabase<Self> {
        TestDatabase::create().await
    }
}

impl MySql {
    /// Creates an empty database in the server that `APIKEYS_TEST_MYSQL_URL` names.
    pub async fn database() -> TestDatabase<Self> {
        TestDatabase::create().await
    }
}

/// What differs between the kinds of databases.
pub trait Driver: Send + Sync + 'static {
    /// The kind of the server.
    const ENGINE: Engine;

    /// A connection of sqlx.
    type Connection: Connection + Send;

    /// Creates the database `name`.
    fn create(
        connection: &mut Self::Connection,
        name: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Removes the database `name`, and ends the connections to it.
    fn remove(
        connection: &mut Self::Connection,
        name: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

impl Driver for Postgres {
    const ENGINE: Engine = Engine::Postgres;

    type Connection = PgConnection;

    async fn create(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        // Connections to the other template would make this statement fail.
        execute(connection, format!("CREATE DATABASE {name} TEMPLATE template0")).await
    }

    async fn remove(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        execute(connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
    }
}

impl Driver for MySql {
    const ENGINE: Engine = Engine::MySql;

    type Connection = MySqlConnection;

    async fn create(connection: &mut MySqlConnection, name: &str) -> Result<(), sqlx::Error> {
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.map(drop)
    }

    async fn remove(connection: &mut MySqlConnection, name: &str) -> Result<(), sqlx::Error> {
        let connected = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?";
        let connected: Vec<i64> =
            sqlx::query_scalar(connected).bind(name).fetch_all(&mut *connection).await?;
        for id in connected {
            // The connection may have ended in the meantime.
            let _ = connection.execute(AssertSqlSafe(format!("KILL {id}"))).await;
        }
        connection.execute("SET SESSION lock_wait_timeout = 30").await?;
        connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"))).await.map(drop)
    }
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    connection.execute(AssertSqlSafe(statement)).await.map(drop)
}

/// A new, empty database. Dropping the value ends all connections to the database and removes it.
pub struct TestDatabase<D: Driver> {
    name: String,
    url: Url,
    server: Url,
    driver: PhantomData<D>,
}

impl<D: Driver> TestDatabase<D> {
    /// Creates an empty database in the server that the environment variable of the engine names.
    pub async fn create() -> Self {
        let variable = D::ENGINE.url_variable();
        let url = server_url(D::ENGINE, env::var(variable).ok()).unwrap_or_else(|error| panic!("{error}"));
        Self::create_at(url).await
    }

    /// Creates an empty database in a private server.
    pub async fn create_in(server: &PrivateServer) -> Self {
        assert_eq!(server.server().engine(), D::ENGINE, "the kind of the server");
        Self::create_at(Url::parse(&server.url()).unwrap()).await
    }

    async fn create_at(server: Url) -> Self {
        // Processes on several machines may share the server.
        let random = random::text(10).unwrap().to_lowercase();
        let name = format!("apikeys_test_{}_{random}", process::id());
        let mut url = server.clone();
        url.set_path(&name);
        let mut connection = connect::<D>(&server).await;
        D::create(&mut connection, &name)
            .await
            .unwrap_or_else(|error| panic!("cannot create a database in {}: {error}", D::ENGINE.name()));
        let _ = connection.close().await;
        Self { name, url, server, driver: PhantomData }
    }

    /// The name of the database, which is a valid name in SQL.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL of the database, with a user name and a password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// Connects to the database.
    pub async fn connection(&self) -> D::Connection {
        connect::<D>(&self.url).await
    }

    /// Connects to the server, but not to this database. The connection can end connections to this database.
    pub async fn admin(&self) -> D::Connection {
        connect::<D>(&self.server).await
    }
}

impl<D: Driver> fmt::Debug for TestDatabase<D> {
    /// Writes the name, and not the password in the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<D: Driver> Drop for TestDatabase<D> {
    fn drop(&mut self) {
        let remove = async {
            let mut connection = D::Connection::connect(self.server.as_str()).await?;
            D::remove(&mut connection, &self.name).await?;
            connection.close().await
        };
        // A runtime cannot wait for another runtime on its own thread.
        let removed = thread::scope(|scope| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            scope.spawn(move || runtime.block_on(remove)).join()
        });
        if let Ok(Err(error)) = removed {
            // The server may have been stopped. The result of the test does not depend on the removal.
            eprintln!("the database {} was not removed: {error}", self.name);
        }
    }
}

/// Returns the URL of the Redis server that `APIKEYS_TEST_REDIS_URL` names.
#[must_use]
pub fn redis_url() -> String {
    let value = env::var(Engine::Redis.url_variable()).ok();
    server_url(Engine::Redis, value).unwrap_or_else(|error| panic!("{error}")).into()
}

async fn connect<D: Driver>(url: &Url) -> D::Connection {
    D::Connection::connect(url.as_str())
        .await
        .unwrap_or_else(|error| panic!("cannot connect to {}: {error}", D::ENGINE.name()))
}

/// Reads the value of an environment variable.
fn server_url(engine: Engine, value: Option<String>) -> Result<Url, String> {
    let variable = engine.url_variable();
    let rights = if engine == Engine::Redis { "use all commands" } else { "create databases" };
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(format!(
            "this test needs a {} server: run the tests with `cargo xtask test`, or run `cargo xtask servers -- \
             COMMAND`, which starts a server for the command, or set {variable} to the URL of a user who may {rights}",
            engine.name()
        ));
    };
    // The value contains a password, so the message does not repeat it.
    Url::parse(&value).map_err(|error| format!("{variable} is not a URL: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_variable_is_an_error_that_says_how_to_run_the_tests() {
        for value in [None, Some(String::new())] {
            let error = server_url(Engine::Postgres, value).unwrap_err();
            for part in
                ["PostgreSQL", "cargo xtask test", "cargo xtask servers -- ", "APIKEYS_TEST_POSTGRES_URL"]
            {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
    }

    #[test]
    fn invalid_url_is_an_error_that_does_not_repeat_it() {
        let error = server_url(Engine::MySql, Some("mysql//me:hunter2@host".to_owned())).unwrap_err();
        assert!(
            error.starts_with("APIKEYS_TEST_MYSQL_URL is not a URL") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
