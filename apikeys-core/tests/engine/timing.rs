use std::{hint::black_box, time::Instant};

use apikeys_core::token::{Fingerprint, TokenFormat};

/// Wrong in the first character, wrong in the last, and unknown altogether take the same time to
/// read, digest and compare. In the manner of dudect: many measurements in random order, the
/// slowest tenth cut off, Welch's t-test; a machine's noise may spoil a round, so one of five
/// has to be clean.
#[test]
fn how_a_secret_is_wrong_does_not_show_in_the_time_it_takes() {
    const CASES: usize = 4_096;
    let format = TokenFormat::new("test_key".parse().unwrap());
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut worst = f64::MAX;
    for _ in 0..5 {
        // Many secrets, each in its place by chance, so that neither a single text nor where it
        // lies in memory weighs in.
        let cases: Vec<Case> = (0..CASES).map(|_| Case::new(&format, &mut random)).collect();
        let mut samples: [Vec<f64>; 3] = Default::default();
        for _ in 0..90_000 {
            let case = black_box(&cases[(random.next() % CASES as u64) as usize]);
            let start = Instant::now();
            let checked = format.check(&case.presented).unwrap();
            black_box(Fingerprint::of(checked) == case.stored);
            samples[case.kind].push(start.elapsed().as_nanos() as f64);
        }
        let [first, last, unknown] = samples.map(cut);
        let t = [welch(&first, &last), welch(&first, &unknown), welch(&last, &unknown)];
        worst = worst.min(t.into_iter().map(f64::abs).fold(0.0, f64::max));
        if worst < 4.5 {
            return;
        }
    }
    panic!("|t| = {worst}");
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

struct Case {
    kind: usize,
    presented: [u8; 45],
    stored: Fingerprint,
}

impl Case {
    /// Wrong in the first character (0), in the last (1), or another secret altogether (2).
    fn new(format: &TokenFormat, random: &mut Random) -> Self {
        let entropy = apikeys_core::entropy::OsEntropy::new();
        let real = format.generate(&entropy).unwrap();
        let unknown = format.generate(&entropy).unwrap();
        let kind = (random.next() % 3) as usize;
        let presented = match kind {
            0 => altered(real.expose(), 9, random),
            1 => altered(real.expose(), 38, random),
            _ => unknown.expose().to_owned().into_bytes(),
        };
        assert!(format.check(&presented).is_ok());
        Self { kind, presented: presented.try_into().unwrap(), stored: Fingerprint::of(real.expose()) }
    }
}

/// The secret with another character at `at` and a checksum that fits again.
fn altered(secret: &str, at: usize, random: &mut Random) -> Vec<u8> {
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut bytes = secret.as_bytes().to_vec();
    while bytes[at] == secret.as_bytes()[at] {
        bytes[at] = alphabet[(random.next() % 62) as usize];
    }
    let end = bytes.len() - 6;
    let mut rest = crc32fast::hash(&bytes[..end]);
    for place in (end..bytes.len()).rev() {
        bytes[place] = alphabet[(rest % 62) as usize];
        rest /= 62;
    }
    bytes
}

fn cut(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_by(f64::total_cmp);
    samples.truncate(samples.len() * 9 / 10);
    samples
}

fn welch(a: &[f64], b: &[f64]) -> f64 {
    let moments = |samples: &[f64]| {
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}
