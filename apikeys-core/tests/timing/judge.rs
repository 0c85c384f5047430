use std::{hint::black_box, time::Instant};

/// Decides whether an operation's time depends on the class of its input. The method is that of dudect: the
/// classes come in random order, the slowest tenth of each class is dropped, and Welch's t-test is applied.
///
/// All rounds count, because the decision uses the median of their t-values.
pub(crate) struct Judge {
    /// The number of rounds, each of which is a whole measurement.
    pub(crate) rounds: usize,
    /// The number of inputs in each round. Each input is measured once.
    pub(crate) cases: usize,
    /// The number of times that the operation runs within one measurement.
    pub(crate) repeats: usize,
}

/// The t-value above which dudect reports a difference.
///
/// Without a leak, a round exceeds this value with a probability of 7 in a million. The median of eleven
/// rounds exceeds the value only if six rounds do, with the same sign. A busy machine adds noise to all
/// classes alike and moves t towards zero. A leak of constant size has the same sign in every round, so the
/// median keeps it.
pub(crate) const BOUND: f64 = 4.5;

impl Judge {
    /// Returns the largest absolute median t-value of any two of `classes`.
    pub(crate) fn largest_difference<Input>(
        &self,
        classes: usize,
        prepare: impl Fn(usize, &mut Random) -> Input,
        operation: impl Fn(&Input) -> bool,
    ) -> f64 {
        let mut random = Random(0x1234_5678_9abc_def1);
        let rounds: Vec<Vec<Vec<f64>>> = (0..self.rounds)
            .map(|_| {
                // The inputs are prepared in advance, so that preparing one class cannot warm a cache for
                // another class.
                let cases: Vec<_> = (0..self.cases)
                    .map(|_| {
                        let class = random.below(classes);
                        (class, prepare(class, &mut random))
                    })
                    .collect();
                self.measure(classes, &cases, &operation)
            })
            .collect();
        let mut largest = 0.0_f64;
        for one in 0..classes {
            for other in 0..one {
                let t = rounds.iter().map(|times| welch(&times[one], &times[other]));
                largest = largest.max(median(t.collect()).abs());
            }
        }
        largest
    }

    /// Returns the times of each class in nanoseconds, without the slowest tenth.
    fn measure<Input>(
        &self,
        classes: usize,
        cases: &[(usize, Input)],
        operation: &impl Fn(&Input) -> bool,
    ) -> Vec<Vec<f64>> {
        let mut times = vec![Vec::new(); classes];
        for (class, input) in cases {
            let start = Instant::now();
            for _ in 0..self.repeats {
                black_box(operation(black_box(input)));
            }
            times[*class].push(start.elapsed().as_nanos() as f64);
        }
        for class in &mut times {
            class.sort_by(f64::total_cmp);
            class.truncate(class.len() * 9 / 10);
        }
        times
    }
}

/// A small random number generator with a fixed seed, so that a failure can be repeated with the same inputs.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a number smaller than `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn welch(a: &[f64], b: &[f64]) -> f64 {
    let moments = |samples: &[f64]| {
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    // If the clock is too coarse to distinguish any two measurements, there is no t-value.
    assert!(error_a + error_b > 0.0, "every measurement took {mean_a} ns");
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}
