//! Schemas of values whose types belong to `apikeys-core`.

use std::borrow::Cow;

use apikeys_core::{
    DenialCode, KeyName, RateLimit,
    audit::{Action, Outcome},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::ManageErrorCode;

macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

schemas! {
    Id = json_schema!({ "type": "string", "pattern": "^[a-z2-7]{26}$" });
    /// A time in RFC 3339. Responses use UTC. Requests may use any offset.
    Time = json_schema!({ "type": "string", "format": "date-time" });
    Name = json_schema!({
        "type": "string",
        "minLength": 1,
        "description": format!(
            "1 to {} printable characters. White space at the beginning and the end is removed.",
            KeyName::MAX_CHARS,
        ),
    });
    Limit = json_schema!({ "type": "integer", "minimum": 1, "maximum": RateLimit::MAX.requests() });
    Status = json_schema!({ "type": "string", "enum": ["active", "deactivated", "expired"] });
    /// An action to filter by.
    ActionName = json_schema!({ "type": "string", "enum": texts(Action::ALL) });
    EventAction = open_set("The kind of event", &texts(Action::ALL));
    EventOutcome = open_set(
        "The outcome of the request. `answered` means that the service returned a response. `aborted` means that \
         the request ended without a response. `started` means that the request has not ended",
        &texts(Outcome::ALL),
    );
    EventDenial =
        open_set("The code of the denial. Absent if the request was not denied", &texts(&recorded_denials()));
    Code = json_schema!({ "type": "string", "enum": texts(&codes()) });
    HttpStatus = json_schema!({ "type": "integer", "minimum": 100, "maximum": 999 });
    PageSize = json_schema!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 });
    Cursor = json_schema!({ "type": "string" });
    Step = json_schema!({ "type": "string", "enum": ["hour", "day"], "default": "hour" });
    /// The old and the new values, by the names of the members.
    Changes = json_schema!({
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": ["from", "to"],
            "properties": { "from": change_value(), "to": change_value() },
        },
    });
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// Returns the codes of the API, which are all but `UNKNOWN_PLAN`, because no endpoint sets plans.
fn codes() -> Vec<ManageErrorCode> {
    ManageErrorCode::ALL.iter().copied().filter(|code| *code != ManageErrorCode::UnknownPlan).collect()
}

/// Returns the codes that events can have. The other codes are for requests without a known key, which are not
/// recorded.
fn recorded_denials() -> Vec<DenialCode> {
    let unknown_key = [DenialCode::Missing, DenialCode::Ambiguous, DenialCode::Invalid];
    DenialCode::ALL.iter().filter(|code| !unknown_key.contains(code)).cloned().collect()
}

/// Returns the schema of a text in a response. The schema accepts every text, because a newer version of the
/// library may have stored a text that is not in `known`.
fn open_set(what: &str, known: &[String]) -> Schema {
    let known: Vec<_> = known.iter().map(|text| format!("`{text}`")).collect();
    let known = known.join(", ");
    json_schema!({
        "type": "string",
        "description": format!("{what}. The known values are {known}. Later versions can add values."),
    })
}

/// Returns the schema of a value in a change. The schema accepts every value, because a newer version of the
/// library may have stored a value of another kind.
fn change_value() -> serde_json::Value {
    json!({ "description": "A string, an integer, a boolean or null. Later versions can add other kinds of values." })
}

/// Makes every member of a body optional.
pub(crate) fn nothing_required(schema: &mut Schema) {
    schema.remove("required");
}
