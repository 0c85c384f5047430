use sqlx::{Connection, SqliteConnection};

/// A SQLite database that nobody else can write to meanwhile.
#[derive(Debug)]
pub struct BusyDatabase {
    writer: SqliteConnection,
}

impl BusyDatabase {
    /// Waits for the write lock, and keeps it.
    pub async fn hold(url: &str) -> Self {
        let mut writer = SqliteConnection::connect(url).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
        Self { writer }
    }

    /// Lets the others write.
    pub async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.writer).await.unwrap();
        self.writer.close().await.unwrap();
    }
}
