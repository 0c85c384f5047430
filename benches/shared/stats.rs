use std::time::Duration;

/// Returns the median, or 0 if there are no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Returns the nanoseconds of each of `number` equal operations that took `time` together.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
pub fn per(time: Duration, number: usize) -> f64 {
    time.as_nanos() as f64 / number as f64
}

/// Returns `number` random places below `keys`. The same round always has the same places.
#[must_use]
pub fn order(keys: usize, number: usize, round: usize) -> Vec<usize> {
    let mut state = round as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 1).unwrap_or_default() % keys
    };
    (0..number).map(|_| next()).collect()
}

/// Writes a number with commas between thousands.
#[must_use]
pub fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a time with three digits and a unit.
#[must_use]
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 10_000.0 => format!("{} ns", number(short)),
        short if short < 10_000_000.0 => format!("{} µs", number(short / 1_000.0)),
        long => format!("{} ms", number(long / 1_000_000.0)),
    }
}
