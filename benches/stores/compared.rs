use std::time::{Duration, Instant};

use apikeys_core::{KeyStore, audit::AuditEvent, token::Locator};

use crate::{
    Result,
    times::Times,
    workload::{KEYS, Workload},
};

const FINDS: usize = 3_000;
const BATCHES: u64 = 200;

/// A store, and the plain statements that it is compared with. Both use the same database.
pub(crate) trait Compared: Sized {
    type Store: KeyStore + Clone;

    const NAME: &'static str;

    fn store(&self) -> &Self::Store;

    /// Reads a row of `apikeys_secrets` by its unique index, on a pool with the settings of the store's pool.
    fn select(&self, locator: &Locator) -> impl Future<Output = Result<bool>>;

    /// Inserts rows into the table `raw_audit`, which has the columns and indexes of `apikeys_audit`, in one transaction.
    fn insert(&self, events: &[AuditEvent]) -> impl Future<Output = Result<()>>;

    async fn compare(self) -> Result<()> {
        let workload = Workload::new(self.store().clone()).await?;
        let (mut ours, mut plain) = (Times::default(), Times::default());
        for locator in workload.locators.iter().cycle().take(FINDS) {
            let began = Instant::now();
            let found = self.store().find(std::slice::from_ref(locator)).await?;
            ours.add(began.elapsed());
            let began = Instant::now();
            let selected = self.select(locator).await?;
            plain.add(began.elapsed());
            if found.is_none() || !selected {
                return Err("a secret was not found".into());
            }
        }
        let (find, select) = (ours.median(), plain.median());
        println!(
            "{}: verification {find:?}, SELECT by unique index {select:?}, ratio {:.2} (target at most 1.3)",
            Self::NAME,
            ratio(find, select),
        );
        for (round, keys) in (0..).zip([KEYS, KEYS / 10]) {
            self.compare_batches(&workload, round * BATCHES, keys).await?;
        }
        Ok(())
    }

    /// Records batches of events of `keys` keys. Beside the row of each event, a batch changes the counters and the usage
    /// of each of its keys.
    async fn compare_batches(&self, workload: &Workload, after: u64, keys: usize) -> Result<()> {
        let (mut ours, mut plain) = (Times::default(), Times::default());
        for sequence in after + 1..=after + BATCHES {
            let batch = workload.batch(sequence, keys);
            let began = Instant::now();
            self.store().record(&batch).await?;
            ours.add(began.elapsed());
            let began = Instant::now();
            self.insert(&batch.events).await?;
            plain.add(began.elapsed());
        }
        println!(
            "{}, {KEYS} events of {keys} keys in a batch: {:.0} events recorded a second, {:.0} rows inserted a second, \
             ratio {:.2} (target at least 0.7); p50 {:.1?}, p99 {:.1?}",
            Self::NAME,
            rate(ours.total()),
            rate(plain.total()),
            ratio(plain.total(), ours.total()),
            ours.median(),
            ours.quantile(0.99),
        );
        Ok(())
    }
}

fn ratio(left: Duration, right: Duration) -> f64 {
    left.as_secs_f64() / right.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn rate(time: Duration) -> f64 {
    (BATCHES as f64) * (KEYS as f64) / time.as_secs_f64()
}
