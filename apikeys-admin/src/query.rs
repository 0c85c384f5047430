use apikeys_core::{KeyId, Timestamp, audit::Action, store::UsageStep};

use crate::{
    ManageErrorCode,
    api_error::ApiError,
    client_text::shown_name,
    parameter::{ACTION, CURSOR, KEY_ID, LIMIT, Parameter, SINCE, STEP, UNTIL},
};

/// The parameters of a query. Each of them is known and appears once.
#[derive(Debug)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    pub(crate) fn parse(text: Option<&str>, parameters: &'static [Parameter]) -> Result<Self, ApiError> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown(&name, parameters));
            };
            if found.iter().any(|(other, _)| *other == parameter.name) {
                return Err(invalid(format!("{} appears more than once in the query.", parameter.name)));
            }
            found.push((parameter.name, value.into_owned()));
        }
        Ok(Self(found))
    }

    /// Returns the maximum number of entries of a page. The default is 50.
    pub(crate) fn limit(&self) -> Result<u32, ApiError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let read = |text: &str| text.parse().ok().filter(|limit| digits(text) && (1..=100).contains(limit));
        Ok(self.read(LIMIT.name, read, "a whole number from 1 to 100")?.unwrap_or(50))
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.get(CURSOR.name)
    }

    pub(crate) fn key_id(&self) -> Result<Option<KeyId>, ApiError> {
        self.read(KEY_ID.name, |text| text.parse().ok(), "the id of a key")
    }

    pub(crate) fn action(&self) -> Result<Option<Action>, ApiError> {
        let texts: Vec<_> = Action::ALL.iter().map(Action::as_str).collect();
        self.read(ACTION.name, |text| text.parse().ok(), &format!("one of {}", texts.join(", ")))
    }

    pub(crate) fn since(&self) -> Result<Option<Timestamp>, ApiError> {
        self.time(SINCE.name)
    }

    pub(crate) fn until(&self) -> Result<Option<Timestamp>, ApiError> {
        self.time(UNTIL.name)
    }

    /// Returns the step of a usage query. The default is an hour.
    pub(crate) fn step(&self) -> Result<UsageStep, ApiError> {
        let read = |text: &str| match text {
            "hour" => Some(UsageStep::Hour),
            "day" => Some(UsageStep::Day),
            _ => None,
        };
        Ok(self.read(STEP.name, read, "hour or day")?.unwrap_or(UsageStep::Hour))
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, ApiError> {
        let wanted = "an RFC 3339 time, such as 2030-01-31T00:00:00Z, with + written as %2B";
        self.read(name, |text| text.parse().ok(), wanted)
    }

    fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
        wanted: &str,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| invalid(format!("{name} must be {wanted}.")))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

/// Creates the error `INVALID_QUERY` with this detail.
pub(crate) fn invalid(detail: String) -> ApiError {
    ApiError::detailed(ManageErrorCode::InvalidQuery, detail)
}

fn unknown(name: &str, parameters: &[Parameter]) -> ApiError {
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
    let accepted = if names.is_empty() { "no parameters".to_owned() } else { names.join(", ") };
    invalid(format!(
        "The query parameter \"{}\" is unknown. This endpoint accepts {accepted}.",
        shown_name(name)
    ))
}

#[cfg(test)]
mod tests {
    use apikeys_core::http::Wording;

    use super::*;

    const ALL: &[Parameter] = &[LIMIT, CURSOR, KEY_ID, ACTION, SINCE, UNTIL, STEP];

    fn detail(error: ApiError) -> String {
        let body = error.into_response(&Wording::default()).body;
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()["detail"].as_str().unwrap().to_owned()
    }

    fn refused<T>(text: &str, read: impl FnOnce(&Query) -> Result<T, ApiError>) -> bool {
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
    fn unknown_parameter_is_named_in_the_error() {
        let named = |text: &str, parameters| detail(Query::parse(Some(text), parameters).unwrap_err());
        assert_eq!(
            named("limit=1&sort=name", &[LIMIT, CURSOR]),
            "The query parameter \"sort\" is unknown. This endpoint accepts limit, cursor."
        );
        assert_eq!(
            named("x%1b%E2%80%AE=1", &[]),
            "The query parameter \"x\u{fffd}\u{fffd}\" is unknown. This endpoint accepts no parameters."
        );
        let longest = "é".repeat(32);
        assert!(named(&format!("{longest}=1"), &[]).contains(&format!("\"{longest}\"")));
        assert!(named(&format!("{longest}x=1"), &[]).contains("\"éééééé…\""));
        assert!(named(&"x".repeat(1_000_000), &[]).len() < 100);
    }

    #[test]
    fn error_of_an_invalid_action_lists_all_actions() {
        let query = Query::parse(Some("action=deleted"), ALL).unwrap();
        let detail = detail(query.action().unwrap_err());
        assert!(detail.starts_with("action must be one of key.created, "), "{detail}");
        assert!(Action::ALL.iter().all(|action| detail.contains(action.as_str())), "{detail}");
    }

    #[test]
    fn invalid_values_of_parameters_are_errors() {
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
