use apikeys_core::{KeyId, Timestamp, audit::Action, store::UsageStep};
use schemars::{Schema, SchemaGenerator};

use crate::{ManageErrorCode, body::schema, call_error::CallError};

/// A query parameter of a call.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

pub(crate) const LIMIT: Parameter = Parameter {
    name: "limit",
    description: "The maximum number of entries in the response.",
    schema: SchemaGenerator::subschema_for::<schema::PageSize>,
};
pub(crate) const CURSOR: Parameter = Parameter {
    name: "cursor",
    description: "The `next_cursor` of the previous page, which must have had the same filters.",
    schema: SchemaGenerator::subschema_for::<schema::Cursor>,
};
pub(crate) const KEY_ID: Parameter = Parameter {
    name: "key_id",
    description: "Only events of this key, which may be deleted. An unknown key has no events.",
    schema: SchemaGenerator::subschema_for::<schema::Id>,
};
pub(crate) const ACTION: Parameter = Parameter {
    name: "action",
    description: "Only events with this action.",
    schema: SchemaGenerator::subschema_for::<schema::ActionName>,
};
pub(crate) const SINCE: Parameter = Parameter {
    name: "since",
    description: "Only from this time on.",
    schema: SchemaGenerator::subschema_for::<schema::Time>,
};
pub(crate) const UNTIL: Parameter = Parameter {
    name: "until",
    description: "Only before this time.",
    schema: SchemaGenerator::subschema_for::<schema::Time>,
};
pub(crate) const STEP: Parameter = Parameter {
    name: "step",
    description: "The length of each point: an hour or a UTC day.",
    schema: SchemaGenerator::subschema_for::<schema::Step>,
};

/// A query with known parameters only, each at most once.
#[derive(Debug)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    pub(crate) fn parse(text: Option<&str>, parameters: &'static [Parameter]) -> Result<Self, CallError> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown(parameters));
            };
            if found.iter().any(|(other, _)| *other == parameter.name) {
                return Err(invalid(format!("{} appears more than once in the query.", parameter.name)));
            }
            found.push((parameter.name, value.into_owned()));
        }
        Ok(Self(found))
    }

    /// The page size; the default is 50.
    pub(crate) fn limit(&self) -> Result<u32, CallError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let read = |text: &str| text.parse().ok().filter(|limit| digits(text) && (1..=100).contains(limit));
        Ok(self.read(LIMIT.name, read, "a whole number from 1 to 100")?.unwrap_or(50))
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.get(CURSOR.name)
    }

    pub(crate) fn key_id(&self) -> Result<Option<KeyId>, CallError> {
        self.read(KEY_ID.name, |text| text.parse().ok(), "the id of a key")
    }

    pub(crate) fn action(&self) -> Result<Option<Action>, CallError> {
        self.read(ACTION.name, |text| text.parse().ok(), "an action such as key.created")
    }

    pub(crate) fn since(&self) -> Result<Option<Timestamp>, CallError> {
        self.time(SINCE.name)
    }

    pub(crate) fn until(&self) -> Result<Option<Timestamp>, CallError> {
        self.time(UNTIL.name)
    }

    /// The step of a usage query; the default is an hour.
    pub(crate) fn step(&self) -> Result<UsageStep, CallError> {
        let read = |text: &str| match text {
            "hour" => Some(UsageStep::Hour),
            "day" => Some(UsageStep::Day),
            _ => None,
        };
        Ok(self.read(STEP.name, read, "hour or day")?.unwrap_or(UsageStep::Hour))
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, CallError> {
        let wanted = "an RFC 3339 time such as 2030-01-31T00:00:00Z, with + written as %2B";
        self.read(name, |text| text.parse().ok(), wanted)
    }

    fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
        wanted: &'static str,
    ) -> Result<Option<T>, CallError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| invalid(format!("{name} must be {wanted}.")))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

/// Creates an `INVALID_QUERY` error with this detail.
pub(crate) fn invalid(detail: String) -> CallError {
    CallError::detailed(ManageErrorCode::InvalidQuery, detail)
}

fn unknown(parameters: &[Parameter]) -> CallError {
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
    invalid(match &*names {
        [] => "This call takes no parameters.".to_owned(),
        names => format!("This call takes only these parameters: {}.", names.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Parameter] = &[LIMIT, CURSOR, KEY_ID, ACTION, SINCE, UNTIL, STEP];

    fn refused<T>(text: &str, read: impl FnOnce(&Query) -> Result<T, CallError>) -> bool {
        match Query::parse(Some(text), ALL).and_then(|query| read(&query)) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.code(), ManageErrorCode::InvalidQuery);
                true
            }
        }
    }

    #[test]
    fn limit_must_be_a_whole_number_from_1_to_100() {
        let limit = |text| Query::parse(Some(text), ALL).unwrap().limit().ok();
        assert_eq!((limit(""), limit("limit=1"), limit("limit=100")), (Some(50), Some(1), Some(100)));
        for bad in ["", "0", "101", "-1", "%2B5", "5.0", "1e1", "99999999999", "five", "5%00", "\u{665}"] {
            assert!(refused(&format!("limit={bad}"), Query::limit), "{bad}");
        }
    }

    #[test]
    fn unknown_and_repeated_parameters_are_invalid() {
        for bad in [
            "x=1",
            "Limit=1",
            "limit",
            "limit=1&limit=1",
            "limit=1&limi%74=1",
            "cursor=a&cursor=b",
            "=",
            "org=o",
        ] {
            assert!(refused(bad, Query::limit), "{bad}");
        }
        assert!(Query::parse(Some("limit=1"), &[]).is_err());
        for good in [None, Some(""), Some("&"), Some("&&limi%74=7&")] {
            assert!(Query::parse(good, ALL).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn invalid_values_of_parameters_are_refused() {
        assert!(refused("key_id=x", Query::key_id));
        assert!(refused("key_id=", Query::key_id));
        assert!(refused("action=key.exploded", Query::action));
        assert!(refused("since=2030-01-01", Query::since));
        assert!(refused("until=2030-01-01T00:00:00+01:00", Query::until), "an unescaped + means a space");
        assert!(refused("step=week", Query::step));
        let query =
            Query::parse(Some("until=2030-01-01T00:00:00%2B01:00&since=2029-12-31T23:00:00Z"), ALL).unwrap();
        assert_eq!(query.since().unwrap(), query.until().unwrap());
    }
}
