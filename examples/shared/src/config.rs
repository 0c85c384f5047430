use std::{env, fmt, time::Duration};

use apikeys_core::warning::WarningPeriods;
use apikeys_mail::SmtpServer;

use crate::{
    RedisUrl,
    server_url::{Engine, ServerUrl},
};

/// The settings of a quickstart, from its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The port on 127.0.0.1; 0 means any free port. From `PORT`; the default is 3000.
    pub port: u16,
    /// The database that holds the keys. From `DATABASE_URL`.
    pub database: Database,
    /// The Redis server that counts requests against rate limits, for all instances that use it. From `REDIS_URL`; the
    /// default is none, and each process counts for itself.
    pub redis: Option<RedisUrl>,
    /// The demo's admin token. From `ADMIN_TOKEN`; the default is a random token, which is printed.
    pub admin_token: Option<String>,
    /// The mail server that sends warnings. From `SMTP_URL`; the default is `None`, which means that mails are printed.
    pub smtp_url: Option<SmtpUrl>,
    /// How long before the expiration of a key its administrators are warned. From `EXPIRY_WARNING`; the default
    /// is 7 days.
    pub expiry_warning: WarningPeriods,
    /// Whether keys are kept in memory. From `CACHE`, which is `on` or `off`; the default is `on`.
    pub cache: bool,
}

/// The URL of a mail server, which may contain a password.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl(String);

impl SmtpUrl {
    /// Returns the mail server.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid.
    pub fn server(&self) -> Result<SmtpServer, ConfigError> {
        SmtpServer::from_url(&self.0).map_err(|invalid| error("SMTP_URL", invalid.problem()))
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpUrl")
    }
}

/// The database that holds the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// A SQLite file in a new temporary folder that is not deleted. This is the default.
    Temporary,
    /// The SQLite database of a URL, `sqlite:PATH`.
    Sqlite(String),
    /// The database on a server of a URL such as `postgres://user:password@host:port/database`.
    Server(ServerUrl),
    /// The memory of the process, `memory:`.
    Memory,
}

/// The error returned when a setting is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    variable: &'static str,
    reason: String,
}

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable has a value that is not supported.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|variable| env::var(variable).ok())
    }

    /// Reads variables with `look_up`. An empty value counts as unset.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable has a value that is not supported.
    pub fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |variable| look_up(variable).filter(|value| !value.trim().is_empty());
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
        let redis = set("REDIS_URL").map(|url| redis(&url)).transpose()?;
        let admin_token = set("ADMIN_TOKEN").map(|token| admin_token(&token)).transpose()?;
        let smtp_url = set("SMTP_URL").map(SmtpUrl);
        if let Some(url) = &smtp_url {
            let _ = url.server()?;
        }
        let expiry_warning = match set("EXPIRY_WARNING") {
            None => WarningPeriods::default(),
            Some(text) => periods(&text)?,
        };
        let cache = match set("CACHE").as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(_) => return Err(error("CACHE", "must be `on` or `off`")),
        };
        Ok(Self { port, database, redis, admin_token, smtp_url, expiry_warning, cache })
    }
}

/// Reads a database URL. Error messages show only the scheme, because a URL may hold a password.
fn database(url: &str) -> Result<Database, ConfigError> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" if rest.is_empty() => Ok(Database::Memory),
        "sqlite" if !rest.is_empty() => Ok(Database::Sqlite(url.to_owned())),
        _ => match Engine::of_scheme(scheme) {
            Some(engine) => ServerUrl::read(engine, url).map(Database::Server).ok_or_else(|| {
                let reason = format!(
                    "must be {scheme}://user:password@host:port/database; in the user name and the password, \
                     all characters except letters, digits and -._~ must be percent-encoded"
                );
                error("DATABASE_URL", reason)
            }),
            None => Err(error("DATABASE_URL", format!("must be {DATABASE_URLS}"))),
        },
    }
}

/// Reads the URL of a Redis server.
fn redis(url: &str) -> Result<RedisUrl, ConfigError> {
    RedisUrl::read(url.trim()).ok_or_else(|| {
        let reason = "must be redis://user:password@host:port/number or rediss://…; in the user name and the password, \
                      all characters except letters, digits and -._~ must be percent-encoded";
        error("REDIS_URL", reason)
    })
}

/// The supported values of `DATABASE_URL`, for messages.
const DATABASE_URLS: &str = "sqlite:PATH, postgres://user:password@host:port/database, mysql://… or memory:";

/// Reads a period such as `7d` or `5s`.
fn periods(text: &str) -> Result<WarningPeriods, ConfigError> {
    let invalid = || {
        error(
            "EXPIRY_WARNING",
            "must be a number with s, m, h or d, such as 5s or 7d, from 1 second to 366 days",
        )
    };
    let text = text.trim();
    let unit = text.chars().last().ok_or_else(invalid)?;
    let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(invalid)?;
    let unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(invalid()),
    };
    WarningPeriods::new([Duration::from_secs(number.saturating_mul(unit))]).map_err(|_| invalid())
}

/// Reads an admin token. The token is sent in a header and in a URL, so it must not need escaping.
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

    const DAY: Duration = Duration::from_secs(86_400);

    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        let value =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, v)| (*v).to_owned());
        Config::read(value).map_err(|error| error.to_string())
    }

    #[test]
    fn unset_and_empty_variables_have_defaults() {
        let default = Config {
            port: 3000,
            database: Database::Temporary,
            redis: None,
            admin_token: None,
            smtp_url: None,
            expiry_warning: WarningPeriods::new([7 * DAY]).unwrap(),
            cache: true,
        };
        assert_eq!(read(&[]), Ok(default.clone()));
        let empty = [
            ("PORT", ""),
            ("DATABASE_URL", " "),
            ("REDIS_URL", ""),
            ("SMTP_URL", ""),
            ("EXPIRY_WARNING", " "),
            ("AUDIT", ""),
            ("ADMIN_TOKEN", ""),
            ("CACHE", ""),
        ];
        assert_eq!(read(&empty), Ok(default));
    }

    #[test]
    fn supported_values_are_accepted() {
        assert_eq!(["on", "off"].map(|value| read(&[("CACHE", value)]).unwrap().cache), [true, false]);
        let database = |url| read(&[("DATABASE_URL", url)]).unwrap().database;
        assert_eq!(database("memory:"), Database::Memory);
        assert_eq!(database("sqlite:/a/b.db"), Database::Sqlite("sqlite:/a/b.db".into()));
        for url in ["postgres://user:pa55@host/keys", "postgresql://user:pa55@host:5432/keys"] {
            let config = read(&[("DATABASE_URL", url)]).unwrap();
            let Database::Server(server) = &config.database else { panic!("{config:?}") };
            assert_eq!(server.place(), "postgres://host:5432/keys");
            assert!(!format!("{config:?}").contains("pa55"), "{config:?}");
        }
        for (url, place) in [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379"),
            (" rediss://user:pa55@cache.example:6380/2 ", "rediss://cache.example:6380/2"),
        ] {
            let config = read(&[("REDIS_URL", url)]).unwrap();
            assert_eq!(config.redis.as_ref().unwrap().place(), place);
            assert!(!format!("{config:?}").contains("pa55"), "{config:?}");
        }
        assert_eq!(read(&[("PORT", "0"), ("AUDIT", "buffered")]).unwrap().port, 0);
        let token = read(&[("ADMIN_TOKEN", "let-me_in.~1")]).unwrap().admin_token;
        assert_eq!(token.as_deref(), Some("let-me_in.~1"));
        for url in ["smtp://127.0.0.1:1025", "smtps://user:pa55@mail.example.com"] {
            let config = read(&[("SMTP_URL", url)]).unwrap();
            assert!(config.smtp_url.is_some() && !format!("{config:?}").contains("pa55"), "{config:?}");
        }
        let second = Duration::from_secs(1);
        for (text, period) in [
            ("5s", 5 * second),
            ("90m", 5_400 * second),
            (" 12h ", DAY / 2),
            ("7d", 7 * DAY),
            ("366d", 366 * DAY),
        ] {
            let warning = read(&[("EXPIRY_WARNING", text)]).unwrap().expiry_warning;
            assert_eq!(warning.as_slice(), [period], "{text}");
        }
    }

    #[test]
    fn unsupported_values_are_errors_that_name_the_variable_and_hide_passwords() {
        for (variable, value) in [
            ("PORT", "65536"),
            ("PORT", "http"),
            ("DATABASE_URL", "postgres://user:pa55@host"),
            ("DATABASE_URL", "postgres://user:pa55@host:port/db"),
            ("DATABASE_URL", "postgres://user:5/pa55@host/db"),
            ("DATABASE_URL", "postgres:pa55"),
            ("DATABASE_URL", "mysql://user:pa55@host:port/db"),
            ("DATABASE_URL", "redis://user:pa55@host"),
            ("DATABASE_URL", "memory:pa55"),
            ("DATABASE_URL", "sqlite:"),
            ("DATABASE_URL", "keys.db"),
            ("REDIS_URL", "http://user:pa55@host"),
            ("REDIS_URL", "redis://user:pa55@host:port"),
            ("REDIS_URL", "redis://user:5/pa55@host"),
            ("REDIS_URL", "redis://user:pa55@host/keys"),
            ("REDIS_URL", "redis:pa55"),
            ("REDIS_URL", "127.0.0.1:6379"),
            ("SMTP_URL", "smtp://user:pa55@host:port"),
            ("SMTP_URL", "mail.example.com:25"),
            ("EXPIRY_WARNING", "7"),
            ("EXPIRY_WARNING", "d"),
            ("EXPIRY_WARNING", "7w"),
            ("EXPIRY_WARNING", "0s"),
            ("EXPIRY_WARNING", "-1d"),
            ("EXPIRY_WARNING", "+1d"),
            ("EXPIRY_WARNING", "367d"),
            ("EXPIRY_WARNING", "99999999999999999999d"),
            ("EXPIRY_WARNING", "18446744073709551615d"),
            ("EXPIRY_WARNING", "7ä"),
            ("ADMIN_TOKEN", "pa55 word"),
            ("ADMIN_TOKEN", "pa55&x"),
            ("AUDIT", "durable"),
            ("AUDIT", "strict"),
            ("AUDIT", "none"),
            ("CACHE", "none"),
        ] {
            let message = read(&[(variable, value)]).unwrap_err();
            assert!(message.starts_with(&format!("{variable}: ")), "{message}");
            assert!(!message.contains("pa55"), "{message}");
        }
    }
}
