use std::env;

/// How a quickstart is to run, as its environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The port on 127.0.0.1; 0 is any free one. From `PORT`, 3000 if not set.
    pub port: u16,
    /// Where keys are kept. From `DATABASE_URL`.
    pub database: Database,
    /// The demo's admin password. From `ADMIN_TOKEN`; random, and printed, if not set.
    pub admin_token: Option<String>,
}

/// Where keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// A SQLite file in a new temporary folder, which is kept. If nothing is set.
    Temporary,
    /// The SQLite database of this URL, `sqlite:PATH`.
    Sqlite(String),
    /// In memory; gone when the process ends. `memory:`
    Memory,
}

/// The environment asks for something that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    variable: &'static str,
    reason: String,
}

/// Variables for what is not built yet. A value that is passed over in silence would mislead.
const NOT_YET: [(&str, &str); 3] = [
    ("REDIS_URL", "shared rate limits are not supported yet; leave it unset"),
    ("SMTP_URL", "expiry warnings are not supported yet; leave it unset"),
    ("EXPIRY_WARNING", "expiry warnings are not supported yet; leave it unset"),
];

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// When a variable has a value that is not supported.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|variable| env::var(variable).ok())
    }

    /// Reads variables with `look_up`. An empty value is as good as none.
    ///
    /// # Errors
    ///
    /// When a variable has a value that is not supported.
    pub fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |variable| look_up(variable).filter(|value| !value.trim().is_empty());
        for (variable, reason) in NOT_YET {
            if set(variable).is_some() {
                return Err(error(variable, reason));
            }
        }
        match set("AUDIT").as_deref() {
            None | Some("buffered") => {}
            Some("durable" | "strict") => return Err(error("AUDIT", "only `buffered` is supported yet")),
            Some(_) => return Err(error("AUDIT", "must be `buffered`")),
        }
        let port = match set("PORT") {
            None => 3000,
            Some(text) => {
                text.trim().parse().map_err(|_| error("PORT", "must be a number from 0 to 65535"))?
            }
        };
        let database = match set("DATABASE_URL") {
            None => Database::Temporary,
            Some(url) => database(&url)?,
        };
        let admin_token = set("ADMIN_TOKEN").map(|token| admin_token(&token)).transpose()?;
        Ok(Self { port, database, admin_token })
    }
}

/// The URL may hold a password: only what it begins with is repeated.
fn database(url: &str) -> Result<Database, ConfigError> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" if rest.is_empty() => Ok(Database::Memory),
        "sqlite" if !rest.is_empty() => Ok(Database::Sqlite(url.to_owned())),
        "postgres" | "postgresql" | "mysql" | "mariadb" => {
            Err(error("DATABASE_URL", format!("{scheme} is not supported yet; use sqlite:PATH or memory:")))
        }
        _ => Err(error("DATABASE_URL", "must be sqlite:PATH or memory:")),
    }
}

/// The token travels in a header and in a URL: what needs escaping there would only confuse.
fn admin_token(token: &str) -> Result<String, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if token.bytes().all(plain) {
        Ok(token.to_owned())
    } else {
        Err(error("ADMIN_TOKEN", "must consist of letters, digits and -._~"))
    }
}

fn error(variable: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError { variable, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        let value =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, v)| (*v).to_owned());
        Config::read(value).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let default = Config { port: 3000, database: Database::Temporary, admin_token: None };
        assert_eq!(read(&[]), Ok(default.clone()));
        let empty =
            [("PORT", ""), ("DATABASE_URL", " "), ("REDIS_URL", ""), ("AUDIT", ""), ("ADMIN_TOKEN", "")];
        assert_eq!(read(&empty), Ok(default));
    }

    #[test]
    fn every_supported_value_is_taken() {
        let database = |url| read(&[("DATABASE_URL", url)]).unwrap().database;
        assert_eq!(database("memory:"), Database::Memory);
        assert_eq!(database("sqlite:/a/b.db"), Database::Sqlite("sqlite:/a/b.db".into()));
        assert_eq!(read(&[("PORT", "0"), ("AUDIT", "buffered")]).unwrap().port, 0);
        let token = read(&[("ADMIN_TOKEN", "let-me_in.~1")]).unwrap().admin_token;
        assert_eq!(token.as_deref(), Some("let-me_in.~1"));
    }

    #[test]
    fn every_other_value_is_an_error_that_names_the_variable_and_shows_no_password() {
        for (variable, value) in [
            ("PORT", "65536"),
            ("PORT", "http"),
            ("DATABASE_URL", "postgres://user:pa55@host/db"),
            ("DATABASE_URL", "mysql://user:pa55@host/db"),
            ("DATABASE_URL", "redis://user:pa55@host"),
            ("DATABASE_URL", "memory:pa55"),
            ("DATABASE_URL", "sqlite:"),
            ("DATABASE_URL", "keys.db"),
            ("REDIS_URL", "redis://user:pa55@host"),
            ("SMTP_URL", "smtp://user:pa55@host:25"),
            ("EXPIRY_WARNING", "7d"),
            ("ADMIN_TOKEN", "pa55 word"),
            ("ADMIN_TOKEN", "pa55&x"),
            ("AUDIT", "durable"),
            ("AUDIT", "strict"),
            ("AUDIT", "none"),
        ] {
            let message = read(&[(variable, value)]).unwrap_err();
            assert!(message.starts_with(&format!("{variable}: ")), "{message}");
            assert!(!message.contains("pa55"), "{message}");
        }
        assert!(read(&[("DATABASE_URL", "postgres://h/d")]).unwrap_err().contains("not supported yet"));
    }
}
