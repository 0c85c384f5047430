use crate::Artifacts;

/// The quickstart under test: its framework and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    framework: &'static str,
    database: Database,
}

/// The database of the service under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// The memory of the process.
    Memory,
    /// A new SQLite file.
    Sqlite,
}

impl Subject {
    /// The quickstart of this framework on this database.
    #[must_use]
    pub const fn new(framework: &'static str, database: Database) -> Self {
        Self { framework, database }
    }

    /// The name of the example that is run.
    #[must_use]
    pub const fn framework(self) -> &'static str {
        self.framework
    }

    /// A name for the folder of a case.
    pub(crate) fn folder(self, case: &str) -> String {
        format!("{}-{:?}-{case}", self.framework, self.database).to_lowercase()
    }

    /// The value of `DATABASE_URL`.
    pub(crate) fn database_url(self, artifacts: &Artifacts) -> String {
        match self.database {
            Database::Memory => "memory:".to_owned(),
            Database::Sqlite => artifacts.sqlite_url("keys"),
        }
    }
}
