//! The script in Lua, on a real server, beside the model in Rust.

use std::{env, ops::Range};

use apikeys_test_servers::redis_url;
use redis::{Client, Pipeline, RedisResult, Script, aio::MultiplexedConnection};

use crate::{
    model::{Model, Reply, WINDOW, decide},
    random::Random,
};

/// The number of traces, and the variable that changes it. A million takes some minutes.
const TRACES: (u64, &str) = (3_000, "APIKEYS_REDIS_TRACES");
const SEED: &str = "APIKEYS_REDIS_SEED";
/// The number of traces that are sent at once.
const BATCH: u64 = 50;

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn script_decides_like_the_model_on_random_traces() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().expect(name));
    let traces: u64 = number(TRACES.1, TRACES.0);
    let seed: u64 = number(SEED, u64::from(std::process::id()));
    println!("{traces} traces with {SEED}={seed}");
    let mut redis = Redis::connect().await;
    let mut decisions = 0;
    for batch in 0..traces.div_ceil(BATCH) {
        let mut pipe = Pipeline::new();
        let mut expected = Vec::new();
        for number in batch * BATCH..(batch + 1) * BATCH {
            let names = [format!("test:{seed}:{{{number}}}:a"), format!("test:{seed}:{{{number}}}:b")];
            for call in trace(&mut Random::new(seed ^ (number << 20))) {
                redis.add(&mut pipe, &names[..call.charges.len()], &call);
                expected.push((number, call));
            }
            pipe.del(&names).ignore();
        }
        let replies: Vec<Vec<u8>> = pipe.query_async(&mut redis.connection).await.unwrap();
        assert_eq!(replies.len(), expected.len());
        decisions += replies.len();
        for ((number, call), reply) in expected.into_iter().zip(replies) {
            assert_eq!(read(&reply), call.reply, "trace {number}, seed {seed}: {call:?}");
        }
    }
    println!("{decisions} decisions were alike");
}

/// One call of the script, and the model's reply.
#[derive(Debug)]
struct Call {
    now: i64,
    charges: Vec<(u32, u32)>,
    reply: Reply,
}

/// Makes up a trace, with edited limits and a clock that steps forward and back.
fn trace(random: &mut Random) -> Vec<Call> {
    let mut models = [Model::default(), Model::default()];
    let mut now = 1_790_000_000_000_000 + random.below(WINDOW as u64) as i64;
    // A long trace is longer than the 71 minutes in which a time of 32 bits starts again. In a steady trace, the oldest
    // admissions leave while others are added.
    let (is_long, is_steady) = (random.below(40) == 0, random.below(20) == 0);
    let calls = if is_long || is_steady { 300 } else { 1 + random.below(24) };
    let limits: &[u32] = random.one_of(&[&[1, 2][..], &[3, 5, 8], &[20, 60, 61], &[9_999, 10_000]]);
    let costs: &[u32] = random.one_of(&[&[1][..], &[1, 1, 2, 3], &[1, 7, 30]]);
    let steps_back = !is_long && random.below(3) == 0;
    (0..calls)
        .map(|_| {
            now += match random.below(if is_long || is_steady { 4 } else { 16 }) {
                0..4 if is_steady => random.below(3_000_000) as i64,
                0..4 if is_long => 20_000_000 + random.below(39_000_000) as i64,
                0..4 => random.below(3) as i64,
                4..8 => random.below(3_000_000) as i64,
                8..10 => 20_000_000 + random.below(41_000_000) as i64,
                10 => WINDOW,
                11 => WINDOW - 1,
                12 => random.below(9_000_000_000) as i64,
                13 if steps_back => -(random.below(5) as i64),
                14 if steps_back => -(random.below(90_000_000) as i64),
                15 if steps_back => -(random.below(9_000_000_000) as i64),
                _ => 1_000,
            };
            let charges = 1 + usize::from(random.below(5) == 0);
            let charges: Vec<_> =
                (0..charges).map(|_| (random.one_of(limits), random.one_of(costs))).collect();
            let reply = decide(&mut models[..charges.len()], &charges, now);
            Call { now, charges, reply }
        })
        .collect()
}

/// Reads a reply of the script.
fn read(reply: &[u8]) -> Reply {
    let number = |range: Range<usize>| i64::from(u32::from_le_bytes(reply[range].try_into().unwrap()));
    Reply {
        number: number(0..4),
        remaining: number(4..8),
        micros: number(8..12),
        at: i64::from_le_bytes(reply[12..].try_into().unwrap()),
    }
}

/// A connection to the server of the tests, and the loaded script.
pub(crate) struct Redis {
    pub(crate) connection: MultiplexedConnection,
    hash: String,
}

impl Redis {
    pub(crate) async fn connect() -> Self {
        let client = Client::open(redis_url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        connection.set_response_timeout(std::time::Duration::from_secs(60));
        let hash =
            Script::new(include_str!("../../src/decide.lua")).load_async(&mut connection).await.unwrap();
        Self { connection, hash }
    }

    fn add(&self, pipe: &mut Pipeline, keys: &[String], call: &Call) {
        let command = pipe.cmd("EVALSHA").arg(&self.hash).arg(keys.len()).arg(keys);
        for (limit, cost) in &call.charges {
            command.arg(*limit).arg(*cost);
        }
        command.arg(call.now);
    }

    /// Decides about one request, at `now` if given.
    pub(crate) async fn take(&mut self, key: &str, limit: u32, now: Option<i64>) -> RedisResult<Reply> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(1).arg(key).arg(limit).arg(1);
        if let Some(now) = now {
            command.arg(now);
        }
        let reply: Vec<u8> = command.query_async(&mut self.connection).await?;
        Ok(read(&reply))
    }

    async fn int(&mut self, command: &[&str]) -> i64 {
        let mut cmd = redis::cmd(command[0]);
        for argument in &command[1..] {
            cmd.arg(*argument);
        }
        cmd.query_async(&mut self.connection).await.unwrap()
    }
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn window_stays_in_redis_for_61_seconds_after_each_admission_and_at_most_121() {
    let mut redis = Redis::connect().await;
    let mut random = Random::new(u64::from(std::process::id()));
    let (mut renewed, mut kept) = (0, 0);
    for number in 0..300 {
        let key = format!("test:expiry:{}:{number}", std::process::id());
        let mut expires_at = 0;
        for call in trace(&mut random) {
            // A window without an expiry shows whether the script sets one.
            redis.int(&["PERSIST", &key]).await;
            let reply = redis.take(&key, call.charges[0].0, Some(call.now)).await.unwrap();
            let left = redis.int(&["PTTL", &key]).await;
            if left >= 0 {
                assert!((120_000..=121_000).contains(&left), "{left}");
                expires_at = call.now + 121_000_000;
            }
            if reply.number == 0 {
                let left = expires_at - call.now;
                assert!((61_000_000..=121_000_000).contains(&left), "trace {number}: {left}, {call:?}");
                *(if left == 121_000_000 { &mut renewed } else { &mut kept }) += 1;
            }
        }
        redis.int(&["DEL", &key]).await;
    }
    assert!(renewed > 500 && kept > 500, "{renewed} {kept}");
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn window_uses_a_few_bytes_for_each_admission_and_expires() {
    let mut redis = Redis::connect().await;
    for limit in [1_u32, 60, 1_000, 10_000] {
        let key = format!("test:memory:{}:{limit}", std::process::id());
        let mut most = 0;
        // Three minutes at the limit, so that times leave and enter.
        for n in 0..i64::from(limit) * 3 {
            let now = 1_790_000_000_000_000 + n * WINDOW / i64::from(limit);
            let reply = redis.take(&key, limit, Some(now)).await.unwrap();
            assert_eq!(reply.number, 0, "request {n} of a steady load at the limit of {limit}");
            if n % 100 == 0 {
                most = most.max(redis.int(&["MEMORY", "USAGE", &key]).await);
            }
        }
        let last = redis.int(&["MEMORY", "USAGE", &key]).await;
        println!(
            "limit {limit}: {last} bytes, at most {most}: {:.1} per admission",
            most as f64 / f64::from(limit)
        );
        assert!(most <= 320 + 16 * i64::from(limit), "{most} bytes for {limit} admissions");
        let expiry = redis.int(&["PTTL", &key]).await;
        assert!((61_000..=121_000).contains(&expiry), "{expiry}");
        redis.int(&["DEL", &key]).await;
    }
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn script_uses_the_clock_of_the_server_in_microseconds() {
    let mut redis = Redis::connect().await;
    let key = format!("test:clock:{}", std::process::id());
    let time: (i64, i64) = redis::cmd("TIME").query_async(&mut redis.connection).await.unwrap();
    let first = redis.take(&key, 1, None).await.unwrap();
    let second = redis.take(&key, 1, None).await.unwrap();
    let before = time.0 * 1_000_000 + time.1;
    assert!(first.at >= before && first.at - before < WINDOW / 2, "{first:?} {time:?}");
    assert_eq!((first.number, first.remaining, first.micros), (0, 0, WINDOW));
    assert_eq!((second.number, second.micros), (1, WINDOW - (second.at - first.at)));
    redis.int(&["DEL", &key]).await;
}
