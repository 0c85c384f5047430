use crate::Database;

/// The quickstart under test: its framework and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    framework: &'static str,
    database: Database,
    cache: bool,
}

impl Subject {
    /// The quickstart of this framework on this database.
    #[must_use]
    pub const fn new(framework: &'static str, database: Database) -> Self {
        Self { framework, database, cache: true }
    }

    /// The same quickstart, which keeps no keys in memory.
    #[must_use]
    pub const fn without_cache(self) -> Self {
        Self { cache: false, ..self }
    }

    /// The value of the quickstart's setting `CACHE`.
    pub(crate) const fn cache(self) -> &'static str {
        if self.cache { "on" } else { "off" }
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
        let cache = if self.cache { "" } else { "-without-cache" };
        format!("{}-{:?}{cache}-{case}", self.framework, self.database).to_lowercase()
    }
}
