//! Concurrent requests of administrators.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Created, Service};
use crate::{
    Request, Response,
    contract::{
        org::assert_problem,
        tenants::{UNKNOWN, calls_on},
    },
};

/// Sends all requests at the same time, each on a new connection.
async fn at_once(service: &Service, requests: impl IntoIterator<Item = Request>) -> Vec<(Request, Response)> {
    let mut sent = Vec::new();
    for request in requests {
        let mut connection = service.connect().await;
        sent.push(tokio::spawn(async move {
            let response = connection.send(&request).await.unwrap();
            (request, response)
        }));
    }
    let mut answered = Vec::new();
    for answer in sent {
        let (request, response) = answer.await.unwrap();
        service.check(&request, &response);
        answered.push((request, response));
    }
    answered
}

pub async fn concurrent_creations_succeed_up_to_exactly_the_quota(service: &Service) {
    let org = service.org("org_professional");
    let racers = (0..60).map(|n| org.request("POST", "/keys").json(&json!({ "name": format!("key {n}") })));
    let answers = at_once(service, racers).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|(_, response)| response.status == 201);
    assert_eq!((won.len(), lost.len()), (10, 50));
    for (_, response) in lost {
        assert_problem(response, 409, "KEY_LIMIT_REACHED");
        assert_eq!((&response.json()["quota"], &response.json()["used"]), (&json!(10), &json!(10)));
    }
    let won: BTreeSet<_> = won.into_iter().map(|(_, response)| Created::read(response).id).collect();
    let keys = org.keys().await;
    assert_eq!(keys.iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), won);
    assert_eq!(org.events("action=key.created").await.len(), 10);
}

/// Each organization sends requests for all keys of the other one, while both change their own keys.
pub async fn concurrent_calls_on_keys_of_another_organization_change_nothing(service: &Service) {
    let orgs = [service.org("org_enterprise"), service.org("org_professional")];
    let mut keys = Vec::new();
    for org in orgs {
        let mut own = Vec::new();
        for number in 0..5 {
            own.push(org.create_busy(&format!("key {number}")).await);
        }
        keys.push(own);
    }
    let mut expected = Vec::new();
    for request in calls_on(orgs[0], UNKNOWN) {
        expected.push(service.send(&request).await);
    }
    for round in 0..4 {
        let mut requests = Vec::new();
        for (org, (own, foreign)) in orgs.into_iter().zip([(&keys[0], &keys[1]), (&keys[1], &keys[0])]) {
            for key in foreign {
                requests.extend(calls_on(org, &key.id));
            }
            for key in own {
                let rename = org.request("PATCH", &format!("/keys/{}", key.id));
                requests.push(rename.json(&json!({ "name": format!("round {round}") })));
            }
        }
        let answers = at_once(service, requests).await;
        let refused: Vec<_> = answers.iter().filter(|(_, response)| response.status != 200).collect();
        assert_eq!(refused.len(), 2 * 5 * expected.len());
        for (number, (_, response)) in refused.into_iter().enumerate() {
            let unknown = &expected[number % expected.len()];
            assert_eq!((response.status, response.own_lines()), (404, unknown.own_lines()));
            assert_eq!(response.body, unknown.body, "byte for byte what an unknown id gets");
        }
    }
    for (org, own) in orgs.into_iter().zip(&keys) {
        for key in own {
            assert_eq!(org.key(&key.id).await["name"], "round 3");
            assert_eq!(service.whoami(&key.secret).await.status, 200);
        }
    }
}

/// Successive pages list each key that existed at the first page exactly once.
pub async fn pages_neither_repeat_nor_skip_keys_while_keys_are_created(service: &Service) {
    let org = service.org("org_enterprise");
    let mut there = Vec::new();
    for number in 0..40 {
        there.insert(0, json!(org.create_busy(&format!("old {number}")).await.id));
    }
    let log: Vec<_> =
        org.events("action=key.created").await.iter().map(|event| event["id"].clone()).collect();
    for (list, member, before, filter) in
        [("keys", "keys", &there, ""), ("audit", "events", &log, "&action=key.created")]
    {
        let (mut met, mut cursor) = (Vec::new(), String::new());
        loop {
            let create = |n: i32| org.request("POST", "/keys").json(&json!({ "name": format!("new {n}") }));
            let page = org.request("GET", &format!("/{list}?limit=7{filter}{cursor}"));
            let mut answers = at_once(service, (0..3).map(create).chain([page])).await;
            let (_, page) = answers.pop().unwrap();
            let page = page.json();
            met.extend(page[member].as_array().unwrap().iter().map(|item| item["id"].clone()));
            for (_, created) in answers {
                let _noted = Created::read(&created);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            assert!(met.len() < 1_000, "it has no end");
        }
        let old: Vec<_> = met.iter().filter(|id| before.contains(id)).cloned().collect();
        assert_eq!(old, *before, "{list}");
        let distinct: BTreeSet<_> = met.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), met.len(), "{list}");
    }
}
