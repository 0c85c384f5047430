use serde_json::json;

use crate::support::{Bench, ask, delete, get, patch, path, post};

#[tokio::test]
async fn secret_appears_only_in_the_response_to_the_creation() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let secret = created["secret"].as_str().unwrap();
    let shown = created["key"]["prefix"].as_str().unwrap();
    assert!(bench.call(&created).await);
    let key = path(&created);
    let bearer = format!("Bearer {secret}");
    let asks = [
        get("/api/keys"),
        get("/api/audit"),
        get(&key),
        get(&format!("{key}/usage")),
        get("/api/openapi.json"),
        patch(&key).body(r#"{"name":"b"}"#),
        patch(&key).body("{"),
        patch(&key).json(&json!({ "name": 1, "secret": secret })),
        patch(&key).body(format!(r#"{{"x{secret}":1}}"#)),
        post("/api/keys").json(&json!({ "name": secret, "rate_limit": secret })),
        get("/api/keys").header("authorization", bearer.clone()),
        get(&format!("/api/keys?cursor={secret}")),
        get(&format!("/api/keys?{secret}=1")),
        get(&format!("/api/keys?x{secret}=1")),
        get(&format!("/api/audit?key_id={secret}")),
        get(&format!("/api/keys/{secret}")),
        ask("PUT", &format!("/api/{secret}")),
        delete(&key),
        get("/api/audit"),
    ];
    // Every eight characters in a row beyond the display prefix.
    let hidden: Vec<&str> = (shown.len()..=secret.len() - 8).map(|at| &secret[at..at + 8]).collect();
    assert!(hidden.len() > 20);
    let is_leaked = |text: &str| hidden.iter().any(|part| text.contains(part));
    assert!(is_leaked(&created.to_string()), "the search does not find the secret where it is");
    for ask in asks {
        let reply = bench.send(ask.clone()).await;
        let text = format!("{:?} {}", reply.headers, String::from_utf8(reply.body).unwrap());
        assert!(!is_leaked(&text), "{ask:?}: {text}");
    }
}

#[tokio::test]
async fn debug_output_hides_secrets_and_credentials() {
    use apikeys_admin::{AdminApi, AdminRequest, RequestBody};
    let bench = Bench::new().await;
    let headers: &[(&str, &[u8])] =
        &[("content-type", b"application/json"), ("cookie", b"session=hidden-cookie")];
    let request = AdminRequest {
        method: "POST",
        mount: "",
        path: "/api/keys",
        query: None,
        headers,
        body: RequestBody::Read(br#"{"name":"hidden-name"}"#),
    };
    assert!(!format!("{request:?} {:?}", request.body).contains("hidden"));
    let response = bench.api.handle(Some(&crate::support::ann()), request).await;
    let created: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let secret = created["secret"].as_str().unwrap();
    let api = AdminApi::new(bench.keys.clone()).cursor_key(b"0123456789abcdef0123456789abcdef");
    let shown = format!("{response:?} {api:?}");
    assert!(!shown.contains(&secret[secret.len() - 8..]) && !shown.contains("89abcdef"), "{shown}");
}
