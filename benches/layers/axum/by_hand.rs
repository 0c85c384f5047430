//! A middleware as one would write it by hand: a look-up of the secret's digest in a cache of moka, a rate limit of
//! governor for each key, and an event for a task that collects them.

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use apikeys_benches::Result;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::{runtime::Runtime, sync::mpsc};

use super::routes;
use crate::rounds::Timed;

/// The number of events that may wait, and that the task takes at once.
const EVENTS: usize = 10_000;

/// Returns the service with the middleware.
pub(super) fn timed<'a>(secrets: &[String]) -> Result<Timed<'a>> {
    let (events, mut waiting) = mpsc::channel(EVENTS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    runtime.spawn(async move {
        let mut batch = Vec::with_capacity(EVENTS);
        // A real service writes the batch.
        while waiting.recv_many(&mut batch, EVENTS).await > 0 {
            batch.clear();
        }
    });
    let keys = Cache::new(u64::try_from(secrets.len())? * 2);
    for (id, secret) in (0..).zip(secrets) {
        keys.insert(digest(secret.as_bytes()), Arc::new(Key { id }));
    }
    let limit = Quota::per_minute(NonZeroU32::MIN.saturating_add(9_999));
    let guard = Arc::new(Guard { keys, limits: RateLimiter::keyed(limit), events, _runtime: runtime });
    let router = routes().layer(from_fn_with_state(Arc::clone(&guard), check));
    let mut timed = super::timed("moka, governor and a channel", router, secrets, super::bearer);
    timed.flush = Box::new(move || {
        while guard.events.capacity() < EVENTS {
            std::thread::yield_now();
        }
        Ok(())
    });
    Ok(timed)
}

struct Guard {
    keys: Cache<[u8; 32], Arc<Key>>,
    limits: DefaultKeyedRateLimiter<u64>,
    events: mpsc::Sender<Event>,
    _runtime: Runtime,
}

/// A key, as the handler and the event see it.
struct Key {
    id: u64,
}

struct Event {
    _key: u64,
    _at: SystemTime,
    _method: String,
    _path: String,
    _user_agent: Option<String>,
    _status: StatusCode,
    _latency: Duration,
}

async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let (at, began) = (SystemTime::now(), Instant::now());
    let presented = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = presented.and_then(|value| value.strip_prefix("Bearer "));
    let Some(key) = secret.and_then(|secret| guard.keys.get(&digest(secret.as_bytes()))) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if guard.limits.check_key(&key.id).is_err() {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(str::to_owned);
    let id = key.id;
    request.extensions_mut().insert(key);
    let response = next.run(request).await;
    let event = Event {
        _key: id,
        _at: at,
        _method: method,
        _path: path,
        _user_agent: user_agent,
        _status: response.status(),
        _latency: began.elapsed(),
    };
    match guard.events.try_send(event) {
        Ok(()) => response,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}
