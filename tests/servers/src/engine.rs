/// A kind of database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests run for each engine")]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MariaDB. A URL in `APIKEYS_TEST_MYSQL_URL` may also name a MySQL server.
    MySql,
    /// Redis. A URL in `APIKEYS_TEST_REDIS_URL` may also name a Valkey server.
    Redis,
}

impl Engine {
    /// All engines.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::MySql, Self::Redis];

    /// The name of the server that is started for tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MariaDB",
            Self::Redis => "Redis",
        }
    }

    /// The environment variable with the URL of a server that tests use. The user in the URL may create
    /// databases, and in Redis do everything.
    #[must_use]
    pub const fn url_variable(self) -> &'static str {
        match self {
            Self::Postgres => "APIKEYS_TEST_POSTGRES_URL",
            Self::MySql => "APIKEYS_TEST_MYSQL_URL",
            Self::Redis => "APIKEYS_TEST_REDIS_URL",
        }
    }
}
