use serde_json::json;

use crate::support::{Ask, Bench, ask, bob, delete, get, patch, path, post, problem};

#[tokio::test]
async fn key_of_another_organization_returns_the_same_response_as_an_unknown_key() {
    let bench = Bench::new().await;
    let foreign = bench.json(post("/api/keys").admin(bob()).body(r#"{"name":"theirs"}"#)).await;
    let foreign = foreign["key"]["id"].as_str().unwrap().to_owned();
    let deleted = bench.create("gone").await;
    bench.send(delete(&path(&deleted))).await;
    let deleted = deleted["key"]["id"].as_str().unwrap();
    let requests: &[fn(&str) -> Ask] = &[
        |id| get(&format!("/api/keys/{id}")),
        |id| ask("HEAD", &format!("/api/keys/{id}")),
        |id| delete(&format!("/api/keys/{id}")),
        |id| delete(&format!("/api/keys/{id}?x=1")),
        |id| get(&format!("/api/keys/{id}?x=1")),
        |id| patch(&format!("/api/keys/{id}")).body("{}"),
        |id| patch(&format!("/api/keys/{id}")).body(r#"{"name":"mine"}"#),
        |id| patch(&format!("/api/keys/{id}")).body(r#"{"expires_at":"2020-01-01T00:00:00Z"}"#),
        |id| patch(&format!("/api/keys/{id}")).body("{"),
        |id| patch(&format!("/api/keys/{id}")),
        |id| patch(&format!("/api/keys/{id}")).body(vec![b' '; 20_000]),
        |id| get(&format!("/api/keys/{id}/usage")),
        |id| get(&format!("/api/keys/{id}/usage?step=week")),
    ];
    for request in requests {
        let unknown = bench.send(request("aaaaaaaaaaaaaaaaaaaaaaaaaa")).await;
        assert_eq!(unknown.problem(), problem(404, "KEY_NOT_FOUND"), "{:?}", request("x"));
        for id in
            [&*foreign, deleted, "x", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "%2e%2e", "aaaaaaaaaaaaaaaaaaaaaaaaa1"]
        {
            assert_eq!(bench.send(request(id)).await, unknown, "{:?}", request(id));
        }
    }
    let filter = |id: &str| get(&format!("/api/audit?key_id={id}"));
    let unknown = bench.send(filter("aaaaaaaaaaaaaaaaaaaaaaaaaa")).await;
    assert_eq!(unknown.json(), json!({ "events": [], "next_cursor": null }));
    assert_eq!(bench.send(filter(&foreign)).await, unknown);
    let theirs = bench.json(get(&format!("/api/keys/{foreign}")).admin(bob())).await;
    assert_eq!((&theirs["name"], &theirs["active"]), (&json!("theirs"), &json!(true)));
}

#[tokio::test]
async fn lists_contain_only_the_organization_of_the_administrator() {
    let bench = Bench::new().await;
    bench.create("mine").await;
    let theirs = bench.json(post("/api/keys").admin(bob()).body(r#"{"name":"theirs"}"#)).await;
    assert!(bench.call(&theirs).await);
    for list in ["/api/keys", "/api/audit"] {
        let (ours, others) = (bench.send(get(list)).await, bench.send(get(list).admin(bob())).await);
        let (ours, others) = (String::from_utf8(ours.body).unwrap(), String::from_utf8(others.body).unwrap());
        assert!(ours.contains("mine") && !ours.contains("theirs"), "{ours}");
        assert!(others.contains("theirs") && !others.contains("mine"), "{others}");
    }
}
