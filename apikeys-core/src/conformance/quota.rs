//! An organization never has more keys than its plan allows.

use super::{
    Harness,
    fixture::{Fixture, create_within, org},
    harness::race,
};
use crate::store::{Committed, KeyStore};

/// 64 creations at one place below the quota: exactly one succeeds. 100 rounds.
pub async fn of_many_creations_at_once_exactly_as_many_succeed_as_there_is_room<H: Harness>(harness: &H) {
    let store = Fixture::open(harness).await;
    for round in 0..100 {
        let org = org(&format!("o{round}"));
        store.create(&org).await;
        let creations: Vec<_> = (0..64)
            .map(|_| {
                let row = store.row(&org);
                let change = store.change(create_within(&row, &[store.secret(row.id)], Some(2)));
                let store = store.shared();
                async move { store.commit(&change).await.expect("commit") }
            })
            .collect();
        let answers = race(harness, creations).await;
        let done = answers.iter().filter(|answer| matches!(answer, Committed::Done { .. })).count();
        let full = answers.iter().filter(|answer| **answer == Committed::QuotaFull { used: 2 }).count();
        assert_eq!((done, full), (1, 63), "round {round}");
        assert_eq!(store.key_count(&org).await, 2);
        assert_eq!(store.all_keys(&org).await.len(), 2);
    }
}
