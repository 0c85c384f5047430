//! Checks requests and responses of the management API against its OpenAPI document. Every function panics on an error,
//! and the test then fails.

#![allow(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeMap, fmt};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The OpenAPI document of the management API. The operation of a request is found in the document, without the code
/// that dispatches requests.
#[derive(Debug)]
pub struct Document {
    /// The document itself.
    pub json: Value,
    calls: Vec<DocumentedCall>,
    problem: Validator,
}

/// A request and its response.
pub struct Exchange<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The path below the mount, such as `/api/keys`, without the query.
    pub path: &'a str,
    /// The request's body.
    pub sent: &'a [u8],
    /// The response's status.
    pub status: u16,
    /// Returns the response's header with a name in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The response's body.
    pub body: &'a [u8],
}

#[derive(Debug)]
struct DocumentedCall {
    method: String,
    template: Vec<String>,
    body: Option<Validator>,
    answers: BTreeMap<u16, DocumentedAnswer>,
}

#[derive(Debug)]
struct DocumentedAnswer {
    media_type: Option<String>,
    schema: Option<Validator>,
    required_headers: Vec<String>,
}

impl Document {
    /// Reads a document.
    #[must_use]
    pub fn read(document: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(document).unwrap();
        let mut strict = json.clone();
        // A response must have no member that the document does not describe.
        for schema in strict["components"]["schemas"].as_object_mut().unwrap().values_mut() {
            schema["additionalProperties"] = json!(false);
        }
        let mut calls = Vec::new();
        for (path, methods) in json["paths"].as_object().unwrap() {
            for (method, operation) in
                methods.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters")
            {
                calls.push(DocumentedCall::read(&strict, path, method, operation));
            }
        }
        let problem = validator(&strict, &json!({ "$ref": "#/components/schemas/Problem" }));
        Self { json, calls, problem }
    }

    /// Panics unless the document allows the response to the request.
    pub fn check(&self, exchange: &Exchange<'_>) {
        let Exchange { method, path, sent, status, header, body } = *exchange;
        assert_eq!(header("cache-control"), Some("no-store"), "{exchange:?}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{exchange:?}");
        let method = if method == "HEAD" { "GET" } else { method };
        // The server leaves out the body of a response to HEAD.
        let bare = exchange.method == "HEAD" && body.is_empty();
        if status >= 400 && !bare {
            self.check_problem(exchange);
        }
        let Some(call) = self.calls.iter().find(|call| call.method == method && call.is_at(path)) else {
            assert!([401, 403, 404, 405].contains(&status), "{exchange:?}");
            return;
        };
        let Some(answer) = call.answers.get(&status) else {
            panic!("the document does not know {exchange:?}");
        };
        assert_eq!(header("content-type"), answer.media_type.as_deref(), "{exchange:?}");
        match &answer.schema {
            Some(schema) if !bare => assert_valid(schema, &exchange.json(), &format!("{exchange:?}")),
            _ => assert!(body.is_empty(), "{exchange:?}"),
        }
        for name in &answer.required_headers {
            assert!(header(&name.to_lowercase()).is_some(), "{exchange:?} has no {name}");
        }
        if let Some(schema) = call.body.as_ref().filter(|_| status < 300) {
            let body = serde_json::from_slice(sent).unwrap();
            assert_valid(schema, &body, &format!("{exchange:?} was accepted"));
        }
    }

    fn check_problem(&self, exchange: &Exchange<'_>) {
        assert_eq!((exchange.header)("content-type"), Some("application/problem+json"), "{exchange:?}");
        let problem = exchange.json();
        assert_valid(&self.problem, &problem, &format!("{exchange:?}"));
        assert_eq!(problem["status"], exchange.status, "{exchange:?}");
        let is = |code: &str| problem["code"] == code;
        assert_eq!(problem["errors"].is_array(), is("VALIDATION_FAILED"), "{exchange:?}");
        assert_eq!(problem["quota"].is_u64(), is("KEY_LIMIT_REACHED"), "{exchange:?}");
        assert_eq!(problem["used"].is_u64(), is("KEY_LIMIT_REACHED"), "{exchange:?}");
        let has = |name| (exchange.header)(name).is_some();
        assert_eq!(has("allow"), is("METHOD_NOT_ALLOWED"), "{exchange:?}");
        assert!(!has("retry-after") || is("MANAGEMENT_UNAVAILABLE"), "{exchange:?}");
    }
}

impl Exchange<'_> {
    fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or(Value::Null)
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, sent, status, body, .. } = self;
        let (sent, body) = (String::from_utf8_lossy(sent), String::from_utf8_lossy(body));
        write!(f, "{method} {path} {sent}: {status} {body}")
    }
}

impl DocumentedCall {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let answers = operation["responses"].as_object().unwrap().iter().map(|(status, response)| {
            let content = response["content"].as_object().and_then(|content| content.iter().next());
            let headers = response["headers"].as_object().into_iter().flatten();
            let required = headers.filter(|(_, header)| header["required"] == true);
            let answer = DocumentedAnswer {
                media_type: content.map(|(media_type, _)| media_type.clone()),
                schema: content.map(|(_, content)| validator(document, &content["schema"])),
                required_headers: required.map(|(name, _)| name.clone()).collect(),
            };
            (status.parse().unwrap(), answer)
        });
        Self {
            method: method.to_uppercase(),
            template: path.split('/').map(str::to_owned).collect(),
            body: body.is_object().then(|| validator(document, body)),
            answers: answers.collect(),
        }
    }

    fn is_at(&self, path: &str) -> bool {
        let segments: Vec<_> = path.split('/').collect();
        let fits = |(wanted, segment): (&String, &&str)| {
            wanted == segment || (wanted == "{id}" && !segment.is_empty())
        };
        segments.len() == self.template.len() && self.template.iter().zip(&segments).all(fits)
    }
}

/// Creates a validator of one schema of the document.
#[must_use]
pub fn validator(document: &Value, schema: &Value) -> Validator {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap()
}

/// Panics unless `json` matches the schema.
pub fn assert_valid(schema: &Validator, json: &Value, what: &str) {
    let errors: Vec<_> =
        schema.iter_errors(json).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}: {json}");
}
