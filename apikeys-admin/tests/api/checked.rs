use std::{collections::BTreeMap, sync::LazyLock};

use apikeys_admin::{AdminApi, ErrorCode};
use apikeys_core::ApiKeys;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::{Ask, Reply};

/// The document, as a judge of answers. It finds routes by itself, apart from the code that
/// dispatches them.
pub(crate) struct Document {
    pub(crate) json: Value,
    calls: Vec<DocumentedCall>,
    problem: Validator,
}

struct DocumentedCall {
    method: String,
    template: Vec<String>,
    body: Option<Validator>,
    answers: BTreeMap<u16, DocumentedAnswer>,
}

struct DocumentedAnswer {
    media_type: Option<String>,
    schema: Option<Validator>,
    headers: Vec<String>,
}

pub(crate) static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::read);

impl Document {
    fn read() -> Self {
        let api = AdminApi::new(ApiKeys::in_memory());
        let json: Value = serde_json::from_slice(&api.document("/settings/developer")).unwrap();
        let mut strict = json.clone();
        // A member that the document does not name is a mistake in an answer of ours.
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

    /// Fails the test unless the answer is one that the document allows for the request.
    pub(crate) fn check(&self, ask: &Ask, reply: &Reply) {
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{ask:?}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{ask:?}");
        if reply.status >= 400 {
            self.check_problem(ask, reply);
        }
        let method = if ask.method == "HEAD" { "GET" } else { &*ask.method };
        let Some(call) = self.calls.iter().find(|call| call.method == method && call.is_at(&ask.path)) else {
            assert!([401, 403, 404, 405].contains(&reply.status), "{ask:?} {reply:?}");
            return;
        };
        let Some(answer) = call.answers.get(&reply.status) else {
            panic!("the document does not know {ask:?} {reply:?}");
        };
        assert_eq!(reply.header("content-type"), answer.media_type.as_deref(), "{ask:?}");
        match &answer.schema {
            None => assert!(reply.body.is_empty(), "{ask:?} {reply:?}"),
            Some(schema) => assert_valid(schema, &reply.json(), &format!("{ask:?}")),
        }
        for header in &answer.headers {
            assert!(reply.header(&header.to_lowercase()).is_some(), "{ask:?} has no {header}");
        }
        if let Some(schema) = call.body.as_ref().filter(|_| reply.status < 300) {
            let body = serde_json::from_slice(&ask.body).unwrap();
            assert_valid(schema, &body, &format!("{ask:?} was accepted"));
        }
    }

    fn check_problem(&self, ask: &Ask, reply: &Reply) {
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{ask:?}");
        let problem = reply.json();
        assert_valid(&self.problem, &problem, &format!("{ask:?}"));
        assert_eq!(problem["status"], reply.status, "{ask:?}");
        let code = ErrorCode::ALL.into_iter().find(|code| problem["code"] == code.as_str()).unwrap();
        assert_eq!((code.status(), json!(code.title())), (reply.status, problem["title"].clone()));
        assert_eq!(problem["errors"].is_array(), code == ErrorCode::ValidationFailed, "{ask:?} {problem}");
        assert_eq!(problem["quota"].is_u64(), code == ErrorCode::KeyLimitReached, "{ask:?} {problem}");
        assert_eq!(problem["used"].is_u64(), code == ErrorCode::KeyLimitReached, "{ask:?} {problem}");
        assert_eq!(reply.header("allow").is_some(), code == ErrorCode::MethodNotAllowed, "{ask:?}");
        assert_eq!(
            reply.header("retry-after").is_some(),
            code == ErrorCode::ManagementUnavailable,
            "{ask:?}"
        );
    }
}

impl DocumentedCall {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let answers = operation["responses"].as_object().unwrap().iter().map(|(status, response)| {
            let content = response["content"].as_object().and_then(|content| content.iter().next());
            let headers = response["headers"].as_object().map(|headers| headers.keys().cloned().collect());
            let answer = DocumentedAnswer {
                media_type: content.map(|(media_type, _)| media_type.clone()),
                schema: content.map(|(_, content)| validator(document, &content["schema"])),
                headers: headers.unwrap_or_default(),
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

/// A validator of one schema of the document.
pub(crate) fn validator(document: &Value, schema: &Value) -> Validator {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap()
}

pub(crate) fn assert_valid(schema: &Validator, json: &Value, what: &str) {
    let errors: Vec<_> =
        schema.iter_errors(json).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}: {json}");
}
