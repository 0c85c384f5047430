use apikeys_admin::AdminApi;

use crate::support::{Bench, bob, get, post, problem};

async fn keys_cursor(bench: &Bench) -> String {
    for n in 0..3 {
        bench.create(&n.to_string()).await;
    }
    bench.json(get("/api/keys?limit=1")).await["next_cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn cursor_is_valid_for_its_own_organization_list_and_filters_only() {
    let bench = Bench::new().await;
    let keys = keys_cursor(&bench).await;
    for n in 0..3 {
        bench.json(post("/api/keys").admin(bob()).body(format!(r#"{{"name":"{n}"}}"#))).await;
    }
    let audit = bench.json(get("/api/audit?limit=1")).await["next_cursor"].as_str().unwrap().to_owned();
    let filtered = bench.json(get("/api/audit?limit=1&action=key.created")).await["next_cursor"].clone();
    let filtered = filtered.as_str().unwrap();
    for good in [
        format!("/api/keys?cursor={keys}"),
        format!("/api/keys?cursor={keys}&limit=100"),
        format!("/api/audit?cursor={audit}"),
        format!("/api/audit?action=key.created&cursor={filtered}"),
    ] {
        assert_eq!(bench.send(get(&good)).await.status, 200, "{good}");
        let foreign = bench.send(get(&good).admin(bob())).await;
        assert_eq!(foreign.problem(), problem(400, "INVALID_CURSOR"), "{good}");
    }
    for bad in [
        format!("/api/audit?cursor={keys}"),
        format!("/api/keys?cursor={audit}"),
        format!("/api/audit?cursor={filtered}"),
        format!("/api/audit?action=key.deleted&cursor={filtered}"),
        format!("/api/audit?action=key.created&since=2030-01-01T00:00:00Z&cursor={filtered}"),
        format!("/api/audit?action=key.created&cursor={audit}"),
    ] {
        assert_eq!(bench.send(get(&bad)).await.problem(), problem(400, "INVALID_CURSOR"), "{bad}");
    }
}

#[tokio::test]
async fn forged_cursor_is_invalid() {
    let bench = Bench::new().await;
    let cursor = keys_cursor(&bench).await;
    let key = bench.json(get("/api/keys?limit=1")).await["keys"][0]["id"].as_str().unwrap().to_owned();
    let mut forged = vec![
        String::new(),
        "x".to_owned(),
        key,
        cursor[1..].to_owned(),
        format!("{cursor}A"),
        format!("{cursor}="),
    ];
    forged.extend((0..cursor.len()).map(|at| {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    }));
    for bad in forged {
        let reply = bench.send(get(&format!("/api/keys?cursor={bad}"))).await;
        assert_eq!(reply.problem(), problem(400, "INVALID_CURSOR"), "{bad}");
    }
}

#[tokio::test]
async fn cursor_hides_the_id_and_differs_each_time() {
    let bench = Bench::new().await;
    let cursor = keys_cursor(&bench).await;
    let page = bench.json(get("/api/keys?limit=1")).await;
    let id: apikeys_core::KeyId = page["keys"][0]["id"].as_str().unwrap().parse().unwrap();
    let bytes = data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
    assert!(!bytes.windows(4).any(|window| id.as_bytes().windows(4).any(|part| part == window)));
    assert_ne!(page["next_cursor"], cursor.as_str());
}

#[tokio::test]
async fn cursor_is_valid_in_instances_with_the_same_cursor_key_only() {
    let bench = Bench::new().await;
    let instance = |key: u8| Bench {
        keys: bench.keys.clone(),
        api: AdminApi::new(bench.keys.clone()).cursor_key(&[key; 32]),
        faults: bench.faults.clone(),
        store: bench.store.clone(),
        clock: bench.clock.clone(),
    };
    let cursor = keys_cursor(&instance(1)).await;
    let next = get(&format!("/api/keys?cursor={cursor}"));
    assert_eq!(instance(1).send(next.clone()).await.status, 200);
    assert_eq!(instance(2).send(next.clone()).await.problem(), problem(400, "INVALID_CURSOR"));
    assert_eq!(bench.send(next).await.problem(), problem(400, "INVALID_CURSOR"));
}
