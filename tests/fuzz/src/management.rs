use std::sync::OnceLock;

use apikeys_admin::{Admin, AdminApi, AdminRequest, RequestBody};
use apikeys_core::{Actor, ApiKeys, OrgId, http::PlainResponse};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Checks bodies of requests to the management API.
///
/// A body is reported as malformed if and only if it is not JSON. Every response is an error in JSON, because the plan
/// of the organization does not allow new keys.
pub fn management_body(data: &[u8]) {
    for (method, path) in [("POST", "/api/keys"), ("PATCH", PATH_OF_NO_KEY)] {
        let headers: &[(&str, &[u8])] = &[("content-type", b"application/json")];
        let request =
            AdminRequest { method, mount: "", path, query: None, headers, body: RequestBody::Read(data) };
        let response = handle(request);
        let code = code(&response);
        assert!((400..500).contains(&response.status), "{} {code}", response.status);
        if method == "PATCH" {
            continue; // The key is looked for before the body is read.
        }
        // A number that is too large for a value is still JSON.
        if serde_json::from_slice::<IgnoredAny>(data).is_err() {
            assert_eq!(code, "MALFORMED_JSON");
        }
        if serde_json::from_slice::<Value>(data).is_ok() {
            assert_ne!(code, "MALFORMED_JSON");
        }
    }
}

/// Checks queries of the management API: `limit`, `cursor`, filters and times.
///
/// Every response is JSON with a list or with a 4xx error.
pub fn management_query(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    for path in ["/api/keys", "/api/audit", "/api/openapi.json"] {
        let headers: &[(&str, &[u8])] = &[];
        let body = RequestBody::Read(&[]);
        let request = AdminRequest { method: "GET", mount: "", path, query: Some(query), headers, body };
        let response = handle(request);
        match response.status {
            200 => drop(serde_json::from_slice::<Value>(&response.body).unwrap()),
            400 => assert!(["INVALID_QUERY", "INVALID_CURSOR"].contains(&code(&response).as_str())),
            other => panic!("{path}: {other}"),
        }
    }
}

const PATH_OF_NO_KEY: &str = "/api/keys/key_00000000000000000000000000";

fn handle(request: AdminRequest<'_, [(&str, &[u8])]>) -> PlainResponse {
    static API: OnceLock<AdminApi> = OnceLock::new();
    let api = API.get_or_init(|| AdminApi::new(ApiKeys::in_memory()));
    let ann = Admin::new(OrgId::new("org").unwrap(), Actor::new("ann").unwrap());
    pollster::block_on(api.handle(Some(&ann), request))
}

fn code(response: &PlainResponse) -> String {
    let problem: Value = serde_json::from_slice(&response.body).expect("a body of JSON");
    problem["code"].as_str().expect("a code").to_owned()
}
