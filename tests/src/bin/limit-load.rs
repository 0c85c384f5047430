//! One of several instances that send requests with the same keys and count them in one Redis. A test starts several of this
//! program.
//!
//! Usage: `limit-load REDIS_URL NUMBER INSTANCES SECONDS SEED`
//!
//! The load moves from instance to instance, and the limits change. Each decision of the server is printed, as
//! `admitted KEY LIMIT MICROS` or `limited KEY LIMIT MICROS`, and so is a sample of the denials that the limiter remembered,
//! as `remembered KEY LIMIT MICROS`. The last line is `decisions NUMBER`.

#![allow(clippy::print_stdout, reason = "the test reads the output")]

use std::{
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_core::{
    Clock, KeyId, Limiter, RateLimit, SystemClock,
    limiter::{Acquisition, Charge, Subject, Window},
};
use apikeys_redis::RedisLimiter;
use tokio::{task::JoinSet, time::sleep};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

type Failure = Box<dyn Error + Send + Sync>;

const KEYS: u8 = 16;
const LIMITS: [u32; 6] = [1, 5, 20, 60, 100, 300];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, number, instances, seconds, seed] = arguments.as_slice() else {
        return Err("usage: limit-load REDIS_URL NUMBER INSTANCES SECONDS SEED".into());
    };
    let seed: u64 = seed.parse()?;
    tracing::subscriber::set_global_default(Print)?;
    let instance = Arc::new(Instance {
        // The test is about the decisions of Redis, also on a machine with much to do.
        limiter: RedisLimiter::builder(url).timeout(Duration::from_secs(10)).connect().await?,
        number: number.parse()?,
        instances: instances.parse()?,
        end: Instant::now() + Duration::from_secs(seconds.parse()?),
        decisions: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for key in 0..KEYS {
        tasks.spawn(send(Arc::clone(&instance), key, seed));
    }
    tasks.join_all().await.into_iter().collect::<Result<(), Failure>>()?;
    println!("decisions {}", instance.decisions.load(Ordering::Relaxed));
    Ok(())
}

struct Instance {
    limiter: RedisLimiter,
    number: u64,
    instances: u64,
    end: Instant,
    decisions: AtomicU64,
}

/// Sends requests with one key until the end.
async fn send(instance: Arc<Instance>, key: u8, seed: u64) -> Result<(), Failure> {
    let mut bytes = [key; 16];
    for (to, from) in bytes.iter_mut().zip(seed.to_be_bytes()) {
        *to = from;
    }
    let (id, window, clock) = (KeyId::from_bytes(bytes), Window::new(), SystemClock::new());
    while Instant::now() < instance.end {
        let second = u64::try_from(clock.wall().as_micros())? / 1_000_000;
        // All instances change a limit at the same time, every few seconds.
        let edit = usize::try_from(second / 7)? + usize::from(key);
        let limit = LIMITS.get(edit % LIMITS.len()).copied().ok_or("a limit")?;
        let is_busy = (second + u64::from(key)) % instance.instances == instance.number;
        for _ in 0..if is_busy { 500 } else { 1 } {
            let wall = clock.wall();
            let charge = [Charge::one(Subject::Key(id), RateLimit::per_minute(limit)?, &window)];
            match instance.limiter.acquire(clock.monotonic(), &clock, &charge) {
                Acquisition::Now(_) => {
                    if instance.decisions.load(Ordering::Relaxed).is_multiple_of(20_000) {
                        println!("remembered {{{id}}} {limit} {}", wall.as_micros());
                    }
                }
                Acquisition::Later(verdict) => drop(verdict.await),
            }
            instance.decisions.fetch_add(1, Ordering::Relaxed);
        }
        if is_busy {
            tokio::task::yield_now().await;
        } else {
            sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

/// Prints what the limiter logs about each decision of the server.
struct Print;

impl Subscriber for Print {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::TRACE && metadata.target().starts_with("apikeys_redis")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        println!("{} {} {} {}", line.message, line.subject, line.limit, line.at);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    subject: String,
    limit: u64,
    at: i64,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "subject" {
            value.clone_into(&mut self.subject);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "limit" {
            self.limit = value;
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "at" {
            self.at = value;
        }
    }
}
