use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use apikeys_core::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{callers::Callers, fleet::Fleet, times::Times};

/// The environment variable with the number of revocations for each store.
pub(crate) const REVOCATIONS: &str = "REVOCATIONS";
const DEFAULT_REVOCATIONS: usize = 40;
/// A round makes two revocations, a deactivation and a deletion.
const REVOCATIONS_OF_ROUND: usize = 2;
/// The number of rounds that run at the same time, each with an organization of its own.
const LANES: usize = 4;
/// The time from the call that sets the expiration of a key until the key expires.
const EXPIRES_IN: Duration = Duration::from_millis(150);

/// The measurements of one or more rounds.
#[derive(Default)]
pub(crate) struct Results {
    pub(crate) deletions: Times,
    pub(crate) deactivations: Times,
    /// The number of responses that were checked.
    pub(crate) checked: usize,
}

/// Returns the number of revocations from the environment.
pub(crate) fn revocations() -> usize {
    env::var(REVOCATIONS).map_or(DEFAULT_REVOCATIONS, |number| number.parse().unwrap())
}

/// Makes `revocations` revocations and other changes through all instances in turn, while callers send requests to all
/// instances. Panics if a request that begins after a change has returned has the result from before the change.
pub(crate) async fn run(fleet: &Arc<Fleet>, revocations: usize) -> Results {
    let rounds = revocations.div_ceil(REVOCATIONS_OF_ROUND);
    let next = Arc::<AtomicUsize>::default();
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (fleet, next) = (Arc::clone(fleet), Arc::clone(&next));
        lanes.spawn(async move {
            let org = format!("org_lane_{lane}");
            fleet.set_plan(0, &org, "enterprise").await;
            let mut results = Results::default();
            loop {
                let round = next.fetch_add(1, Ordering::SeqCst);
                if round >= rounds {
                    return results;
                }
                results.run_round(&fleet, &org, round).await;
            }
        });
    }
    let mut all = Results::default();
    for results in lanes.join_all().await {
        all.deletions.extend(results.deletions);
        all.deactivations.extend(results.deactivations);
        all.checked += results.checked;
    }
    all
}

impl Results {
    async fn run_round(&mut self, fleet: &Fleet, org: &str, round: usize) {
        let mut turns = fleet.numbers().cycle().skip(round % fleet.instances.len());
        let mut turn = || turns.next().unwrap();
        let key = fleet.create(turn(), org, &format!("round {round}")).await;
        let mut callers = Callers::start(fleet, &format!("round-{round}"), &key);
        callers.after("the creation", async {}, 200).await;

        let edit = |instance, body| fleet.edit(instance, org, &key, body);
        let deactivated = self.deactivations.measure(edit(turn(), json!({ "active": false })));
        callers.after("the deactivation", deactivated, 401).await;
        callers.after("the activation", edit(turn(), json!({ "active": true })), 200).await;
        let (one, other) = (turn(), turn());
        match round % 3 {
            0 => {
                callers.after("the downgrade", fleet.set_plan(one, org, "free"), 403).await;
                callers.after("the upgrade", fleet.set_plan(other, org, "enterprise"), 200).await;
            }
            1 => {
                let expired = async {
                    let at = UNIX_EPOCH.elapsed().unwrap() + EXPIRES_IN;
                    let text = Timestamp::from_micros(i64::try_from(at.as_micros()).unwrap()).to_string();
                    edit(one, json!({ "expires_at": text })).await;
                    // An instance notices the expiration without reading the key again. All processes use the clock of
                    // this machine.
                    while UNIX_EPOCH.elapsed().unwrap() < at {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                callers.after("the expiration", expired, 401).await;
                callers.after("the extension", edit(other, json!({ "expires_at": null })), 200).await;
            }
            _ => {
                // Each instance has admitted more than one request in the last minute, which exceeds the lower limit.
                callers.after("the lower rate limit", edit(one, json!({ "rate_limit": 1 })), 429).await;
                callers
                    .after("the higher rate limit", edit(other, json!({ "rate_limit": 10_000 })), 200)
                    .await;
            }
        }
        let deleted = self.deletions.measure(fleet.delete(turn(), org, &key));
        callers.after("the deletion", deleted, 401).await;
        self.checked += callers.stop().await;
    }
}
