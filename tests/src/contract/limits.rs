//! Rate limits with many concurrent requests.

use serde_json::json;

use super::Service;
use crate::{Request, Response};

pub async fn concurrent_requests_are_admitted_up_to_exactly_the_rate_limit(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "rushed", "rate_limit": 100 })).await;
    let mut connections = Vec::new();
    for _ in 0..400 {
        connections.push(service.connect().await);
    }
    let request = Request::get("/v1/whoami").bearer(&key.secret);
    let sent = connections.into_iter().map(|mut connection| {
        let request = request.clone();
        tokio::spawn(async move { connection.send(&request).await.unwrap() })
    });
    let (mut left, mut limited) = (Vec::new(), 0);
    for response in sent.collect::<Vec<_>>() {
        let response = response.await.unwrap();
        match response.status {
            200 => left.push(remaining(&response)),
            429 => {
                limited += 1;
                assert_eq!(remaining(&response), 0);
                let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
            }
            other => panic!("{other}: {}", response.text()),
        }
    }
    // Each admitted request has another number of remaining requests.
    left.sort_unstable();
    assert_eq!(left, (0..100).collect::<Vec<_>>());
    assert_eq!(limited, 300);
    org.key_once(&key.id, |key| key["request_count"] == 100).await;
}

fn remaining(response: &Response) -> u32 {
    let rate = response.header("ratelimit").unwrap();
    rate.strip_prefix("\"per-key\";r=").unwrap().split(';').next().unwrap().parse().unwrap()
}
