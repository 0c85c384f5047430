use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use apikeys_core::KeyStore;
use apikeys_sqlx_store::{MySqlStore, PostgresStore, SqliteStore};
use apikeys_test_servers::{MySql, Postgres, PrivateServer, TestDatabase};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, SqliteConnection};

use crate::Artifacts;

/// The name of the service in the server's list of connections.
const SERVICE: &str = "quickstart";

/// A kind of database that a quickstart can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// The memory of the process.
    Memory,
    /// A SQLite file.
    Sqlite,
    /// A database on the PostgreSQL server of the tests.
    Postgres,
    /// A database on the MariaDB or MySQL server of the tests.
    MySql,
}

/// A new, empty database. Dropping the value removes a database on a server. A SQLite file is kept, and is searched for
/// secrets.
#[derive(Debug)]
pub struct NewDatabase {
    kind: Database,
    url: String,
    on_server: Option<OnServer>,
}

#[derive(Debug)]
enum OnServer {
    Postgres(TestDatabase<Postgres>),
    MySql(TestDatabase<MySql>),
}

impl Database {
    /// Creates a database. A SQLite file is in the folder of `artifacts`.
    pub async fn create(self, artifacts: &Artifacts) -> NewDatabase {
        match self {
            Self::Memory => NewDatabase { kind: self, url: "memory:".to_owned(), on_server: None },
            Self::Sqlite => NewDatabase { kind: self, url: artifacts.sqlite_url("keys"), on_server: None },
            Self::Postgres => NewDatabase::on_postgres(Postgres::database().await),
            Self::MySql => NewDatabase::on_mysql(MySql::database().await),
        }
    }

    /// Creates a database in a server that only one test uses.
    pub async fn create_in(self, server: &PrivateServer) -> NewDatabase {
        match self {
            Self::Postgres => NewDatabase::on_postgres(TestDatabase::create_in(server).await),
            Self::MySql => NewDatabase::on_mysql(TestDatabase::create_in(server).await),
            Self::Memory | Self::Sqlite => panic!("{self:?} is not on a server"),
        }
    }
}

impl NewDatabase {
    fn on_postgres(database: TestDatabase<Postgres>) -> Self {
        let url = database.url();
        Self { kind: Database::Postgres, url, on_server: Some(OnServer::Postgres(database)) }
    }

    fn on_mysql(database: TestDatabase<MySql>) -> Self {
        let url = database.url();
        Self { kind: Database::MySql, url, on_server: Some(OnServer::MySql(database)) }
    }

    /// The kind of the database.
    #[must_use]
    pub const fn kind(&self) -> Database {
        self.kind
    }

    /// The value of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The value of `DATABASE_URL` for a service whose end [`wait_for_the_end_of_the_service`] waits for.
    ///
    /// [`wait_for_the_end_of_the_service`]: Self::wait_for_the_end_of_the_service
    #[must_use]
    pub fn url_of_service(&self) -> String {
        match &self.on_server {
            Some(OnServer::Postgres(_)) => format!("{}?application_name={SERVICE}", self.url),
            Some(OnServer::MySql(_)) | None => self.url.clone(),
        }
    }

    /// Waits until the server executes nothing for the service any more. On PostgreSQL, the service has no connections
    /// then. On MySQL, no other connection to the database executes a statement or has a transaction.
    pub async fn wait_for_the_end_of_the_service(&self) {
        let began = Instant::now();
        loop {
            let open = match &self.on_server {
                None => return,
                Some(OnServer::Postgres(database)) => {
                    let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                                 AND application_name = $1";
                    let mut connection = database.connection().await;
                    sqlx::query_scalar(query).bind(SERVICE).fetch_one(&mut connection).await.unwrap()
                }
                Some(OnServer::MySql(database)) => {
                    let query = "SELECT count(*) FROM information_schema.processlist p \
                                 LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id \
                                 WHERE p.db = database() AND p.id <> connection_id() \
                                 AND (p.command <> 'Sleep' OR t.trx_id IS NOT NULL)";
                    let mut connection = database.connection().await;
                    sqlx::query_scalar::<_, i64>(query).fetch_one(&mut connection).await.unwrap()
                }
            };
            if open == 0 {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{open} connections of the service are open");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Executes a statement on a new connection.
    pub async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match self.kind {
            Database::Memory => panic!("another process cannot open the memory of a quickstart"),
            Database::Sqlite => {
                self.open::<SqliteConnection>().await.execute(statement).await.unwrap();
            }
            Database::Postgres => {
                self.open::<PgConnection>().await.execute(statement).await.unwrap();
            }
            Database::MySql => {
                self.open::<MySqlConnection>().await.execute(statement).await.unwrap();
            }
        }
    }

    /// Returns the number that a query on a new connection results in.
    pub async fn number(&self, query: &str) -> u64 {
        let query = AssertSqlSafe(query.to_owned());
        let number: i64 = match self.kind {
            Database::Memory => panic!("another process cannot open the memory of a quickstart"),
            Database::Sqlite => {
                sqlx::query_scalar(query).fetch_one(&mut self.open::<SqliteConnection>().await).await
            }
            Database::Postgres => {
                sqlx::query_scalar(query).fetch_one(&mut self.open::<PgConnection>().await).await
            }
            Database::MySql => {
                sqlx::query_scalar(query).fetch_one(&mut self.open::<MySqlConnection>().await).await
            }
        }
        .unwrap();
        u64::try_from(number).unwrap()
    }

    async fn open<C: Connection>(&self) -> C {
        C::connect(&self.url).await.unwrap()
    }

    /// Panics if a SQLite file is damaged. A server checks its own files.
    pub async fn assert_intact(&self) {
        if self.kind == Database::Sqlite {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            let check: String =
                sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
            assert_eq!(check, "ok");
            connection.close().await.unwrap();
        }
    }

    /// Opens the database with the store for its kind.
    pub async fn connect(&self) -> Arc<dyn KeyStore> {
        match self.kind {
            Database::Memory => panic!("another process cannot open the memory of a quickstart"),
            Database::Sqlite => Arc::new(SqliteStore::connect(&self.url).await.unwrap()),
            Database::Postgres => Arc::new(PostgresStore::connect(&self.url).await.unwrap()),
            Database::MySql => Arc::new(MySqlStore::connect(&self.url).await.unwrap()),
        }
    }
}
