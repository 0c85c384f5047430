//! A strict reader of JSON objects: repeated and unknown members are errors, and all errors are
//! reported together.

use std::{borrow::Cow, collections::HashMap, fmt};

use apikeys_core::http::FieldError;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{ManageErrorCode, api_error::ApiError};

/// The deepest accepted nesting of arrays and objects.
const MAX_DEPTH: usize = 128;

/// The members of a JSON object, in the order of the body.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    members: Vec<Member<'a>>,
    /// Each error with the index of its member, to sort the errors by the order of the body.
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
    /// The digits as they were sent: `60`, `60.0` and `6e1` differ.
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
        let listed: Listed<'a> = read(text)?;
        let mut places = HashMap::with_capacity(listed.0.len());
        let mut members: Vec<Member<'a>> = Vec::with_capacity(listed.0.len());
        for (name, raw) in listed.0 {
            let value = Value::parse(raw.get())?;
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(first) => first.repeated = true,
                None => members.push(Member { name, value, repeated: false, taken: false }),
            }
        }
        Ok(Self { members, errors: Vec::new() })
    }

    /// Reads the member `name` with `read`. Returns `None` if the member is absent, and also if it is
    /// repeated or invalid, which adds an error.
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

    /// Returns all errors, among them one for every member that was not read.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        let unknown = self.members.iter().enumerate().filter(|(_, member)| !member.taken);
        let unknown =
            unknown.map(|(place, member)| (place, FieldError::of_member(&member.name, "unknown member")));
        self.errors.extend(unknown);
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by_key(|(place, _)| *place);
        Err(ApiError::invalid(self.errors.into_iter().map(|(_, error)| error).collect()))
    }
}

impl<'a> Value<'a> {
    /// Reads a value of valid JSON. A string with half a surrogate pair is malformed.
    fn parse(raw: &'a str) -> Result<Self, ApiError> {
        Ok(match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(read(raw)?),
            Some(b'[' | b'{') => Self::Nested,
            _ => Self::Number(raw),
        })
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!(
            "{} Syntax error at line {line}, column {column}.",
            ManageErrorCode::MalformedJson.detail()
        );
        ApiError::detailed(ManageErrorCode::MalformedJson, detail)
    })
}

/// Returns the depth of nesting of valid JSON.
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

/// All members in order. A map would lose repeated members.
struct Listed<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Listed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Listed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut listed = Vec::new();
                while let Some(member) = map.next_entry()? {
                    listed.push(member);
                }
                Ok(Listed(listed))
            }
        }

        deserializer.deserialize_map(InOrder)
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
    fn parse_other_value_than_object_is_invalid_at_the_root() {
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
}
