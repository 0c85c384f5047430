//! What is kept through an orderly stop. Not in the table: it needs two lives of a service.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};

use super::{Created, Service, Subject};
use crate::{Artifacts, Connection, Request};

const KEYS: usize = 20;
const REQUESTS: usize = 100_000;
const CLIENTS: usize = 16;

/// What clients saw of the requests they sent: the status by request id; 0 where they left.
type Seen = HashMap<String, u16>;

/// After 100,000 requests, some of them left by their clients, an orderly stop and a
/// start on the same database, each key's count, the audit log and what clients saw are one.
pub async fn counts_and_log_are_what_clients_saw(subject: Subject) {
    // A log of everything would fill the disk.
    let log = "info,apikeys_core=debug";
    let artifacts = Artifacts::with_log(&subject.folder("restart"), log);
    let service = Service::start_in(artifacts.clone(), subject, "before", log).await;
    let org = service.org("org_enterprise");
    let mut keys = Vec::new();
    for number in 0..KEYS {
        keys.push(org.create_busy(&format!("busy {number}")).await);
    }
    // One request in ten is made with it: it soon meets its limit.
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

    let service = Service::start_in(artifacts, subject, "after", log).await;
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

/// Sends a request up to its body, waits until the service asks for that, and leaves while it
/// waits.
async fn abort(mut connection: Connection, key: &Created, id: &str) {
    let request = Request::post("/v1/echo", "never sent").bearer(&key.secret).line("X-Request-Id", id);
    let bytes = request.line("Expect", "100-continue").to_bytes();
    let head = bytes.len() - "never sent".len();
    connection.write(&bytes[..head]).await.unwrap();
    assert_eq!(connection.read_head().await.unwrap().status, 100);
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// What the audit log says.
#[derive(Default)]
struct Recorded {
    admitted: HashMap<String, u16>,
    denied: HashMap<String, u16>,
    /// Denials without a row of their own.
    counted: u64,
}

impl Recorded {
    /// Takes an event in; whether it is of an admitted request.
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
        assert_eq!(rows.insert(id, status), None, "it is on the log twice");
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
        // Nobody who left can tell whether the service had begun with it; it mostly had. The
        // handler then ended with its client, or answered a body cut short to nobody.
        let begun: Vec<_> = with(0).filter_map(|(id, _)| self.admitted.get(id)).collect();
        assert!(begun.iter().all(|status| [0, 400].contains(*status)), "{begun:?}");
        assert!(begun.len() > left / 2, "{} of {left}", begun.len());
        assert_eq!(self.admitted.len(), answered + begun.len());
        assert!(self.denied.keys().all(|id| seen.get(id) == Some(&429)));
        assert_eq!(self.denied.len() as u64 + self.counted, limited as u64);
    }
}
