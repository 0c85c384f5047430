use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};

/// What is asked of the program.
#[derive(Parser)]
#[command(name = "manage", about = "Manages the API keys of an organization")]
#[allow(missing_debug_implementations, reason = "it holds the admin token")]
pub struct Arguments {
    /// Where to ask.
    #[command(flatten)]
    pub(crate) service: Service,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The service, and who asks. Not to be shown in `{:?}`: it holds the admin token.
#[derive(Args)]
pub(crate) struct Service {
    /// The service's address
    #[arg(long, env = "APIKEYS_URL", default_value = "http://127.0.0.1:3000", value_parser = address)]
    pub(crate) url: String,
    /// The admin token; better in the environment, where other users cannot see it
    #[arg(long, env = "ADMIN_TOKEN", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) token: String,
    /// The organization
    #[arg(long, env = "APIKEYS_ORG", default_value = "org_demo", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) org: String,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists all keys, newest first
    List,
    /// Creates a key, and prints its secret this once
    Create {
        /// What to call it
        name: String,
        /// From when on it is refused, in RFC 3339
        #[arg(long)]
        expires: Option<String>,
        /// Requests per minute
        #[arg(long, allow_negative_numbers = true)]
        rate_limit: Option<i64>,
    },
    /// Shows a key
    Show {
        /// Its id
        id: String,
    },
    /// Changes a key's name, expiration or rate limit
    Edit {
        /// Its id
        id: String,
        /// What to change.
        #[command(flatten)]
        edit: Edit,
    },
    /// Lets a deactivated key be used again
    Activate {
        /// Its id
        id: String,
    },
    /// Refuses a key until it is activated
    Deactivate {
        /// Its id
        id: String,
    },
    /// Deletes a key for good
    Delete {
        /// Its id
        id: String,
    },
    /// Shows the audit log, newest first
    Audit(EventFilter),
    /// Shows how much a key is used
    Usage {
        /// Its id
        id: String,
        /// When, and how finely.
        #[command(flatten)]
        range: UsageRange,
    },
    /// Puts the organization on a plan, as the billing would
    Plan {
        /// The plan's name
        name: String,
    },
}

/// What to change about a key.
#[derive(Debug, Args)]
#[group(id = "changes", required = true, multiple = true)]
pub(crate) struct Edit {
    /// What to call it
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// From when on it is refused, in RFC 3339
    #[arg(long, conflicts_with = "no_expires")]
    pub(crate) expires: Option<String>,
    /// Never refuse it for its age
    #[arg(long)]
    pub(crate) no_expires: bool,
    /// Requests per minute
    #[arg(long, allow_negative_numbers = true, conflicts_with = "default_rate_limit")]
    pub(crate) rate_limit: Option<i64>,
    /// Let it have the plan's rate limit
    #[arg(long)]
    pub(crate) default_rate_limit: bool,
}

/// Which events to show.
#[derive(Debug, Args)]
pub(crate) struct EventFilter {
    /// Of the key with this id, deleted or not
    #[arg(long = "key", value_name = "ID")]
    pub(crate) key_id: Option<String>,
    /// Of this kind, such as key.updated
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Not before this time, in RFC 3339
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Before this time, in RFC 3339
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// Of when to show the usage.
#[derive(Debug, Args)]
pub(crate) struct UsageRange {
    /// By the hour, or by the day in UTC
    #[arg(long, default_value = "hour", value_parser = ["hour", "day"])]
    pub(crate) step: String,
    /// Not before this time, in RFC 3339 [default: 24 hours or 30 days ago]
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Before this time, in RFC 3339 [default: now]
    #[arg(long)]
    pub(crate) until: Option<String>,
}

/// Without what paths begin with.
fn address(text: &str) -> Result<String, &'static str> {
    let host = text.strip_prefix("http://").ok_or("must begin with http://: there is no TLS in here")?;
    let host = host.trim_end_matches('/');
    if host.is_empty() { Err("must name a host") } else { Ok(format!("http://{host}")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_address_needs_no_slash_at_its_end_and_no_tls() {
        assert_eq!(address("http://h:1/"), Ok("http://h:1".to_owned()));
        assert_eq!(address("http://h/below"), Ok("http://h/below".to_owned()));
        for bad in ["", "h:1", "https://h", "http://", "http:///"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_edit_changes_something_and_not_twice() {
        let edit = |options: &[&str]| {
            Arguments::try_parse_from(["manage", "--token", "t", "edit", "x"].iter().chain(options))
                .map(|_| ())
                .is_ok()
        };
        for good in [
            &["--name", "n"][..],
            &["--no-expires", "--default-rate-limit"],
            &["--expires", "2030-01-01T00:00:00Z", "--rate-limit", "-1"],
        ] {
            assert!(edit(good), "{good:?}");
        }
        for bad in
            [&[][..], &["--no-expires", "--expires", "x"], &["--default-rate-limit", "--rate-limit", "5"]]
        {
            assert!(!edit(bad), "{bad:?}");
        }
    }
}
