use std::borrow::Cow;

use apikeys_core::{KeyName, KeyPatch, NewKey, RateLimit, Timestamp, http::FieldError};
use schemars::JsonSchema;

use super::schema;
use crate::{
    api_error::ApiError,
    strict_json::{Object, Value},
};

/// The body that creates a key.
#[derive(Debug, PartialEq, Eq, JsonSchema)]
#[schemars(rename = "NewKey", deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    #[schemars(with = "schema::Name")]
    pub(crate) name: KeyName,
    /// The time from which on the key does not work. The time must be in the future. If the member is absent
    /// or null, the key does not expire.
    #[schemars(with = "Option<schema::Time>")]
    expires_at: Option<Timestamp>,
    /// The rate limit in requests per minute. If the member is absent or null, the plan's limit applies.
    #[schemars(with = "Option<schema::Limit>")]
    rate_limit: Option<RateLimit>,
}

/// The body that changes a key. A member that is absent is not changed.
#[derive(Debug, PartialEq, Eq, JsonSchema)]
#[schemars(rename = "KeyPatch", deny_unknown_fields, transform = schema::nothing_required)]
pub(crate) struct KeyPatchBody {
    #[schemars(with = "schema::Name")]
    name: Option<KeyName>,
    /// The time from which on the key does not work. The time must be in the future. If the member is null, the
    /// key does not expire. A key that has expired works again after this change.
    #[schemars(with = "Option<schema::Time>")]
    expires_at: Option<Option<Timestamp>>,
    /// The rate limit in requests per minute. If the member is null, the plan's limit applies.
    #[schemars(with = "Option<schema::Limit>")]
    rate_limit: Option<Option<RateLimit>>,
    /// `true` activates the key. `false` deactivates it.
    #[schemars(with = "bool")]
    active: Option<bool>,
}

impl NewKeyBody {
    /// Reads a body. An expiration date that is not later than `now` is invalid.
    pub(crate) fn parse(body: &[u8], now: Timestamp) -> Result<Self, ApiError> {
        let mut object = Object::parse(body)?;
        let name = object.take("name", name);
        object.require("name");
        let expires_at = object.take("expires_at", |value| expires_at(value, now)).flatten();
        let rate_limit = object.take("rate_limit", rate_limit).flatten();
        object.finish()?;
        // This error cannot occur, because `finish` has reported a missing name.
        let name =
            name.ok_or_else(|| ApiError::invalid(vec![FieldError::of_member("name", "is required")]))?;
        Ok(Self { name, expires_at, rate_limit })
    }
}

impl KeyPatchBody {
    /// Reads a body. An expiration date that is not later than `now` is invalid.
    pub(crate) fn parse(body: &[u8], now: Timestamp) -> Result<Self, ApiError> {
        let mut object = Object::parse(body)?;
        let patch = Self {
            name: object.take("name", name),
            expires_at: object.take("expires_at", |value| expires_at(value, now)),
            rate_limit: object.take("rate_limit", rate_limit),
            active: object.take("active", active),
        };
        object.finish()?;
        Ok(patch)
    }
}

impl From<NewKeyBody> for NewKey {
    fn from(body: NewKeyBody) -> Self {
        let mut new = Self::from(body.name);
        if let Some(at) = body.expires_at {
            new = new.expires_at(at);
        }
        if let Some(limit) = body.rate_limit {
            new = new.rate_limit(limit);
        }
        new
    }
}

impl From<KeyPatchBody> for KeyPatch {
    fn from(body: KeyPatchBody) -> Self {
        let mut patch = Self::new();
        if let Some(name) = body.name {
            patch = patch.name(name);
        }
        patch = match body.expires_at {
            Some(Some(at)) => patch.expires_at(at),
            Some(None) => patch.no_expiry(),
            None => patch,
        };
        patch = match body.rate_limit {
            Some(Some(limit)) => patch.rate_limit(limit),
            Some(None) => patch.default_rate_limit(),
            None => patch,
        };
        match body.active {
            Some(active) => patch.active(active),
            None => patch,
        }
    }
}

/// The value of a member, or the reason why it is invalid.
type MemberResult<T> = Result<T, Cow<'static, str>>;

fn name(value: &Value<'_>) -> MemberResult<KeyName> {
    match value {
        Value::Text(text) => KeyName::new(text).map_err(|error| error.reason().into()),
        _ => Err("must be a string".into()),
    }
}

fn expires_at(value: &Value<'_>, now: Timestamp) -> MemberResult<Option<Timestamp>> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => match text.parse() {
            Ok(at) if at > now => Ok(Some(at)),
            Ok(_) => Err("must be in the future".into()),
            Err(_) => Err("must be an RFC 3339 time, such as 2030-01-31T00:00:00Z".into()),
        },
        _ => Err("must be an RFC 3339 time, or null".into()),
    }
}

/// Reads a whole number in plain digits. Rejects `60.0` and `6e1`.
fn rate_limit(value: &Value<'_>) -> MemberResult<Option<RateLimit>> {
    match value {
        Value::Null => Ok(None),
        Value::Number(digits) => {
            let number = digits.parse::<i64>().ok().and_then(|number| RateLimit::try_from(number).ok());
            number.map(Some).ok_or_else(|| "must be a whole number from 1 to 10000".into())
        }
        _ => Err("must be a whole number from 1 to 10000, or null".into()),
    }
}

fn active(value: &Value<'_>) -> MemberResult<bool> {
    match value {
        Value::Bool(active) => Ok(*active),
        _ => Err("must be true or false".into()),
    }
}

#[cfg(test)]
mod tests {
    use apikeys_core::http::Wording;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

    fn pointers(result: Result<impl std::fmt::Debug, ApiError>) -> Vec<String> {
        let problem = result.unwrap_err().into_response(&Wording::default());
        let problem: serde_json::Value = serde_json::from_slice(&problem.body).unwrap();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn rate_limit_must_be_a_whole_number_from_1_to_10_000() {
        for bad in [
            "0",
            "-0",
            "-1",
            "10001",
            "60.0",
            "1e2",
            "1E2",
            "0.5",
            "1e999",
            "-1e999",
            "18446744073709551616",
            "99999999999999999999999999999999999999999",
            "4294967356",
            "\"60\"",
            "true",
            "[]",
            "{}",
            "[60]",
        ] {
            let body = format!(r#"{{"name":"n","rate_limit":{bad}}}"#);
            assert_eq!(pointers(NewKeyBody::parse(body.as_bytes(), NOW)), ["/rate_limit"], "{bad}");
            assert_eq!(pointers(KeyPatchBody::parse(body.as_bytes(), NOW)), ["/rate_limit"], "{bad}");
        }
        for good in [1, 60, 10_000] {
            let body = format!(r#"{{"name":"n","rate_limit":{good}}}"#);
            let parsed = NewKeyBody::parse(body.as_bytes(), NOW).unwrap();
            assert_eq!(parsed.rate_limit, Some(RateLimit::per_minute(good).unwrap()));
        }
    }

    #[test]
    fn expires_at_must_be_in_the_future() {
        for bad in [
            "\"2030-01-01T00:00:00Z\"",
            "\"2030-01-01T01:00:00+01:00\"",
            "\"2029-12-31T23:59:59.999999Z\"",
            "\"2031-01-01\"",
            "\"2031-02-30T00:00:00Z\"",
            "\"tomorrow\"",
            "\"\"",
            "\"10000-01-01T00:00:00Z\"",
            "1924992000",
            "true",
            "[]",
            "{}",
        ] {
            let body = format!(r#"{{"name":"n","expires_at":{bad}}}"#);
            assert_eq!(pointers(NewKeyBody::parse(body.as_bytes(), NOW)), ["/expires_at"], "{bad}");
            assert_eq!(pointers(KeyPatchBody::parse(body.as_bytes(), NOW)), ["/expires_at"], "{bad}");
        }
        let body = br#"{"name":"n","expires_at":"2030-01-01T00:00:00.000001Z"}"#;
        let parsed = NewKeyBody::parse(body, NOW).unwrap();
        assert_eq!(parsed.expires_at.unwrap().as_micros(), NOW.as_micros() + 1);
    }

    #[test]
    fn null_clears_expiry_and_limit_only() {
        let cleared = KeyPatchBody::parse(br#"{"expires_at":null,"rate_limit":null}"#, NOW).unwrap();
        assert_eq!((cleared.expires_at, cleared.rate_limit), (Some(None), Some(None)));
        let empty = KeyPatchBody::parse(b"{}", NOW).unwrap();
        assert_eq!(empty, KeyPatchBody { name: None, expires_at: None, rate_limit: None, active: None });
        assert_eq!(
            pointers(KeyPatchBody::parse(br#"{"name":null,"active":null}"#, NOW)),
            ["/name", "/active"]
        );
        let new = NewKeyBody::parse(br#"{"name":" n ","expires_at":null,"rate_limit":null}"#, NOW).unwrap();
        assert_eq!((new.name.as_str(), new.expires_at, new.rate_limit), ("n", None, None));
    }

    #[test]
    fn all_invalid_members_are_listed() {
        let body = br#"{"rate_limit":0,"org":"o","expires_at":"x","rate_limit":1,"active":1,"a/b":1}"#;
        assert_eq!(
            pointers(NewKeyBody::parse(body, NOW)),
            ["/rate_limit", "/org", "/expires_at", "/active", "/a~1b", "/name"]
        );
        assert_eq!(
            pointers(KeyPatchBody::parse(body, NOW)),
            ["/rate_limit", "/org", "/expires_at", "/active", "/a~1b"]
        );
        let names = [
            "\"\"",
            "\"  \"",
            "1",
            "null",
            "\"a\\u0000b\"",
            "\"a\\nb\"",
            &format!("\"{}\"", "é".repeat(101)),
        ];
        for bad in names {
            let body = format!(r#"{{"name":{bad},"rate_limit":60.5}}"#);
            assert_eq!(pointers(NewKeyBody::parse(body.as_bytes(), NOW)), ["/name", "/rate_limit"], "{bad}");
        }
    }
}
