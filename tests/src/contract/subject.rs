use crate::Artifacts;

/// What is under test: a framework's quickstart on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    framework: &'static str,
    database: Database,
}

/// Where the service under test keeps its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// In its own memory.
    Memory,
    /// In a new SQLite file.
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

    /// What the service is told in `DATABASE_URL`.
    pub(crate) fn database_url(self, artifacts: &Artifacts) -> String {
        match self.database {
            Database::Memory => "memory:".to_owned(),
            Database::Sqlite => artifacts.sqlite_url("keys"),
        }
    }
}
