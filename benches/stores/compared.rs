use std::time::{Duration, Instant};

use apikeys_benches::{Line, Result, Target, Times, number, time};
use apikeys_core::{
    ApiKeys, KeyStore, RequestMeta, audit::AuditEvent, conformance::faults::InterceptedStore, token::Locator,
};

use crate::{
    unrecorded::Unrecorded,
    workload::{KEYS, Workload},
};

const FINDS: usize = 3_000;
const READS_IN_A_ROW: usize = 10;
const BATCHES: u64 = 200;

/// A store, and the plain statements that it is compared with. Both use the same database.
pub(crate) trait Compared: Sized {
    type Store: KeyStore + Clone;

    const NAME: &'static str;

    fn store(&self) -> &Self::Store;

    /// Reads a row of `apikeys_secrets` by its unique index, on a pool with the settings of the store's pool.
    fn select(&self, locator: &Locator) -> impl Future<Output = Result<bool>>;

    /// Inserts rows into the table `raw_audit`, which has the columns and indexes of `apikeys_audit`, in one
    /// transaction.
    fn insert(&self, events: &[AuditEvent]) -> impl Future<Output = Result<()>>;

    async fn compare(self) -> Result<()> {
        let workload = Workload::new(self.store().clone()).await?;
        let store = InterceptedStore::new(Unrecorded(self.store().clone()));
        let (keys, maintenance) = ApiKeys::builder(store).without_cache().build().await?;
        let running = tokio::spawn(maintenance.run());
        let (mut verified, mut found, mut plain) = (Times::default(), Times::default(), Times::default());
        let known: Vec<_> = workload.locators.iter().zip(&workload.secrets).collect();
        // Each way does a few reads in a row. How long a single read takes depends on the read before it: a thread
        // that has just run wakes sooner.
        for turn in known.chunks(READS_IN_A_ROW).cycle().take(FINDS / READS_IN_A_ROW) {
            for (_, secret) in turn {
                let began = Instant::now();
                verify(&keys, secret).await?;
                verified.add(began.elapsed());
            }
            for (locator, _) in turn {
                let began = Instant::now();
                let key = self.store().find(std::slice::from_ref(*locator)).await?;
                found.add(began.elapsed());
                key.ok_or("the store did not find a secret")?;
            }
            for (locator, _) in turn {
                let began = Instant::now();
                let selected = self.select(locator).await?;
                plain.add(began.elapsed());
                if !selected {
                    return Err("the plain statement did not find a secret".into());
                }
            }
        }
        keys.shutdown().await?;
        running.await?;
        let plain = plain.median();
        for (what, took, target) in [
            ("verification on a miss", verified.median(), Target::AtMost(1.3)),
            ("of which the store's part", found.median(), Target::Shown),
        ] {
            let yardstick = format!("{}, SELECT by unique index", shown(plain));
            let what = format!("{what}, {}", Self::NAME);
            println!("{}", Line::compared("P10", what, shown(took), yardstick, ratio(took, plain), target));
        }
        for (round, keys) in (0..).zip([KEYS, KEYS / 10]) {
            self.compare_batches(&workload, round * BATCHES, keys).await?;
        }
        Ok(())
    }

    /// Records batches of events of `keys` keys. Beside the row of each event, a batch changes the counters and the
    /// usage of each of its keys.
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
            "{}",
            Line::compared(
                "P5",
                format!("{}, {KEYS} events of {keys} keys in a batch", Self::NAME),
                format!("{} rows/s, p99 {}", number(rate(ours.total())), shown(ours.quantile(0.99))),
                format!("{} rows/s inserted in bulk", number(rate(plain.total()))),
                ratio(plain.total(), ours.total()),
                Target::AtLeast(0.7),
            )
        );
        Ok(())
    }
}

/// Verifies a secret. The request is recorded nowhere.
pub(crate) async fn verify(keys: &ApiKeys, secret: &str) -> Result<()> {
    let request = RequestMeta::new("GET", "/v1/items/17").with_user_agent(b"bench/1.0");
    let admission = keys.verify(secret.as_bytes(), request).await.map_err(|denial| format!("{denial:?}"))?;
    admission.finish(200).await.map_err(|denial| format!("{denial:?}").into())
}

pub(crate) fn shown(duration: Duration) -> String {
    time(duration.as_secs_f64() * 1e9)
}

fn ratio(left: Duration, right: Duration) -> f64 {
    left.as_secs_f64() / right.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn rate(time: Duration) -> f64 {
    (BATCHES as f64) * (KEYS as f64) / time.as_secs_f64()
}
