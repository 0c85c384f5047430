use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};

/// A lock on a database. No other connection can record requests while the value exists.
#[derive(Debug)]
pub struct BusyDatabase(Holder);

#[derive(Debug)]
enum Holder {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    MySql(MySqlConnection),
}

impl BusyDatabase {
    /// Waits for the lock and holds it.
    pub async fn hold(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            return Self(Holder::Sqlite(connection));
        }
        if url.starts_with("mysql:") {
            let mut connection = MySqlConnection::connect(url).await.unwrap();
            sqlx::query("LOCK TABLES apikeys_writers WRITE").execute(&mut connection).await.unwrap();
            return Self(Holder::MySql(connection));
        }
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
        let lock = "LOCK TABLE apikeys_writers IN ACCESS EXCLUSIVE MODE";
        sqlx::query(lock).execute(&mut connection).await.unwrap();
        Self(Holder::Postgres(connection))
    }

    /// Releases the lock.
    pub async fn release(self) {
        match self.0 {
            Holder::Sqlite(mut connection) => {
                sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Holder::MySql(mut connection) => {
                sqlx::query("UNLOCK TABLES").execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Holder::Postgres(mut connection) => {
                sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}
