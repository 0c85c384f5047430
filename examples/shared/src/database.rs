use std::sync::Arc;

use apikeys_core::{KeyStore, MemoryStore, store::StoreError};
use apikeys_sqlx_store::{MySqlStore, PostgresStore, SqliteStore};

use crate::{Database, DemoError, server_url::Engine};

/// The database of a quickstart while it is open.
#[derive(Debug)]
pub struct OpenDatabase {
    /// The place of the keys, as the quickstart prints it.
    pub(crate) place: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Memory(Arc<MemoryStore>),
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
    MySql(Box<MySqlStore>),
}

impl OpenDatabase {
    pub(crate) async fn open(database: &Database) -> Result<Self, DemoError> {
        let place = match database {
            Database::Memory => {
                let kind = Kind::Memory(Arc::new(MemoryStore::new()));
                return Ok(Self { place: "memory, until this process ends".to_owned(), kind });
            }
            Database::Server(url) => {
                let place = url.place().to_owned();
                let kind = match url.engine() {
                    Engine::Postgres => PostgresStore::connect(url.expose()).await.map(Kind::Postgres),
                    Engine::MySql => MySqlStore::connect(url.expose()).await.map(Box::new).map(Kind::MySql),
                };
                return Ok(Self { place, kind: kind.map_err(DemoError::Store)? });
            }
            Database::Sqlite(url) => url.clone(),
            Database::Temporary => {
                let folder =
                    tempfile::Builder::new().prefix("apikeys-").tempdir().map_err(DemoError::Folder)?;
                format!("sqlite:{}", folder.keep().join("keys.db").display())
            }
        };
        let store = SqliteStore::connect(&place).await.map_err(DemoError::Store)?;
        Ok(Self { place, kind: Kind::Sqlite(store) })
    }

    pub(crate) fn store(&self) -> Arc<dyn KeyStore> {
        match &self.kind {
            Kind::Memory(store) => Arc::<MemoryStore>::clone(store),
            Kind::Sqlite(store) => Arc::new(store.clone()),
            Kind::Postgres(store) => Arc::new(store.clone()),
            Kind::MySql(store) => Arc::new(MySqlStore::clone(store)),
        }
    }

    /// Closes the database after the last request. A SQLite database is then a single file.
    ///
    /// # Errors
    ///
    /// Returns an error if SQLite cannot write all data to that file.
    pub async fn close(self) -> Result<(), StoreError> {
        match self.kind {
            Kind::Memory(_) => Ok(()),
            Kind::Sqlite(store) => store.close().await,
            Kind::Postgres(store) => {
                store.close().await;
                Ok(())
            }
            Kind::MySql(store) => {
                store.close().await;
                Ok(())
            }
        }
    }
}
