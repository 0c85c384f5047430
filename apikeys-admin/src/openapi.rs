//! The OpenAPI document, which is generated from the table of routes and the types of the bodies.

use std::{collections::BTreeMap, sync::LazyLock};

use apikeys_core::{
    ManageError, Quota,
    http::{Problem, Wording},
};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    ManageErrorCode,
    body::ProblemSchema,
    parameter::Parameter,
    route::{COMMON_CODES, Content, Route, Success, UNROUTED_CODES},
    routes::ROUTES,
};

const SCHEMAS: &str = "/components/schemas";

/// The part of the document that is the same for all services.
static COMMON: LazyLock<Value> = LazyLock::new(common);

/// Returns the document of an API below the path `mount`, for a service whose login is in the cookie `cookie`.
pub(crate) fn document(mount: &str, cookie: &str) -> Vec<u8> {
    let mut document = COMMON.clone();
    let scheme = json!({
        "type": "apiKey",
        "in": "cookie",
        "name": cookie,
        "description": "The cookie of the service's login. API keys are not accepted.",
    });
    if let Some(root) = document.as_object_mut() {
        root.insert("servers".to_owned(), json!([{ "url": if mount.is_empty() { "/" } else { mount } }]));
        if let Some(components) = root.get_mut("components").and_then(Value::as_object_mut) {
            components.insert("securitySchemes".to_owned(), json!({ "login": scheme }));
        }
    }
    // This cannot fail, because the document is a JSON value.
    serde_json::to_vec(&document).unwrap_or_default()
}

fn common() -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
        })
    };
    // A member can be optional in a request and always present in a response, so each has its generator.
    let mut read = settings().for_deserialize().into_generator();
    let mut written = settings().for_serialize().into_generator();
    let problem = written.subschema_for::<ProblemSchema>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in &ROUTES {
        let operation = operation(route, &mut read, &mut written, problem.as_value());
        let path = paths.entry(route.template).or_default();
        path.insert(route.method.to_ascii_lowercase(), operation);
        if route.template.contains("{id}") {
            path.insert("parameters".to_owned(), json!([id_parameter(&mut read)]));
        }
    }
    let mut schemas = read.take_definitions(true);
    schemas.append(&mut written.take_definitions(true));
    let responses: Map<_, _> = UNROUTED_CODES
        .iter()
        .map(|code| (name_of(*code), error_response(&[*code], problem.as_value())))
        .collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "API keys",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "security": [{ "login": [] }],
        "paths": paths,
        "components": { "schemas": schemas, "responses": responses },
    })
}

const DESCRIPTION: &str = "Manages the API keys of an organization.

Times are in RFC 3339. Responses give them in UTC.

Errors are problem details (RFC 9457) with a stable `code`. A path without an endpoint returns `NOT_FOUND`. A method \
that the path does not support returns `METHOD_NOT_ALLOWED`. If several errors apply, the response has the first of: \
401, 403 for a request from another origin, 404, 405, 413, 415, 400, 422, 403 for the plan, 409.

A query parameter that is unknown, repeated or invalid is an error.

Every response has `Cache-Control: no-store`.";

fn operation(
    route: &Route,
    read: &mut SchemaGenerator,
    written: &mut SchemaGenerator,
    problem: &Value,
) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "description": route.description,
        "responses": responses(route, written, problem),
    });
    let Some(members) = operation.as_object_mut() else { return operation };
    if !route.parameters.is_empty() {
        let parameter = |parameter: &Parameter| {
            json!({
                "name": parameter.name,
                "in": "query",
                "description": parameter.description,
                "schema": (parameter.schema)(read),
            })
        };
        members.insert("parameters".to_owned(), route.parameters.iter().map(parameter).collect());
    }
    if let Some(body) = &route.body {
        members.insert(
            "requestBody".to_owned(),
            json!({ "required": true, "content": content("application/json", body, read) }),
        );
    }
    operation
}

fn responses(route: &Route, written: &mut SchemaGenerator, problem: &Value) -> Map<String, Value> {
    let Success { status, description, content: body } = &route.success;
    let mut success = json!({ "description": description });
    if let Some(members) = success.as_object_mut() {
        if let Some(body) = body {
            members.insert("content".to_owned(), content("application/json", body, written));
        }
        if *status == 201 {
            let location = json!({
                "Location": {
                    "description": "The path of the new key.",
                    "required": true,
                    "schema": { "type": "string", "format": "uri-reference" },
                },
            });
            members.insert("headers".to_owned(), location);
        }
    }
    let mut by_status: BTreeMap<u16, Vec<ManageErrorCode>> = BTreeMap::new();
    for code in COMMON_CODES.iter().chain(route.codes) {
        by_status.entry(code.status()).or_default().push(*code);
    }
    let mut responses = Map::from_iter([(status.to_string(), success)]);
    responses
        .extend(by_status.iter().map(|(status, codes)| (status.to_string(), error_response(codes, problem))));
    responses
}

/// Returns the response of errors with the same status.
fn error_response(codes: &[ManageErrorCode], problem: &Value) -> Value {
    let titles: Vec<_> = codes.iter().map(|code| code.title()).collect();
    let names: Vec<_> = codes.iter().map(ManageErrorCode::as_str).collect();
    let examples: Map<_, _> =
        codes.iter().map(|code| (code.as_str().to_owned(), json!({ "value": sample(*code) }))).collect();
    let mut response = json!({
        "description": format!("{}.", titles.join("; ")),
        "content": {
            "application/problem+json": {
                "schema": { "allOf": [problem, { "properties": { "code": { "enum": names } } }] },
                "examples": examples,
            },
        },
    });
    let header = match codes.first() {
        Some(ManageErrorCode::MethodNotAllowed) => {
            json!({ "Allow": header("The methods that the path supports.", "string", true) })
        }
        Some(ManageErrorCode::ManagementUnavailable) => {
            let description = "The number of seconds to wait. Absent if the error is not temporary.";
            json!({ "Retry-After": header(description, "integer", false) })
        }
        _ => return response,
    };
    if let Some(members) = response.as_object_mut() {
        members.insert("headers".to_owned(), header);
    }
    response
}

fn header(description: &str, kind: &str, required: bool) -> Value {
    json!({ "description": description, "required": required, "schema": { "type": kind } })
}

/// Returns an example of a problem with this code.
fn sample(code: ManageErrorCode) -> Problem {
    let wording = Wording::default();
    match code {
        ManageErrorCode::ValidationFailed => ManageError::ExpiresInThePast.to_problem(&wording),
        ManageErrorCode::KeyLimitReached => {
            ManageError::KeyLimitReached { quota: Quota::Limited(10), used: 10 }.to_problem(&wording)
        }
        code => code.to_problem(&wording),
    }
}

fn content(media_type: &str, content: &Content, generator: &mut SchemaGenerator) -> Value {
    let example: Value = serde_json::from_str(content.example).unwrap_or_default();
    json!({ media_type: { "schema": (content.schema)(generator), "example": example } })
}

fn id_parameter(generator: &mut SchemaGenerator) -> Value {
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "The id of the key.",
        "schema": generator.subschema_for::<crate::body::schema::Id>(),
    })
}

/// Returns the name of the response, such as `MethodNotAllowed`.
fn name_of(code: ManageErrorCode) -> String {
    format!("{code:?}")
}
