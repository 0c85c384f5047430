use std::fmt;

use url::Url;

/// The URL of a database on a server, which may contain a password. Its debug output does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    engine: Engine,
    url: String,
    place: String,
}

/// The kind of a database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MySql,
}

impl Engine {
    /// Returns the database engine of a URL's scheme, or `None` if the library has no store for the scheme.
    pub(crate) fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::MySql),
            _ => None,
        }
    }

    const fn scheme(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
        }
    }
}

impl ServerUrl {
    /// Reads a URL such as `postgres://user:password@host:port/database`. Returns `None` if the URL is invalid.
    ///
    /// A password with `/`, `?` or `#` that is not percent-encoded ends where a URL does not expect it, and its rest would
    /// count as the name of a database. Such a URL is invalid, because the name is printed.
    pub(crate) fn read(engine: Engine, url: &str) -> Option<Self> {
        let parsed = Url::parse(url).ok()?;
        let host = parsed.host_str().filter(|host| !host.is_empty())?;
        let port = parsed.port().unwrap_or(engine.default_port());
        let database = parsed.path().strip_prefix('/').filter(|database| !database.is_empty())?;
        if database.contains(['/', '@', ':']) || parsed.fragment().is_some() {
            return None;
        }
        let place = format!("{}://{host}:{port}/{database}", engine.scheme());
        Some(Self { engine, url: url.to_owned(), place })
    }

    pub(crate) const fn engine(&self) -> Engine {
        self.engine
    }

    /// The whole URL, for the store.
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }

    /// The URL without the user's name, the password and the options, to print.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerUrl").field(&self.place).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Option<ServerUrl> {
        ServerUrl::read(Engine::of_scheme(url.split_once(':').unwrap().0).unwrap(), url)
    }

    #[test]
    fn place_has_host_port_and_database_and_no_password() {
        for (url, place) in [
            ("postgres://u:pa55@db.example:6432/keys", "postgres://db.example:6432/keys"),
            ("postgresql://u:pa55@localhost/keys", "postgres://localhost:5432/keys"),
            ("mysql://u:pa55@localhost/keys", "mysql://localhost:3306/keys"),
            ("mariadb://u:pa55@localhost/keys", "mysql://localhost:3306/keys"),
            ("postgres://[::1]/keys?password=pa55", "postgres://[::1]:5432/keys"),
            ("postgres://u:p%2Fa55@%2Frun%2Fpostgresql/keys", "postgres://%2Frun%2Fpostgresql:5432/keys"),
        ] {
            let read = read(url).unwrap();
            assert_eq!((read.place(), read.expose()), (place, url));
            assert!(!format!("{read:?}").contains("a55"), "{read:?}");
        }
    }

    #[test]
    fn url_in_which_a_part_of_the_password_would_be_printed_is_invalid() {
        for url in [
            "postgres://u:5/pa55@host/keys",
            "postgres://u:5/pa55@host",
            "postgres://u:5/pa55:5432",
            "postgres://u:5/keys#pa55@host/keys",
            "postgres://u:5?pa55@host/keys",
            "postgres://u:pa/55@host/keys",
            "postgres://host",
            "postgres:///keys",
            "postgres:keys",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
