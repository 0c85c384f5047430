//! Requirements on changes. Each change is committed once, completely or not at all, and has its own revision.

use std::collections::BTreeSet;

use super::{
    AnyHarness,
    fixture::{
        Fixture, create, create_within, delete, first, is_rejected, on, org, plan, renamed, set_plan, update,
    },
    harness::race,
};
use crate::{
    audit::Action,
    store::{Change, ChangeKind, CommitOutcome, KeyStore, OrgNumber, Revision, SecretRow},
};

/// Repeating a change under the same id returns the same answer and writes nothing.
pub async fn repeated_change_returns_the_same_result_and_writes_nothing(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let row = store.row(&org);
    let secret = store.secret(row.id);
    let edited = renamed(&row, "edited");
    let kinds = [
        first(create_within(&row, std::slice::from_ref(&secret), Some(1))),
        update(&edited),
        set_plan(&org, "free", Some("starter")),
        delete(&row),
    ];
    let (mut changes, mut answers): (Vec<Change>, Vec<CommitOutcome>) = (Vec::new(), Vec::new());
    for kind in kinds {
        let change = store.prepared(kind).await;
        answers.push(store.submit(&change).await);
        changes.push(change);
        // Earlier changes return the same answers, although their conditions no longer hold.
        for (earlier, answer) in changes.iter().zip(&answers) {
            assert_eq!(store.submit(earlier).await, *answer);
        }
    }
    let revisions = [1, 2, 3, 4].map(|number| CommitOutcome::Done { revision: Revision(number) });
    assert_eq!(answers, revisions);
    assert_eq!(store.log(&org).await.len(), changes.len());
    assert_eq!(store.key_count(&org).await, 0);
    assert_eq!(store.view(&row).await, None);
    assert_eq!(store.found(&secret.locator).await, None);
    assert_eq!(store.revision().await, Revision(4));
}

/// If a change is committed many times concurrently under the same id, its effects are written once and every
/// attempt returns the same revision.
pub async fn change_repeated_concurrently_is_made_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{round}"));
        let row = store.row(&org);
        let secret = store.secret(row.id);
        let creation = store.change(first(create_within(&row, &[secret], Some(1))));
        assert_eq!(at_once(harness, &store, &creation).await.len(), 1, "round {round}");
        assert_eq!((store.key_count(&org).await, store.log(&org).await.len()), (1, 1), "round {round}");

        let deletion = store.change(delete(&row));
        assert_eq!(at_once(harness, &store, &deletion).await.len(), 1, "round {round}");
        assert_eq!((store.key_count(&org).await, store.log(&org).await.len()), (0, 2), "round {round}");
        assert_eq!(store.revision().await, Revision(2 * (round + 1)), "round {round}");
    }
}

/// A store remembers at least the last 10,000 committed changes, so that a late repetition returns the same
/// answer and writes nothing.
pub async fn last_10_000_changes_are_remembered(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let row = store.row(&org("o"));
    let creation = store.change(first(create(&row, &[store.secret(row.id)])));
    let answer = store.submit(&creation).await;
    // Together with the first change, these are 10,000 changes.
    let writers: Vec<_> = (0..33)
        .map(|number| {
            let org = org(&format!("o{number}.busy"));
            let changes: Vec<_> = (0..303)
                .map(|number| {
                    let expected = (number > 0).then(|| format!("p{}", number - 1));
                    let kind = set_plan(&org, &format!("p{number}"), expected.as_deref());
                    Change { events: Vec::new(), ..store.change(kind) }
                })
                .collect();
            let store = store.shared();
            async move {
                let mut org_number = OrgNumber::default();
                for (number, mut change) in changes.into_iter().enumerate() {
                    if let ChangeKind::SetPlan { expected: Some(expected), .. } = &mut change.kind {
                        expected.number = org_number;
                    }
                    let answer = store.commit(&change).await.expect("commit");
                    assert!(matches!(answer, CommitOutcome::Done { .. }), "{answer:?}");
                    if number == 0 {
                        org_number = store.org(&org).await.expect("org").expect("the organization").number;
                    }
                }
            }
        })
        .collect();
    race(harness, writers).await;
    assert_eq!(store.revision().await, Revision(10_000));
    assert_eq!(store.submit(&creation).await, answer);
    assert_eq!(store.key_count(&row.org).await, 1);
}

/// Each committed change increases the revision by one, and a refused change does not.
pub async fn revision_increases_with_each_committed_change(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    assert_eq!(store.revision().await, Revision(0));
    let org = org("o");
    let (row, secret) = store.create(&org).await;
    assert_eq!(store.revision().await, Revision(1));
    for kind in refused(&store, &row, &secret) {
        store.attempt(kind).await;
        assert_eq!(store.revision().await, Revision(1));
    }
    assert_eq!(store.done(update(&renamed(&row, "edited"))).await, Revision(2));
    let upgrade = set_plan(&org, "enterprise", Some("starter"));
    assert_eq!(store.done(upgrade).await, Revision(3));
    assert_eq!(store.done(delete(&row)).await, Revision(4));
    assert_eq!(store.done(ChangeKind::ForgetOrg { org }).await, Revision(5));
}

/// Concurrent changes of different organizations get different and consecutive revisions.
pub async fn concurrent_changes_get_different_revisions(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let changes: Vec<_> = (0..64)
        .map(|number| {
            let row = store.row(&org(&format!("o{number}")));
            let (change, store) =
                (store.change(first(create(&row, &[store.secret(row.id)]))), store.shared());
            async move { store.commit(&change).await.expect("commit") }
        })
        .collect();
    let answers = race(harness, changes).await;
    let revisions: BTreeSet<_> = answers
        .into_iter()
        .map(|answer| match answer {
            CommitOutcome::Done { revision } => revision,
            other => panic!("a creation came to {other:?}"),
        })
        .collect();
    assert!(revisions.into_iter().eq((1..=64).map(Revision)));
}

/// A refused change writes no rows and no events, and does not increase the revision.
pub async fn refused_change_writes_nothing(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let (row, secret) = store.create(&org).await;
    for kind in refused(&store, &row, &secret) {
        let answer = store.attempt(kind.clone()).await;
        assert!(!matches!(answer, CommitOutcome::Done { .. }), "{kind:?} was done");
        assert_eq!(store.log(&org).await.len(), 1, "{answer:?} wrote an event");
        assert_eq!(store.log(&crate::OrgId::new("other").expect("an id")).await.len(), 0);
        assert_eq!(store.all_keys(&org).await, std::slice::from_ref(&row), "{answer:?}");
        assert_eq!(store.key_count(&org).await, 1, "{answer:?}");
        let found = store.found(&secret.locator).await.expect("the key");
        assert_eq!((found.key, found.plan), (row.clone(), plan("starter")), "{answer:?}");
        assert_eq!(store.revision().await, Revision(1), "{answer:?}");
    }
}

/// If an event of a change cannot be stored, the change is rejected and nothing is written.
pub async fn change_with_an_event_that_cannot_be_stored_is_not_made(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let (row, secret) = store.create(&org).await;
    let taken = store.log(&org).await[0].event.id;
    let newcomer = store.row(&org);
    let kinds = [
        create(&newcomer, &[store.secret(newcomer.id)]),
        update(&renamed(&row, "edited")),
        delete(&row),
        set_plan(&org, "free", Some("starter")),
    ];
    for kind in kinds {
        let mut change = store.prepared(kind.clone()).await;
        change.events.push(store.event(&org, None, Action::PlanChanged));
        change.events[1].id = taken;
        assert!(is_rejected(store.commit(&change).await), "{kind:?}");
        assert_eq!(store.log(&org).await.len(), 1, "{kind:?}");
        assert_eq!(store.all_keys(&org).await, std::slice::from_ref(&row), "{kind:?}");
        let found = store.found(&secret.locator).await.expect("the key");
        assert_eq!((found.key, found.plan), (row.clone(), plan("starter")), "{kind:?}");
        assert_eq!(store.revision().await, Revision(1), "{kind:?}");
    }
}

/// Once a change is committed, all its events are in the audit log. A change without events can be committed.
pub async fn committed_change_has_all_its_events_in_the_log(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let mut change = store.change(update(&renamed(&row, "edited")));
    change.events.push(store.event(&row.org, Some(row.id), Action::KeyDeactivated));
    store.submit(&change).await;
    let log: Vec<_> = store.log(&row.org).await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(log[..2], [change.events[1].clone(), change.events[0].clone()]);
    assert_eq!(log.len(), 3);

    let silent = Change { events: Vec::new(), ..store.change(delete(&row)) };
    assert_eq!(store.submit(&silent).await, CommitOutcome::Done { revision: Revision(3) });
    assert_eq!(store.log(&row.org).await.len(), 3);
}

/// Returns changes that must be refused, at least one for each reason. `row` must be the only key, at version
/// 1, and its organization must be on the plan `starter`.
fn refused(store: &Fixture, row: &crate::store::KeyRow, secret: &SecretRow) -> Vec<ChangeKind> {
    let newcomer = store.row(&row.org);
    let stranger = store.row(&org("other"));
    let fresh = [store.secret(newcomer.id)];
    let copied = [SecretRow::new(secret.locator.clone(), newcomer.id, secret.created_at)];
    let mut old = update(&renamed(row, "conflict"));
    if let ChangeKind::Update { expected_version, added, dropped, .. } = &mut old {
        *expected_version = 7;
        added.push(store.secret(row.id));
        dropped.push(secret.locator.clone());
    }
    let other_plan = ChangeKind::Create {
        row: newcomer.clone(),
        secrets: fresh.to_vec(),
        plan: plan("free"),
        expected: on("free"),
        max_keys: None,
    };
    let set = |expected| set_plan(&row.org, "enterprise", expected);
    vec![
        create_within(&newcomer, &fresh, Some(1)),
        create(&newcomer, &copied),
        other_plan,
        first(create(&newcomer, &fresh)),
        create_within(&stranger, &[], Some(0)),
        old,
        update(&renamed(&newcomer, "nobody")),
        delete(&newcomer),
        delete(&stranger),
        set(Some("free")),
        set(None),
        set_plan(&stranger.org, "free", Some("starter")),
        ChangeKind::ForgetOrg { org: stranger.org.clone() },
    ]
}

/// Commits one change 16 times concurrently and returns the different revisions of the answers.
async fn at_once(harness: &dyn AnyHarness, store: &Fixture, change: &Change) -> BTreeSet<Revision> {
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (change, store) = (change.clone(), store.shared());
            async move { store.commit(&change).await.expect("commit") }
        })
        .collect();
    let answers = race(harness, attempts).await;
    answers
        .into_iter()
        .map(|answer| match answer {
            CommitOutcome::Done { revision } => revision,
            other => panic!("a repeated attempt came to {other:?}"),
        })
        .collect()
}
