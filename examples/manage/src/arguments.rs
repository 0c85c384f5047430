use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};

/// The arguments of the program.
#[derive(Parser)]
#[command(name = "manage", about = "Manages the API keys of an organization")]
#[allow(missing_debug_implementations, reason = "it holds the admin token")]
pub struct Arguments {
    /// The service and the login.
    #[command(flatten)]
    pub(crate) service: Service,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The service and the login. This type does not implement `Debug`, because it holds the admin token.
#[derive(Args)]
pub(crate) struct Service {
    /// The service's address
    #[arg(long, env = "APIKEYS_URL", default_value = "http://127.0.0.1:3000", value_parser = address)]
    pub(crate) url: String,
    /// The admin token; the environment hides it from other users
    #[arg(long, env = "ADMIN_TOKEN", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) token: String,
    /// The organization
    #[arg(long, env = "APIKEYS_ORG", default_value = "org_demo", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) org: String,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists all keys, newest first
    List,
    /// Creates a key and prints its secret, which is shown only once
    Create {
        /// The name of the key
        name: String,
        /// When the key stops working, in RFC 3339
        #[arg(long)]
        expires: Option<String>,
        /// The rate limit in requests per minute
        #[arg(long, allow_negative_numbers = true)]
        rate_limit: Option<i64>,
    },
    /// Shows a key
    Show {
        /// The id of the key
        id: String,
    },
    /// Changes a key's name, expiration or rate limit
    Edit {
        /// The id of the key
        id: String,
        /// The changes.
        #[command(flatten)]
        edit: Edit,
    },
    /// Activates a deactivated key
    Activate {
        /// The id of the key
        id: String,
    },
    /// Deactivates a key until it is activated again
    Deactivate {
        /// The id of the key
        id: String,
    },
    /// Deletes a key permanently
    Delete {
        /// The id of the key
        id: String,
    },
    /// Shows the audit log, newest first
    Audit(EventFilter),
    /// Shows the usage of a key
    Usage {
        /// The id of the key
        id: String,
        /// The range and the step.
        #[command(flatten)]
        range: UsageRange,
    },
    /// Puts the organization on a plan, like the billing of a real service
    Plan {
        /// The name of the plan
        name: String,
    },
}

/// The changes to a key.
#[derive(Debug, Args)]
#[group(id = "changes", required = true, multiple = true)]
pub(crate) struct Edit {
    /// The new name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// When the key stops working, in RFC 3339
    #[arg(long, conflicts_with = "no_expires")]
    pub(crate) expires: Option<String>,
    /// Removes the expiration
    #[arg(long)]
    pub(crate) no_expires: bool,
    /// The rate limit in requests per minute
    #[arg(long, allow_negative_numbers = true, conflicts_with = "default_rate_limit")]
    pub(crate) rate_limit: Option<i64>,
    /// Uses the rate limit of the plan
    #[arg(long)]
    pub(crate) default_rate_limit: bool,
}

/// The filters of the audit log.
#[derive(Debug, Args)]
pub(crate) struct EventFilter {
    /// Only events of the key with this id, which may be deleted
    #[arg(long = "key", value_name = "ID")]
    pub(crate) key_id: Option<String>,
    /// Only events with this action, such as key.updated
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only events from this time on, in RFC 3339
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Only events before this time, in RFC 3339
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// The maximum number of events
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// The range and the step of the usage.
#[derive(Debug, Args)]
pub(crate) struct UsageRange {
    /// The length of each point: an hour or a UTC day
    #[arg(long, default_value = "hour", value_parser = ["hour", "day"])]
    pub(crate) step: String,
    /// The start of the range, in RFC 3339 [default: 24 hours or 30 days ago]
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// The end of the range, in RFC 3339 [default: now]
    #[arg(long)]
    pub(crate) until: Option<String>,
}

/// Parses the address of a service and removes trailing slashes.
fn address(text: &str) -> Result<String, &'static str> {
    let host = text.strip_prefix("http://").ok_or("must begin with http:// (TLS is not supported)")?;
    let host = host.trim_end_matches('/');
    if host.is_empty() { Err("must name a host") } else { Ok(format!("http://{host}")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definition_of_the_arguments_is_valid() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn address_must_begin_with_http_and_name_a_host() {
        assert_eq!(address("http://h:1/"), Ok("http://h:1".to_owned()));
        assert_eq!(address("http://h/below"), Ok("http://h/below".to_owned()));
        for bad in ["", "h:1", "https://h", "http://", "http:///"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn edit_needs_at_least_one_change_and_no_conflicting_changes() {
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
