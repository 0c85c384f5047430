//! `cargo xtask bench redis` measures what a decision of the limiter in Redis costs, beside a bare EVALSHA of a script with
//! one key on the same kind of connection. Both are measured in turns, and the medians of all rounds are printed.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{
    env,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use apikeys_benches::{Line, Result, Target, exit, median, number};
use apikeys_core::{
    Clock, KeyId, Limiter, RateLimit, SystemClock,
    limiter::{Acquisition, Charge, Subject, Verdict, Window},
};
use apikeys_redis::RedisLimiter;
use redis::{Client, Script, aio::MultiplexedConnection};
use tokio::task::JoinSet;

const ROUNDS: usize = 11;
const ROUND: Duration = Duration::from_millis(500);
const TASKS: usize = 128;
/// The limits of the keys. A task uses a key for its limit of requests, and then another.
const LIMITS: [u32; 2] = [60, 10_000];
const FLOOD: u32 = 1_000_000;

#[tokio::main]
async fn main() -> ExitCode {
    exit(run().await)
}

async fn run() -> Result<()> {
    let url = env::var("APIKEYS_TEST_REDIS_URL").map_err(|_| "run `cargo xtask bench redis`")?;
    let bare = Bare {
        connection: Client::open(url.as_str())?.get_multiplexed_async_connection().await?,
        script: Arc::new(Script::new("return redis.call('EXISTS', KEYS[1])")),
    };
    let ours = Ours { limiter: RedisLimiter::connect(&url).await?, clock: Arc::new(SystemClock::new()) };
    for tasks in [1, TASKS] {
        for limit in LIMITS {
            let (mut of_bare, mut of_ours) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                of_bare.push(bare.round(tasks).await?);
                of_ours.push(ours.round(tasks, limit).await?);
            }
            let (bare, ours) = (median(of_bare), median(of_ours));
            let what = format!("decisions with {tasks} tasks and a limit of {limit}");
            let rate = |per_second| format!("{}/s", number(per_second));
            // With one task, the time of a decision counts, and with many, their number.
            let (ratio, target) = match tasks {
                1 => (bare / ours, Target::AtMost(1.3)),
                _ => (ours / bare, Target::AtLeast(0.7)),
            };
            let yardstick = format!("{}, bare EVALSHA", rate(bare));
            println!("{}", Line::compared("P11", what, rate(ours), yardstick, ratio, target));
        }
    }
    flood(&ours, &bare).await
}

/// The yardstick: one command with one key.
#[derive(Clone)]
struct Bare {
    connection: MultiplexedConnection,
    script: Arc<Script>,
}

impl Bare {
    /// Returns the number of commands per second.
    async fn round(&self, tasks: usize) -> Result<f64> {
        in_tasks(tasks, |_| {
            let mut this = self.clone();
            async move {
                let began = Instant::now();
                let mut done = 0;
                while began.elapsed() < ROUND {
                    let key = format!("bench:{{{}}}", done % 64);
                    let _: i64 = this.script.key(key).invoke_async(&mut this.connection).await?;
                    done += 1;
                }
                Ok(done)
            }
        })
        .await
    }

    async fn commands(&mut self) -> Result<u64> {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut self.connection).await?;
        let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        let count = line.and_then(|line| line.split(',').next()).ok_or("the server has no statistics")?;
        Ok(count.parse()?)
    }
}

#[derive(Clone)]
struct Ours {
    limiter: RedisLimiter,
    clock: Arc<SystemClock>,
}

impl Ours {
    /// Returns the number of admitted requests per second.
    async fn round(&self, tasks: usize, limit: u32) -> Result<f64> {
        in_tasks(tasks, |_| {
            let this = self.clone();
            async move {
                let began = Instant::now();
                let mut done = 0;
                while began.elapsed() < ROUND {
                    let (key, window) = (fresh_key(), Window::new());
                    for _ in 0..limit {
                        if !this.admits(key, limit, &window).await? {
                            return Err("a request within the limit was denied".into());
                        }
                        done += 1;
                        if began.elapsed() >= ROUND {
                            break;
                        }
                    }
                }
                Ok(done)
            }
        })
        .await
    }

    async fn admits(&self, key: KeyId, limit: u32, window: &Window) -> Result<bool> {
        let charge = [Charge::one(Subject::Key(key), RateLimit::per_minute(limit)?, window)];
        let clock = &*self.clock;
        let verdict = match self.limiter.acquire(clock.monotonic(), clock, &charge) {
            Acquisition::Now(verdict) => verdict,
            Acquisition::Later(verdict) => verdict.await,
        };
        match verdict {
            Verdict::Admitted(_) => Ok(true),
            Verdict::Limited(_) => Ok(false),
            other => Err(format!("unexpected verdict: {other:?}").into()),
        }
    }
}

/// Counts the commands of a million denied requests.
async fn flood(ours: &Ours, bare: &Bare) -> Result<()> {
    let (key, window) = (fresh_key(), Window::new());
    while ours.admits(key, 60, &window).await? {}
    let mut bare = bare.clone();
    let (before, began) = (bare.commands().await?, Instant::now());
    let tasks = u32::try_from(TASKS)?;
    let mut flooding = JoinSet::new();
    for _ in 0..tasks {
        let ours = ours.clone();
        flooding.spawn(async move {
            let window = Window::new();
            for _ in 0..FLOOD / tasks {
                ours.admits(key, 60, &window).await?;
            }
            Result::Ok(())
        });
    }
    flooding.join_all().await.into_iter().collect::<Result<()>>()?;
    let commands = bare.commands().await? - before;
    println!("{FLOOD} denied requests took {:.1} s", began.elapsed().as_secs_f64());
    let (what, most) = ("commands for a million denied requests", Target::AtMost(99.0));
    println!("{}", Line::absolute("P11", what, f64::from(u32::try_from(commands)?), "commands", most));
    Ok(())
}

/// Runs tasks that each return a number, and returns the sum per second.
async fn in_tasks<F>(tasks: usize, task: impl Fn(usize) -> F) -> Result<f64>
where
    F: Future<Output = Result<u32>> + Send + 'static,
{
    let began = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..tasks {
        running.spawn(task(number));
    }
    let mut sum = 0.0;
    for done in running.join_all().await {
        sum += f64::from(done?);
    }
    Ok(sum / began.elapsed().as_secs_f64())
}

fn fresh_key() -> KeyId {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(0).to_be_bytes();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(half().into_iter().chain(half())) {
        *to = from;
    }
    KeyId::from_bytes(bytes)
}
