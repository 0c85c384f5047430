//! Counts and audit log after an orderly stop and a restart. This case is not in the table, because it starts the
//! service twice.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Created, Service, Subject};
use crate::{Artifacts, Connection, Request};

const KEYS: usize = 20;
const REQUESTS: usize = 100_000;
const CLIENTS: usize = 16;

/// The status that clients got, by request id. The status 0 means that the client left before the response.
type Seen = HashMap<String, u16>;

/// The case sends 100,000 requests, and clients leave during some of them. After an orderly stop and a restart on the
/// same database, the keys' counts and the audit log must match the statuses that the clients got.
pub async fn counts_and_audit_log_match_the_responses_of_clients(subject: Subject) {
    // A log with the level TRACE would fill the disk.
    let log = "info,apikeys_core=debug";
    let artifacts = Artifacts::with_log(&subject.folder("restart"), log);
    let database = Arc::new(subject.database().create(&artifacts).await);
    let start = async |name| {
        let (database, artifacts) = (Arc::clone(&database), artifacts.clone());
        Service::start_on(database, artifacts, subject, (name, log)).await
    };
    let service = start("before").await;
    let org = service.org("org_enterprise");
    let mut keys = Vec::new();
    for number in 0..KEYS {
        keys.push(org.create_busy(&format!("busy {number}")).await);
    }
    // Every tenth request uses this key, so the key soon reaches its limit.
    let limited = org.create(json!({ "name": "limited", "rate_limit": 50 })).await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (keys, limited) = (keys.clone(), limited.clone());
            let address = service.address();
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await.unwrap();
                let mut seen = Seen::new();
                for number in 0..REQUESTS / CLIENTS {
                    let id = format!("{client}:{number}");
                    let leave = number % 100 == 7;
                    let key = if number % 10 == 0 { &limited } else { &keys[(client + number) % KEYS] };
                    let status = if leave {
                        abort(Connection::open(address).await.unwrap(), key, &id).await;
                        0
                    } else {
                        let request = Request::get("/v1/whoami").bearer(&key.secret);
                        connection.send(&request.line("X-Request-Id", &id)).await.unwrap().status
                    };
                    seen.insert(id, status);
                }
                seen
            })
        })
        .collect();
    let mut seen = Seen::new();
    for client in clients {
        seen.extend(client.await.unwrap());
    }
    service.stop().await;

    let service = start("after").await;
    let org = service.org("org_enterprise");
    let mut recorded = Recorded::default();
    for key in keys.iter().chain([&limited]) {
        let events = org.events(&format!("key_id={}&action=request&limit=100", key.id)).await;
        let admitted = events.iter().filter(|event| recorded.read(event)).count();
        assert_eq!(org.key(&key.id).await["request_count"], admitted, "request_count is what is on the log");
    }
    recorded.assert_is(&seen);
    service.stop().await;
}

/// Sends a request without its body, waits until the service asks for the body, and closes the connection.
async fn abort(mut connection: Connection, key: &Created, id: &str) {
    let request = Request::post("/v1/echo", "never sent").bearer(&key.secret).line("X-Request-Id", id);
    let bytes = request.line("Expect", "100-continue").to_bytes();
    let head = bytes.len() - "never sent".len();
    connection.write(&bytes[..head]).await.unwrap();
    assert_eq!(connection.read_head().await.unwrap().status, 100);
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// The recorded requests.
#[derive(Default)]
struct Recorded {
    admitted: HashMap<String, u16>,
    denied: HashMap<String, u16>,
    /// The number of denials without events of their own.
    counted: u64,
}

impl Recorded {
    /// Adds an event. Returns whether the event is of an admitted request.
    fn read(&mut self, event: &Value) -> bool {
        let request = &event["request"];
        if let Some(count) = request["count"].as_u64() {
            self.counted += count;
            return false;
        }
        let id = request["request_id"].as_str().unwrap().to_owned();
        let status = u16::try_from(request["status"].as_u64().unwrap_or(0)).unwrap();
        let admitted = match request["outcome"].as_str() {
            Some("answered" | "aborted") => true,
            Some("denied") => false,
            other => panic!("{other:?}"),
        };
        let rows = if admitted { &mut self.admitted } else { &mut self.denied };
        assert_eq!(rows.insert(id, status), None, "a request is recorded twice");
        admitted
    }

    fn assert_is(&self, seen: &Seen) {
        let with = |wanted: u16| seen.iter().filter(move |(_, status)| **status == wanted);
        let (answered, left, limited) = (with(200).count(), with(0).count(), with(429).count());
        assert_eq!((seen.len(), answered + left + limited), (REQUESTS, REQUESTS));
        assert!(left >= REQUESTS / 100, "{left}");
        assert!(limited > REQUESTS / 20, "{limited}");
        for (id, status) in with(200) {
            assert_eq!(self.admitted.get(id), Some(status), "{id}");
        }
        // A client that left does not know whether its request was admitted. An admitted request has no status,
        // or the status 400 for an incomplete body.
        let begun: Vec<_> = with(0).filter_map(|(id, _)| self.admitted.get(id)).collect();
        assert!(begun.iter().all(|status| [0, 400].contains(*status)), "{begun:?}");
        assert!(begun.len() > left / 2, "{} of {left}", begun.len());
        assert_eq!(self.admitted.len(), answered + begun.len());
        assert!(self.denied.keys().all(|id| seen.get(id) == Some(&429)));
        assert_eq!(self.denied.len() as u64 + self.counted, limited as u64);
    }
}
