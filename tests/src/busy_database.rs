use sqlx::{Connection, SqliteConnection};

/// A lock on a SQLite database. No other connection can write while the value exists.
#[derive(Debug)]
pub struct BusyDatabase {
    writer: SqliteConnection,
}

impl BusyDatabase {
    /// Waits for the write lock and holds it.
    pub async fn hold(url: &str) -> Self {
        let mut writer = SqliteConnection::connect(url).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
        Self { writer }
    }

    /// Releases the lock.
    pub async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.writer).await.unwrap();
        self.writer.close().await.unwrap();
    }
}
