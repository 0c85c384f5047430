//! Requirements on the quota: no creation makes an organization have more keys than the quota of its plan.

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, create, create_within, delete, first, number, org, set_plan},
    harness::race,
};
use crate::store::{ChangeKind, CommitOutcome, KeyRow, KeyStore};

/// If 64 keys are created concurrently when the quota has room for one, exactly one creation succeeds.
pub async fn concurrent_creations_with_room_for_one_succeed_exactly_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..100 {
        let org = org(&format!("o{round}"));
        store.create(&org).await;
        let answers = create_at_once(harness, &store, &org, 64, Some(2)).await;
        assert_eq!(counted(&answers, 2), (1, 63), "round {round}");
        assert_eq!(store.key_count(&org).await, 2, "round {round}");
        assert_eq!(store.all_keys(&org).await.len(), 2, "round {round}");
    }
}

/// If keys are created concurrently for an organization that is not stored yet, the number of keys does not
/// exceed the quota.
pub async fn concurrent_creations_for_a_new_organization_do_not_exceed_the_quota(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{round}"));
        let answers = create_at_once(harness, &store, &org, 16, Some(3)).await;
        assert_eq!(counted(&answers, 3), (3, 13), "round {round}");
        assert_eq!(store.key_count(&org).await, 3, "round {round}");
        assert_eq!(store.all_keys(&org).await.len(), 3, "round {round}");
    }
}

/// Without a quota, all concurrent creations succeed and the stored number of keys includes every key.
pub async fn concurrent_creations_without_a_quota_all_succeed(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let answers = create_at_once(harness, &store, &org, 64, None).await;
    assert_eq!(counted(&answers, 0), (64, 0));
    assert_eq!(store.key_count(&org).await, 64);
    assert_eq!(store.all_keys(&org).await.len(), 64);
}

/// After concurrent creations and deletions, [`OrgRow::key_count`](crate::store::OrgRow::key_count) equals
/// the number of keys that can be listed.
pub async fn key_count_after_concurrent_creations_and_deletions_is_exact(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    for round in 0..20 {
        for _ in store.key_count(&org).await..4 {
            store.create(&org).await;
        }
        let rows = store.all_keys(&org).await;
        let mut changes = Vec::new();
        for row in &rows {
            let new = store.row(&org);
            changes.push(store.prepared(create_within(&new, &[store.secret(new.id)], Some(4))).await);
            changes.push(store.change(delete(row)));
            // Two deletions of one key free one place.
            changes.push(store.change(delete(row)));
        }
        let tasks = changes.into_iter().map(|change| {
            let store = store.shared();
            async move {
                (
                    matches!(change.kind, ChangeKind::Delete { .. }),
                    store.commit(&change).await.expect("commit"),
                )
            }
        });
        let answers = race(harness, tasks.collect::<Vec<_>>()).await;
        let done = |deleted: bool| {
            answers
                .iter()
                .filter(|(kind, answer)| *kind == deleted && matches!(answer, CommitOutcome::Done { .. }))
                .count()
        };
        assert_eq!(done(true), rows.len(), "round {round}");
        let left = store.all_keys(&org).await.len();
        assert_eq!(left, done(false), "round {round}");
        assert_eq!(store.key_count(&org).await as usize, left, "round {round}");
    }
}

/// A creation beyond the quota returns `QuotaFull` with the number of keys and writes nothing, not even a new
/// organization.
pub async fn creation_beyond_the_quota_returns_the_key_count_and_writes_nothing(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let row = store.row(&org);
    let none = create_within(&row, &[store.secret(row.id)], Some(0));
    assert_eq!(store.attempt(none).await, CommitOutcome::QuotaFull { used: 0 });
    assert_eq!(store.org(&org).await.expect("org"), None);

    for _ in 0..3 {
        store.create(&org).await;
    }
    for most in [0, 1, 3] {
        let secret = store.secret(row.id);
        let kind = create_within(&row, std::slice::from_ref(&secret), Some(most));
        assert_eq!(store.attempt(kind).await, CommitOutcome::QuotaFull { used: 3 });
        assert_eq!(store.found(&secret.locator).await, None);
    }
    assert_eq!(store.all_keys(&org).await.len(), 3);
    store.done(create_within(&row, &[store.secret(row.id)], Some(4))).await;
}

/// Deactivated and expired keys count towards the quota as active keys do.
pub async fn keys_of_every_status_count(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let off = KeyRow { active: false, ..store.row(&org) };
    let expired =
        KeyRow { expires_at: Some(crate::Timestamp::MIN), expiry_set_at: Some(NOW), ..store.row(&org) };
    for row in [off, expired] {
        store.done(create_within(&row, &[store.secret(row.id)], Some(2))).await;
    }
    let third = store.row(&org);
    assert_eq!(
        store.attempt(create_within(&third, &[], Some(2))).await,
        CommitOutcome::QuotaFull { used: 2 }
    );
}

/// If the quota is full, a key can be created as soon as another key was deleted.
pub async fn deletion_makes_room_for_a_creation(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let (row, _) = store.create(&org).await;
    let next = store.row(&org);
    assert_eq!(store.attempt(create_within(&next, &[], Some(1))).await, CommitOutcome::QuotaFull { used: 1 });
    store.done(delete(&row)).await;
    store.done(create_within(&next, &[], Some(1))).await;
}

/// A creation that is refused for a reason other than the quota does not increase the stored number of keys.
pub async fn refused_creation_does_not_increase_the_key_count(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let (_, taken) = store.create(&org).await;
    for _ in 0..3 {
        let row = store.row(&org);
        let secret = crate::store::SecretRow::new(taken.locator.clone(), row.id, NOW);
        assert_eq!(
            store.attempt(create_within(&row, &[secret], Some(2))).await,
            CommitOutcome::DuplicateLocator
        );
    }
    assert_eq!(store.key_count(&org).await, 1);
    store.done(create_within(&store.row(&org), &[], Some(2))).await;
}

/// If the stored plan is not the expected plan, a creation returns `PlanChanged`, whether or not the quota is
/// full.
pub async fn plan_is_checked_before_the_quota(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    store.done(set_plan(&org, "free", None)).await;
    let row = store.row(&org);
    for most in [Some(0), Some(9), None] {
        let secret = store.secret(row.id);
        let kind = create_within(&row, std::slice::from_ref(&secret), most);
        assert_eq!(store.attempt(kind).await, CommitOutcome::PlanChanged);
        assert_eq!(store.found(&secret.locator).await, None);
    }
    assert_eq!(store.key_count(&org).await, 0);
}

/// If a key is created while the organization's plan is changed, the creation is either committed before the
/// change of plan or refused with `PlanChanged`.
pub async fn creation_concurrent_with_a_downgrade_precedes_it_or_is_refused(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{round}"));
        store.done(set_plan(&org, "starter", None)).await;
        let mut changes = vec![store.prepared(set_plan(&org, "free", Some("starter"))).await];
        for _ in 0..8 {
            let row = store.row(&org);
            changes.push(store.prepared(create(&row, &[store.secret(row.id)])).await);
        }
        let tasks = changes.into_iter().map(|change| {
            let store = store.shared();
            async move { (change.key().is_none(), store.commit(&change).await.expect("commit")) }
        });
        let answers = race(harness, tasks.collect::<Vec<_>>()).await;
        let downgraded = answers.iter().find(|(is_plan, _)| *is_plan).map(|(_, answer)| *answer);
        let Some(CommitOutcome::Done { revision: downgraded }) = downgraded else {
            panic!("round {round}: the downgrade came to {downgraded:?}");
        };
        let mut created = 0;
        for (_, answer) in answers.iter().filter(|(is_plan, _)| !is_plan) {
            match answer {
                CommitOutcome::Done { revision } => {
                    created += 1;
                    assert!(*revision < downgraded, "round {round}: a key was created on the lower plan");
                }
                other => assert_eq!(*other, CommitOutcome::PlanChanged, "round {round}"),
            }
        }
        assert_eq!(store.key_count(&org).await, created, "round {round}");
    }
}

async fn create_at_once(
    harness: &dyn AnyHarness,
    store: &Fixture,
    org: &crate::OrgId,
    creations: usize,
    max_keys: Option<u32>,
) -> Vec<CommitOutcome> {
    let creations: Vec<_> = (0..creations)
        .map(|_| {
            let row = store.row(org);
            let creation = create_within(&row, &[store.secret(row.id)], max_keys);
            let on_plan = store.change(creation.clone());
            let as_first = store.change(first(creation));
            let store = store.shared();
            async move {
                // Like the engine, the test prepares the change again if the stored plan has changed.
                let is_stored = store.org(&row.org).await.expect("org").is_some();
                let change = if is_stored { number(&*store, on_plan.clone()).await } else { as_first };
                match store.commit(&change).await.expect("commit") {
                    CommitOutcome::PlanChanged => {
                        store.commit(&number(&*store, on_plan).await).await.expect("commit")
                    }
                    answer => answer,
                }
            }
        })
        .collect();
    race(harness, creations).await
}

/// Returns the number of creations that succeeded, and the number of creations that found the quota full at
/// `used` keys.
fn counted(answers: &[CommitOutcome], used: u32) -> (usize, usize) {
    let done = answers.iter().filter(|answer| matches!(answer, CommitOutcome::Done { .. })).count();
    let full = answers.iter().filter(|answer| **answer == CommitOutcome::QuotaFull { used }).count();
    (done, full)
}
