//! The metrics of the limiter, as a service sees them.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::faults::World;

/// The numbers of all metrics since the last call. A counter starts at 0 again.
fn read(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    metrics
        .map(|(key, _, _, value)| {
            let labels = key.key().labels().map(|label| format!(" {}={}", label.key(), label.value()));
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(_) => panic!("the limiter has no histograms"),
            };
            (key.key().name().to_owned() + &labels.collect::<String>(), value)
        })
        .collect()
}

// The recorder is that of this thread, so the runtime has no other.
#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn metrics_tell_who_decided_and_whether_redis_is_away() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::new().await;
    assert_eq!(read(&snapshotter), BTreeMap::from([("apikeys_redis_away".to_owned(), 0.0)]));

    // Redis admits three and denies one, which the limiter remembers.
    for _ in 0..6 {
        world.instance.take(world.key, 3).await;
    }
    let metrics = read(&snapshotter);
    assert_eq!(metrics["apikeys_redis_decisions_total source=redis"], 4.0);
    assert_eq!(metrics["apikeys_redis_decisions_total source=remembered"], 2.0);
    assert_eq!((metrics.len(), metrics["apikeys_redis_away"]), (3, 0.0));

    // One request waits in vain, and the fallback decides about all.
    world.network.freeze();
    for _ in 0..5 {
        world.instance.take(world.key, 100).await;
    }
    let metrics = read(&snapshotter);
    assert_eq!(metrics["apikeys_redis_decisions_total source=fallback"], 5.0);
    assert_eq!(metrics["apikeys_redis_decisions_total source=redis"], 0.0);
    assert_eq!((metrics["apikeys_redis_failures_total"], metrics["apikeys_redis_away"]), (1.0, 1.0));

    for name in metrics.keys().map(|key| key.split(' ').next().unwrap()) {
        assert!(include_str!("../../src/lib.rs").contains(&format!("| `{name}` |")), "{name} is in no docs");
    }

    world.network.thaw();
    world.is_back().await;
    let metrics = read(&snapshotter);
    assert_eq!(metrics["apikeys_redis_decisions_total source=redis"], 1.0);
    assert_eq!(
        (metrics["apikeys_redis_decisions_total source=fallback"], metrics["apikeys_redis_away"]),
        (0.0, 0.0)
    );
}
