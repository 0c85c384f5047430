//! A strict reader of JSON objects. Repeated and unknown members are errors, and all errors are reported
//! together.

use std::{borrow::Cow, collections::HashMap, fmt};

use apikeys_core::http::FieldError;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    ManageErrorCode,
    api_error::ApiError,
    client_text::{is_long, shown_name},
};

/// The deepest accepted nesting of arrays and objects.
const MAX_DEPTH: usize = 128;

/// The members of a JSON object, in the order of the body.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    members: Vec<Member<'a>>,
    /// The errors, each with the index of its member, by which the errors are sorted.
    errors: Vec<(usize, FieldError)>,
}

#[derive(Debug)]
struct Member<'a> {
    name: String,
    value: Value<'a>,
    repeated: bool,
    taken: bool,
}

/// The value of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// The text of a number as it was sent, such as `60`, `60.0` or `6e1`.
    Number(&'a str),
    Text(String),
    /// An array or an object.
    Nested,
}

impl<'a> Object<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body).map_err(|_| ManageErrorCode::MalformedJson)?;
        let whole: &RawValue = read(text)?;
        if depth(text) > MAX_DEPTH {
            return Err(ApiError::detailed(
                ManageErrorCode::MalformedJson,
                "The body is nested more than 128 levels deep.",
            ));
        }
        if !whole.get().starts_with('{') {
            return Err(ApiError::invalid(vec![FieldError::of_body("must be an object")]));
        }
        let list: MemberList<'a> = read(text)?;
        let mut places = HashMap::with_capacity(list.0.len());
        let mut members: Vec<Member<'a>> = Vec::with_capacity(list.0.len());
        for (name, raw) in list.0 {
            let value = Value::parse(raw.get()).map_err(|error| malformed(text, raw.get(), &error))?;
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(first) => first.repeated = true,
                None => members.push(Member { name, value, repeated: false, taken: false }),
            }
        }
        Ok(Self { members, errors: Vec::new() })
    }

    /// Reads the member `name` with `read`. Returns `None` if the member is absent. Adds an error and returns
    /// `None` if the member is repeated or invalid.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value<'a>) -> Result<T, Cow<'static, str>>,
    ) -> Option<T> {
        let (place, member) = self.members.iter_mut().enumerate().find(|(_, member)| member.name == name)?;
        member.taken = true;
        let result = if member.repeated { Err("appears more than once".into()) } else { read(&member.value) };
        result.map_err(|detail| self.errors.push((place, FieldError::of_member(name, detail)))).ok()
    }

    /// Adds an error if the member `name` is absent.
    pub(crate) fn require(&mut self, name: &str) {
        if !self.members.iter().any(|member| member.name == name) {
            self.errors.push((usize::MAX, FieldError::of_member(name, "is required")));
        }
    }

    /// Ends the reading of the object. Every member that was not read is an error.
    ///
    /// # Errors
    ///
    /// Returns all errors.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        let unknown = self.members.iter().enumerate().filter(|(_, member)| !member.taken);
        let unknown = unknown.map(|(place, member)| (place, unknown_member(&member.name)));
        self.errors.extend(unknown);
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by_key(|(place, _)| *place);
        Err(ApiError::invalid(self.errors.into_iter().map(|(_, error)| error).collect()))
    }
}

impl<'a> Value<'a> {
    /// Reads a value of valid JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is a string with half a surrogate pair.
    fn parse(raw: &'a str) -> serde_json::Result<Self> {
        Ok(match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(serde_json::from_str(raw)?),
            Some(b'[' | b'{') => Self::Nested,
            _ => Self::Number(raw),
        })
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|error| malformed(text, text, &error))
}

/// Creates the error for `error`, which occurred in `part`. `part` is a slice of `body`.
fn malformed(body: &str, part: &str, error: &serde_json::Error) -> ApiError {
    let start = part.as_ptr().addr().saturating_sub(body.as_ptr().addr());
    let before = body.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + error.line();
    let column = match error.line() {
        1 => before.len() - before.rfind('\n').map_or(0, |end| end + 1) + error.column(),
        _ => error.column(),
    };
    let detail = ManageErrorCode::MalformedJson.detail();
    let detail = format!("{detail} Syntax error at line {line}, column {column}.");
    ApiError::detailed(ManageErrorCode::MalformedJson, detail)
}

/// Creates the error of an unknown member. The error of a long name does not repeat the name.
fn unknown_member(name: &str) -> FieldError {
    if is_long(name) {
        FieldError::of_body(format!("unknown member \"{}\"", shown_name(name)))
    } else {
        FieldError::of_member(name, "unknown member")
    }
}

/// Returns how deeply arrays and objects are nested in valid JSON.
fn depth(text: &str) -> usize {
    let (mut deepest, mut depth, mut quoted, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// All members in the order of the body, including repeated members.
struct MemberList<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for MemberList<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MemberVisitor;

        impl<'de> Visitor<'de> for MemberVisitor {
            type Value = MemberList<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(MemberList(members))
            }
        }

        deserializer.deserialize_map(MemberVisitor)
    }
}

#[cfg(test)]
mod tests {
    use apikeys_core::http::Wording;

    use super::*;

    fn code(body: &[u8]) -> ManageErrorCode {
        Object::parse(body).and_then(Object::finish).unwrap_err().code()
    }

    fn problem(error: ApiError) -> serde_json::Value {
        serde_json::from_slice(&error.into_response(&Wording::default()).body).unwrap()
    }

    #[test]
    fn parse_invalid_json_is_malformed() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(128), "]".repeat(128));
        for bad in [
            &b""[..],
            b" ",
            b"{",
            b"{}}",
            b"{} {}",
            b"{} x",
            b"{\"a\":}",
            b"{\"a\":1,}",
            b"{a:1}",
            b"{'a':1}",
            b"{\"a\":01}",
            b"{\"a\":+1}",
            b"{\"a\":.5}",
            b"{\"a\":NaN}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\\x\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"\\ud800\":1}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1}\0",
            b"nul",
            deep.as_bytes(),
        ] {
            assert_eq!(code(bad), ManageErrorCode::MalformedJson, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn parse_value_other_than_an_object_is_invalid_at_the_root() {
        let deepest = format!("{}{}", "[".repeat(128), "]".repeat(128));
        for bad in ["null", "1", "1e999", "\"a\"", "[]", "true", &deepest] {
            let Err(error) = Object::parse(bad.as_bytes()) else { panic!("{bad}") };
            let problem = problem(error);
            assert_eq!(problem["errors"][0]["pointer"], "", "{bad}");
        }
    }

    #[test]
    fn finish_lists_errors_in_the_order_of_the_body_once_per_member() {
        let body = br#"{"x~/y":[[{}]],"b":1,"a":2,"b":3,"x~/y":4,"c":"\u00e9","d":1e999}"#;
        let mut object = Object::parse(body).unwrap();
        assert_eq!(object.take("c", |value| Ok(value.clone())), Some(Value::Text("é".into())));
        assert_eq!(object.take("d", |value| Ok(value.clone())), Some(Value::Number("1e999")));
        assert_eq!(object.take("b", |_| Ok(())), None);
        assert_eq!(object.take("missing", |_| Ok(())), None);
        object.require("missing");
        object.require("a");
        let problem = problem(object.finish().unwrap_err());
        let pointers: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(pointers, ["/x~0~1y", "/b", "/a", "/missing"]);
    }

    #[test]
    fn finish_shows_only_the_beginning_of_a_long_unknown_name() {
        let name = "é".repeat(5_000);
        let object = Object::parse(format!("{{\"{name}\":1}}").as_bytes()).unwrap().finish();
        let problem = problem(object.unwrap_err());
        assert_eq!(problem["errors"][0]["pointer"], "");
        assert_eq!(problem["errors"][0]["detail"], "unknown member \"éééééé…\"");
    }

    /// The oracle is a reader that decodes the strings of the whole body.
    #[test]
    fn parse_half_a_surrogate_pair_is_reported_at_its_position_in_the_body() {
        let filler = "\n  \"filler\": [1, 2, {}],".repeat(500);
        for body in [
            format!("{{{filler}\n\n  \"name\":\t\"a\\ud800\"\n}}"),
            format!("{{\"é\": 1e999, \"é\": \"é\",{filler} \"name\": \"\\udc00\", \"x\": 1}}"),
            "{\"name\":\"\\ud800\"}".to_owned(),
        ] {
            let at = body.find("\\ud").unwrap();
            let line = body[..at].matches('\n').count() + 1;
            let problem = problem(Object::parse(body.as_bytes()).unwrap_err());
            let detail = problem["detail"].as_str().unwrap();
            let (_, position) = detail.split_once("Syntax error at ").unwrap();
            let body = body.replace("1e999", "19999");
            let oracle = serde_json::from_str::<serde_json::Value>(&body).unwrap_err();
            assert_eq!(oracle.line(), line, "{oracle}");
            assert_eq!(position, format!("line {line}, column {}.", oracle.column()));
        }
    }
}
