use std::time::Duration;

use apikeys_core::RateLimit;
use redis::{ErrorKind, RedisError, RedisResult, aio::ConnectionLike};

/// The script that decides in Redis. See `decide.lua`.
#[derive(Debug)]
pub(crate) struct Script(redis::Script);

/// What the script counts against one limit.
#[derive(Debug)]
pub(crate) struct Take {
    /// The key of the window in Redis.
    pub(crate) key: String,
    pub(crate) limit: RateLimit,
    pub(crate) cost: u32,
}

/// The script's decision. The times are those of the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// All takes were counted. The values describe the limit of the first.
    Admitted {
        remaining: u32,
        reset_after: Duration,
        /// The time of the decision, in microseconds since 1970.
        at: i64,
    },
    /// Nothing was counted.
    Limited {
        /// The index of the take that exceeds its limit.
        index: usize,
        retry_after: Duration,
        at: i64,
    },
}

impl Script {
    pub(crate) fn new() -> Self {
        Self(redis::Script::new(include_str!("decide.lua")))
    }

    /// Decides with one command. If the server does not know the script, loads it and decides then.
    pub(crate) async fn decide(
        &self,
        connection: &mut impl ConnectionLike,
        takes: &[Take],
    ) -> RedisResult<Decision> {
        let mut call = self.0.prepare_invoke();
        for Take { key, limit, cost } in takes {
            call.key(key).arg(limit.requests()).arg(*cost);
        }
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        Decision::read(&reply, takes).ok_or_else(|| {
            RedisError::from((ErrorKind::UnexpectedReturnType, "the script returned an unexpected value"))
        })
    }
}

impl Decision {
    /// Reads the script's reply. Returns `None` if the reply cannot be one of this script.
    fn read(reply: &[i64], takes: &[Take]) -> Option<Self> {
        match *reply {
            [0, remaining, reset, at] => {
                let remaining = u32::try_from(remaining).ok()?;
                let is_possible = remaining < takes.first()?.limit.requests();
                is_possible.then_some(Self::Admitted { remaining, reset_after: within_window(reset)?, at })
            }
            [number, retry, at] => {
                let index = usize::try_from(number).ok()?.checked_sub(1)?;
                takes.get(index)?;
                Some(Self::Limited { index, retry_after: within_window(retry)?, at })
            }
            _ => None,
        }
    }
}

/// Reads a time of 1 microsecond to a whole window.
fn within_window(micros: i64) -> Option<Duration> {
    let duration = Duration::from_micros(u64::try_from(micros).ok()?);
    (duration > Duration::ZERO && duration <= RateLimit::WINDOW).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_that_the_script_cannot_return_are_refused() {
        let take = || Take { key: "k".to_owned(), limit: RateLimit::per_minute(3).unwrap(), cost: 1 };
        let read = |reply: &[i64]| Decision::read(reply, &[take(), take()]);
        let second = Duration::from_secs(1);
        assert_eq!(
            read(&[0, 2, 1_000_000, 7]),
            Some(Decision::Admitted { remaining: 2, reset_after: second, at: 7 })
        );
        assert_eq!(
            read(&[2, 1_000_000, 7]),
            Some(Decision::Limited { index: 1, retry_after: second, at: 7 })
        );
        for reply in [
            &[][..],
            &[0],
            &[0, 3, 1_000_000, 7],
            &[0, -1, 1_000_000, 7],
            &[0, 2, 0, 7],
            &[0, 2, 60_000_001, 7],
            &[0, 1_000_000, 7],
            &[1, 0, 7],
            &[1, 60_000_001, 7],
            &[3, 1_000_000, 7],
            &[-1, 1_000_000, 7],
            &[1, 2, 1_000_000, 7],
        ] {
            assert_eq!(read(reply), None, "{reply:?}");
        }
    }
}
