use std::collections::BTreeSet;

use apikeys_admin::{AdminApi, ManageErrorCode};
use apikeys_core::audit::Action;
use apikeys_test_document::{assert_valid, validator};
use serde_json::{Value, json};

use crate::{
    checked::DOCUMENT,
    support::{Bench, get},
};

/// The endpoints are listed by hand, because the document is generated from the table of routes.
#[test]
fn document_lists_every_endpoint() {
    let mut documented = BTreeSet::new();
    for (path, methods) in DOCUMENT.json["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let expected = [
        "DELETE /api/keys/{id}",
        "GET /api/audit",
        "GET /api/keys",
        "GET /api/keys/{id}",
        "GET /api/keys/{id}/usage",
        "GET /api/openapi.json",
        "GET /api/plan",
        "PATCH /api/keys/{id}",
        "POST /api/keys",
    ];
    assert_eq!(documented, expected.map(str::to_owned).into_iter().collect());
}

#[test]
fn document_has_an_example_of_every_code_under_its_status() {
    let mut documented = BTreeSet::new();
    let mut read = |status: Option<&str>, response: &Value| {
        let Some(problem) = response["content"].get("application/problem+json") else { return };
        let named = &problem["schema"]["allOf"][1]["properties"]["code"]["enum"];
        for (code, example) in problem["examples"].as_object().unwrap() {
            assert!(named.as_array().unwrap().contains(&json!(code)), "{code}");
            assert_eq!(example["value"]["code"], json!(code));
            if let Some(status) = status {
                assert_eq!(example["value"]["status"].to_string(), status);
            }
            documented.insert(code.clone());
        }
        assert_eq!(named.as_array().unwrap().len(), problem["examples"].as_object().unwrap().len());
    };
    for methods in DOCUMENT.json["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values().filter(|operation| operation.is_object()) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                read(Some(status), response);
            }
        }
    }
    for response in DOCUMENT.json["components"]["responses"].as_object().unwrap().values() {
        read(None, response);
    }
    // No endpoint sets plans.
    let known = ManageErrorCode::ALL.iter().filter(|code| **code != ManageErrorCode::UnknownPlan);
    assert_eq!(documented, known.map(ToString::to_string).collect());
    let code = &DOCUMENT.json["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let code: BTreeSet<_> = code.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(code, documented.iter().map(String::as_str).collect());
}

/// A newer version can store values that this version does not know, and clients must be able to read them.
#[test]
fn document_accepts_unknown_values_in_events_and_rejects_unknown_actions_in_the_filter() {
    let schemas = &DOCUMENT.json["components"]["schemas"];
    for (schema, member) in [("Event", "action"), ("EventRequest", "outcome"), ("EventRequest", "denial")] {
        let schema = validator(&DOCUMENT.json, &schemas[schema]["properties"][member]);
        assert!(schema.is_valid(&json!("unknown")) && !schema.is_valid(&json!(1)), "{member}");
    }
    let changes = validator(&DOCUMENT.json, &schemas["Event"]["properties"]["changes"]);
    assert!(changes.is_valid(&json!({ "unknown": { "from": ["read"], "to": { "x": 1.5 } } })));
    let parameters = DOCUMENT.json["paths"]["/api/audit"]["get"]["parameters"].as_array().unwrap();
    let filter = parameters.iter().find(|parameter| parameter["name"] == "action").unwrap();
    let filter = validator(&DOCUMENT.json, &filter["schema"]);
    assert!(Action::ALL.iter().all(|action| filter.is_valid(&json!(action.as_str()))));
    assert!(!filter.is_valid(&json!("unknown")));
}

#[test]
fn document_lists_only_denials_that_are_recorded() {
    let denial = &DOCUMENT.json["components"]["schemas"]["EventRequest"]["properties"]["denial"];
    let text = denial["description"].as_str().unwrap();
    for code in ["MISSING_API_KEY", "AMBIGUOUS_CREDENTIALS", "INVALID_API_KEY"] {
        assert!(!text.contains(code), "{text}");
    }
    for code in ["API_KEY_EXPIRED", "API_KEY_DEACTIVATED", "API_ACCESS_NOT_AVAILABLE", "RATE_LIMITED"] {
        assert!(text.contains(code), "{text}");
    }
}

#[test]
fn document_examples_match_their_schemas() {
    let document = &DOCUMENT.json;
    let mut seen = 0;
    let mut check = |content: &Value| {
        for content in content.as_object().into_iter().flat_map(|content| content.values()) {
            let schema = validator(document, &content["schema"]);
            let examples = content["examples"].as_object().into_iter().flat_map(|examples| examples.values());
            for example in examples.map(|example| &example["value"]).chain(content.get("example")) {
                assert_valid(&schema, example, "an example");
                seen += 1;
            }
            assert!(content.get("example").is_some() || content.get("examples").is_some(), "{content}");
        }
    };
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values().filter(|operation| operation.is_object()) {
            check(&operation["requestBody"]["content"]);
            for response in operation["responses"].as_object().unwrap().values() {
                check(&response["content"]);
            }
        }
    }
    assert!(seen >= 50, "only {seen} examples were found");
}

#[test]
fn document_schemas_are_valid_and_references_resolve() {
    fn references(json: &Value, found: &mut Vec<String>) {
        match json {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.push(reference.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&DOCUMENT.json, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(DOCUMENT.json.pointer(pointer).is_some(), "{reference}");
    }
    for (name, schema) in DOCUMENT.json["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
        assert!(schema["description"].is_string(), "{name} has no description");
    }
}

#[tokio::test]
async fn document_names_the_server_and_the_login_cookie() {
    let mut bench = Bench::new().await;
    let document = bench.json(get("/api/openapi.json")).await;
    assert_eq!(document["openapi"], "3.1.1");
    assert_eq!(document["servers"], json!([{ "url": "/settings/developer" }]));
    assert_eq!(document["security"], json!([{ "login": [] }]));
    assert_eq!(document["components"]["securitySchemes"]["login"]["name"], "session");
    bench.api = bench.api.public_mount("/v2/settings/").login_cookie("__Host-id");
    let document = bench.json(get("/api/openapi.json")).await;
    assert_eq!(document["servers"], json!([{ "url": "/v2/settings" }]));
    assert_eq!(document["components"]["securitySchemes"]["login"]["name"], "__Host-id");
    let api = AdminApi::new(bench.keys.clone());
    let at_the_root: Value = serde_json::from_slice(&api.document("")).unwrap();
    assert_eq!(at_the_root["servers"], json!([{ "url": "/" }]));
}

#[tokio::test]
async fn location_of_a_new_key_begins_with_the_public_mount() {
    let mut bench = Bench::new().await;
    bench.api = bench.api.public_mount("/v2");
    let reply = bench.send(crate::support::post("/api/keys").body(r#"{"name":"a"}"#)).await;
    assert_eq!(
        reply.header("location").unwrap(),
        format!("/v2/api/keys/{}", reply.json()["key"]["id"].as_str().unwrap())
    );
}
