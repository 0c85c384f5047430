use std::time::Duration;

/// The times of many equal operations.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds the time of an operation.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Returns the time within which half of the operations ended.
    #[must_use]
    pub fn median(&mut self) -> Duration {
        self.quantile(0.5)
    }

    /// Returns the time within which this part of the operations ended.
    #[must_use]
    pub fn quantile(&mut self, part: f64) -> Duration {
        self.0.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a small number"
        )]
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let place = ((self.0.len() as f64) * part) as usize;
        self.0.get(place.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// Returns the time of all operations together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }
}
