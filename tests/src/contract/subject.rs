use crate::Database;

/// The quickstart under test: its framework and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    framework: &'static str,
    database: Database,
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

    /// The kind of the database.
    #[must_use]
    pub const fn database(self) -> Database {
        self.database
    }

    /// A name for the folder of a case.
    pub(crate) fn folder(self, case: &str) -> String {
        format!("{}-{:?}-{case}", self.framework, self.database).to_lowercase()
    }
}
