//! What the script decides, in its simplest form: all times of admissions in a list.

use std::time::Duration;

use apikeys_core::{RateLimit, clock::Monotonic, rate_limit::SlidingWindow};
use proptest::prelude::*;

pub(crate) const WINDOW: i64 = 60_000_000;

/// A window of the script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    /// The times of all admissions, oldest first, in microseconds of the server's clock.
    times: Vec<i64>,
}

impl Model {
    /// If the clock went back behind the last admission, moves all times back by as much.
    fn look(&mut self, now: i64) {
        let step = self.times.last().map_or(0, |last| last - now);
        if step > 0 {
            self.times.iter_mut().for_each(|time| *time -= step);
        }
    }

    /// Returns the times of the admissions that count.
    fn counted(&self, now: i64) -> &[i64] {
        let left = self.times.iter().filter(|time| now - **time >= WINDOW).count();
        &self.times[left..]
    }

    fn denied(&self, now: i64, limit: u32, cost: u32) -> Option<i64> {
        if cost > limit {
            return Some(WINDOW);
        }
        let counted = self.counted(now);
        let over = (counted.len() + cost as usize).checked_sub(limit as usize)?;
        let last_to_leave = counted.get(over.checked_sub(1)?)?;
        Some(last_to_leave + WINDOW - now)
    }
}

/// A reply of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The number of the first charge that exceeds its limit, or 0 if all were counted.
    pub(crate) number: i64,
    pub(crate) remaining: i64,
    /// The time until the window of the first charge resets, or the time to wait.
    pub(crate) micros: i64,
    pub(crate) at: i64,
}

/// Decides like the script with the windows `models`, each with a limit and a cost, and returns the script's reply.
pub(crate) fn decide(models: &mut [Model], charges: &[(u32, u32)], now: i64) -> Reply {
    for (number, (model, (limit, cost))) in models.iter_mut().zip(charges).enumerate() {
        model.look(now);
        if let Some(wait) = model.denied(now, *limit, *cost) {
            return Reply { number: number as i64 + 1, remaining: 0, micros: wait, at: now };
        }
    }
    for (model, (_, cost)) in models.iter_mut().zip(charges) {
        model.times.extend(std::iter::repeat_n(now, *cost as usize));
    }
    let counted = models[0].counted(now);
    let remaining = i64::from(charges[0].0) - counted.len() as i64;
    Reply { number: 0, remaining, micros: counted[0] + WINDOW - now, at: now }
}

fn steps() -> impl Strategy<Value = Vec<(i64, u32, u32)>> {
    let step = prop_oneof![
        4 => 0_i64..3,
        4 => 0_i64..3_000_000,
        2 => 20_000_000_i64..61_000_000,
        1 => Just(WINDOW),
        1 => Just(WINDOW - 1),
    ];
    prop::collection::vec((step, 1_u32..12, 1_u32..4), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// While the clock runs forward, the model decides like the window of a single process: the same verdicts, remainders
    /// and times.
    #[test]
    fn model_decides_like_the_sliding_window_of_one_process(steps in steps()) {
        let (mut model, mut window) = ([Model::default()], SlidingWindow::new());
        let mut now = 1_000;
        for (step, limit, cost) in steps {
            now += step;
            let reply = decide(&mut model, &[(limit, cost)], now);
            let limit = RateLimit::per_minute(limit).unwrap();
            let micros = |duration: Duration| duration.as_micros() as i64;
            let (number, remaining, after) = match window.try_acquire(Monotonic::from_micros(now as u64), limit, cost) {
                Ok(status) => (0, status.remaining, status.reset_after),
                Err(limited) => (1, 0, limited.retry_after),
            };
            let expected = Reply { number, remaining: remaining.into(), micros: micros(after), at: now };
            prop_assert_eq!(reply, expected);
        }
    }

    /// When the server's clock goes back, no more than the limit is admitted in any 60 seconds of real time, and each
    /// request is admitted after a minute at most if no other is.
    #[test]
    fn clock_that_goes_back_admits_no_more_and_delays_by_a_window_at_most(
        steps in steps(),
        backs in prop::collection::vec(prop_oneof![3 => Just(0_i64), 1 => 0_i64..10_000_000_000], 200),
    ) {
        let mut model = [Model::default()];
        let (mut real, mut offset) = (1_i64 << 45, 0);
        let mut admitted: Vec<(i64, u32)> = Vec::new();
        for ((step, limit, cost), back) in steps.into_iter().zip(backs) {
            real += step;
            offset -= back;
            if decide(&mut model, &[(limit, cost)], real + offset).number == 0 {
                admitted.push((real, cost));
                let in_the_last_minute: u32 =
                    admitted.iter().filter(|(at, _)| real - at < WINDOW).map(|(_, cost)| cost).sum();
                prop_assert!(in_the_last_minute <= limit, "{in_the_last_minute} of {limit}");
            } else if cost <= limit {
                let mut later = model.clone();
                prop_assert_eq!(decide(&mut later, &[(limit, cost)], real + offset + WINDOW).number, 0);
            }
        }
    }
}
