use std::time::Duration;

use apikeys_core::RateLimit;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, aio::ConnectionLike};

const NAME: &str = "EVALSHA";
/// The length of the longest number in a command.
const LONGEST_NUMBER: usize = 10;

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
        let command = self.command(takes);
        let reply: RedisResult<Vec<u8>> = command.query_async(connection).await;
        let reply = match reply {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.0.load_async(connection).await?;
                command.query_async(connection).await?
            }
            reply => reply?,
        };
        Decision::read(&reply, takes).ok_or_else(|| {
            RedisError::from((ErrorKind::UnexpectedReturnType, "the script returned an unexpected value"))
        })
    }

    /// Returns the command that decides, if the server knows the script.
    fn command(&self, takes: &[Take]) -> Cmd {
        let hash = self.0.get_hash();
        let length = takes.iter().map(|take| take.key.len() + 2 * LONGEST_NUMBER).sum::<usize>();
        let mut command =
            Cmd::with_capacity(3 + 3 * takes.len(), NAME.len() + hash.len() + LONGEST_NUMBER + length);
        command.arg(NAME).arg(hash).arg(takes.len());
        for Take { key, .. } in takes {
            command.arg(key);
        }
        for Take { limit, cost, .. } in takes {
            command.arg(limit.requests()).arg(*cost);
        }
        command
    }
}

impl Decision {
    /// Reads the script's reply. Returns `None` if the reply cannot be one of this script.
    fn read(reply: &[u8], takes: &[Take]) -> Option<Self> {
        let (number, rest) = reply.split_first_chunk()?;
        let (remaining, rest) = rest.split_first_chunk()?;
        let (micros, rest) = rest.split_first_chunk()?;
        let at = i64::from_le_bytes(rest.try_into().ok()?);
        let [number, remaining, micros] = [number, remaining, micros].map(|bytes| u32::from_le_bytes(*bytes));
        let duration = within_window(micros)?;
        let Some(index) = number.checked_sub(1) else {
            let is_possible = remaining < takes.first()?.limit.requests();
            return is_possible.then_some(Self::Admitted { remaining, reset_after: duration, at });
        };
        let index = usize::try_from(index).ok()?;
        takes.get(index)?;
        (remaining == 0).then_some(Self::Limited { index, retry_after: duration, at })
    }
}

/// Reads a time of 1 microsecond to a whole window.
fn within_window(micros: u32) -> Option<Duration> {
    let duration = Duration::from_micros(micros.into());
    (duration > Duration::ZERO && duration <= RateLimit::WINDOW).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_that_the_script_cannot_return_are_refused() {
        let take = || Take { key: "k".to_owned(), limit: RateLimit::per_minute(3).unwrap(), cost: 1 };
        let takes = [take(), take()];
        let reply = |number: u32, remaining: u32, micros: u32, at: i64| {
            let numbers = [number, remaining, micros].map(u32::to_le_bytes);
            [numbers.as_flattened(), &at.to_le_bytes()].concat()
        };
        let second = Duration::from_secs(1);
        assert_eq!(
            Decision::read(&reply(0, 2, 1_000_000, 7), &takes),
            Some(Decision::Admitted { remaining: 2, reset_after: second, at: 7 })
        );
        assert_eq!(
            Decision::read(&reply(2, 0, 60_000_000, 7), &takes),
            Some(Decision::Limited { index: 1, retry_after: RateLimit::WINDOW, at: 7 })
        );
        for impossible in [
            reply(0, 3, 1_000_000, 7),
            reply(0, u32::MAX, 1_000_000, 7),
            reply(0, 2, 0, 7),
            reply(0, 2, 60_000_001, 7),
            reply(1, 0, 0, 7),
            reply(1, 0, 60_000_001, 7),
            reply(1, 1, 1_000_000, 7),
            reply(3, 0, 1_000_000, 7),
            reply(u32::MAX, 0, 1_000_000, 7),
            reply(0, 2, 1_000_000, 7)[..19].to_vec(),
            [reply(0, 2, 1_000_000, 7), vec![0]].concat(),
            vec![0; 20],
            b"a text of 20 letters".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(Decision::read(&impossible, &takes), None, "{impossible:?}");
        }
    }
}
