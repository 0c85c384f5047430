//! Organizations: their plan, and how they are forgotten.

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, create, delete, org, plan},
    harness::race,
};
use crate::{
    OrgId, Timestamp,
    audit::{Action, Outcome},
    key::KeyRow,
    plan::PlanName,
    store::{Batch, ChangeKind, Committed, KeyStore, OrgRow, Recorded, UsageQuery, UsageStep},
};

/// Nothing is stored of an organization that nobody mentioned in a change.
pub async fn an_organization_that_was_never_stored_is_none(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    assert_eq!(store.org(&org).await.expect("org"), None);
    assert_eq!(store.all_keys(&org).await, []);
    store.attempt(delete(&store.row(&org))).await;
    store.attempt(set_plan(&org, "free", Some("starter"))).await;
    assert_eq!(store.org(&org).await.expect("org"), None);
}

/// Its first key stores it, on the plan the creation expects.
pub async fn a_first_key_stores_its_organization(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    store.create(&org).await;
    assert_eq!(store.org(&org).await.expect("org"), Some(OrgRow::new(org, plan("starter"), 1)));
}

/// A plan is set from the one that is expected, and from no other.
pub async fn a_plan_is_set_only_from_the_expected_one(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    assert_eq!(store.attempt(set_plan(&org, "free", Some("free"))).await, Committed::PlanChanged);
    store.done(set_plan(&org, "free", None)).await;
    assert_eq!(plan_of(&store, &org).await, Some(plan("free")));
    for wrong in [None, Some("starter")] {
        assert_eq!(store.attempt(set_plan(&org, "enterprise", wrong)).await, Committed::PlanChanged);
    }
    let longest = "p".repeat(64);
    store.done(set_plan(&org, &longest, Some("free"))).await;
    assert_eq!(plan_of(&store, &org).await, Some(plan(&longest)));
}

/// Every verification that begins after it sees the new plan; keys stay as they are.
pub async fn a_new_plan_holds_at_once_for_every_key(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (first, secret) = store.create(&org("o")).await;
    let (_, second) = store.create(&org("o")).await;
    let (_, bystander) = store.create(&org("other")).await;
    let revision = store.done(set_plan(&first.org, "free", Some("starter"))).await;
    for secret in [&secret, &second] {
        let found = store.found(&secret.locator).await.expect("the key");
        assert_eq!((found.plan, found.revision, found.key.version), (plan("free"), revision, 1));
    }
    assert_eq!(store.found(&bystander.locator).await.expect("the key").plan, plan("starter"));
    assert_eq!(store.key_count(&first.org).await, 2);
}

/// Of many plans set at once from the same one, exactly one is set.
pub async fn of_many_plans_set_at_once_exactly_one_is(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{}", round / 2));
        let from = plan_of(&store, &org).await;
        let changes: Vec<_> = (0..8)
            .map(|number| {
                let to = plan(&format!("p{round}-{number}"));
                let kind = ChangeKind::SetPlan { org: org.clone(), plan: to.clone(), expected: from.clone() };
                let (change, store) = (store.change(kind), store.shared());
                async move { (to, store.commit(&change).await.expect("commit")) }
            })
            .collect();
        let answers = race(harness, changes).await;
        let done: Vec<_> =
            answers.iter().filter(|(_, answer)| matches!(answer, Committed::Done { .. })).collect();
        let refused = answers.iter().filter(|(_, answer)| *answer == Committed::PlanChanged).count();
        assert_eq!((done.len(), refused), (1, 7), "round {round}");
        assert_eq!(plan_of(&store, &org).await.as_ref(), Some(&done[0].0));
    }
}

/// Keys, secrets, counters, usage, what deletions left, events: nothing remains but the event
/// that tells of it.
pub async fn of_a_forgotten_organization_one_event_remains(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let (row, secret) = store.create(&org).await;
    let (deleted, _) = store.create(&org).await;
    store.done(delete(&deleted)).await;
    store.recorded(vec![store.request(&row, NOW, Outcome::Answered)]).await;

    let change = store.change(ChangeKind::ForgetOrg { org: org.clone() });
    assert!(matches!(store.submit(&change).await, Committed::Done { .. }));
    assert_eq!(store.org(&org).await.expect("org"), None);
    assert_eq!(store.found(&secret.locator).await, None);
    assert_eq!(store.view(&row).await, None);
    assert_eq!(store.all_keys(&org).await, []);
    assert_eq!(usage(&store, &row).await, 0);
    let log = store.log(&org).await;
    assert_eq!((log.len(), &log[0].event, &log[0].key), (1, &change.events[0], &None));
    assert_eq!(log[0].event.action, Action::OrganizationForgotten);
}

/// Others keep everything, also one whose id looks alike.
pub async fn forgetting_leaves_other_organizations_alone(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    store.create(&org("acme")).await;
    let mut others = Vec::new();
    for id in ["Acme", "acme ", "acm", "acme2"] {
        let (row, secret) = store.create(&org(id)).await;
        let (deleted, _) = store.create(&org(id)).await;
        store.done(delete(&deleted)).await;
        store.recorded(vec![store.request(&row, NOW, Outcome::Answered)]).await;
        let log = store.log(&row.org).await;
        assert_eq!(log.len(), 4);
        others.push((row, secret, log));
    }
    store.done(ChangeKind::ForgetOrg { org: org("acme") }).await;
    for (row, secret, log) in others {
        assert_eq!(store.found(&secret.locator).await.expect("the key").key, row);
        assert_eq!(store.view(&row).await.expect("the key").request_count, 1);
        assert_eq!(usage(&store, &row).await, 1);
        assert_eq!(store.key_count(&row.org).await, 1);
        assert_eq!(store.log(&row.org).await, log);
    }
}

/// What requests under way bring afterwards is dropped, of keys and of deleted keys alike.
pub async fn a_batch_that_comes_after_forgetting_is_dropped(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let (deleted, _) = store.create(&org("o")).await;
    let (bystander, _) = store.create(&org("other")).await;
    store.done(delete(&deleted)).await;
    let writer = store.writer().await;
    let events = |rows: &[&KeyRow]| {
        rows.iter().map(|row| store.request(row, NOW, Outcome::Answered)).collect::<Vec<_>>()
    };
    let first = Batch::new(writer, 1, events(&[&row, &deleted]));
    assert_eq!(store.record(&first).await, Recorded::Applied);
    store.done(ChangeKind::ForgetOrg { org: row.org.clone() }).await;

    let mut late = events(&[&row, &deleted, &bystander]);
    late.push(store.denials(&row, NOW, 3));
    assert_eq!(store.record(&Batch::new(writer, 2, late)).await, Recorded::Applied);
    assert_eq!(store.log(&row.org).await.len(), 1);
    assert_eq!((usage(&store, &row).await, usage(&store, &deleted).await), (0, 0));
    assert_eq!(store.view(&bystander).await.expect("the key").request_count, 1);
    assert_eq!(store.log(&bystander.org).await.len(), 2);
}

/// The same id is a new organization: nothing of the old one shows, also its secrets are free.
pub async fn a_forgotten_id_can_be_used_again(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, secret) = store.create(&org("o")).await;
    store.recorded(vec![store.request(&row, NOW, Outcome::Answered)]).await;
    store.done(set_plan(&row.org, "enterprise", Some("starter"))).await;
    store.done(ChangeKind::ForgetOrg { org: row.org.clone() }).await;
    store.done(create(&row, std::slice::from_ref(&secret))).await;
    assert_eq!(
        store.org(&row.org).await.expect("org"),
        Some(OrgRow::new(row.org.clone(), plan("starter"), 1))
    );
    let view = store.view(&row).await.expect("the key");
    assert_eq!((view.request_count, view.last_used_at), (0, None));
    assert_eq!(usage(&store, &row).await, 0);
    assert_eq!(store.log(&row.org).await.len(), 2);
    assert_eq!(store.found(&secret.locator).await.expect("the key").key, row);
}

/// Forgetting again, or what was never stored, is 'not found'; a repeated change is still done.
pub async fn forgetting_what_is_not_stored_is_not_found(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let forget = || ChangeKind::ForgetOrg { org: org("o") };
    assert_eq!(store.attempt(forget()).await, Committed::NotFound { revision: store.revision().await });
    store.done(set_plan(&org("o"), "free", None)).await;
    let change = store.change(forget());
    let done = store.submit(&change).await;
    assert!(matches!(done, Committed::Done { .. }), "one without keys is forgotten too: {done:?}");
    assert_eq!(store.attempt(forget()).await, Committed::NotFound { revision: store.revision().await });
    assert_eq!(store.submit(&change).await, done);
    assert_eq!(store.log(&org("o")).await.len(), 1);
}

/// Creations and batches at the same time leave the organization whole or new, never in pieces.
pub async fn forgetting_beside_other_writes_leaves_no_pieces(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{round}"));
        let (row, secret) = store.create(&org).await;
        let batch = Batch::new(store.writer().await, 1, vec![store.request(&row, NOW, Outcome::Answered)]);
        let mut changes = vec![store.change(ChangeKind::ForgetOrg { org: org.clone() })];
        for _ in 0..4 {
            let row = store.row(&org);
            changes.push(store.change(create(&row, &[store.secret(row.id)])));
        }
        let mut tasks: Vec<super::Task> = Vec::new();
        for change in changes {
            let store = store.shared();
            tasks.push(Box::pin(async move {
                let answer = store.commit(&change).await.expect("commit");
                assert!(matches!(answer, Committed::Done { .. }), "{answer:?}");
            }));
        }
        let shared = store.shared();
        tasks.push(Box::pin(async move {
            assert_eq!(shared.record(&batch).await.expect("record"), Recorded::Applied);
        }));
        race(harness, tasks).await;
        assert_eq!(store.found(&secret.locator).await, None, "round {round}");
        assert_eq!(store.view(&row).await, None, "round {round}");
        let keys = store.all_keys(&org).await;
        assert_eq!(store.key_count(&org).await as usize, keys.len(), "round {round}");
        let log = store.log(&org).await;
        // One event of the forgetting, and one of each creation after it.
        assert_eq!(log.len(), 1 + keys.len(), "round {round}");
        assert!(log.iter().all(|entry| entry.event.key != Some(row.id)), "round {round}");
    }
}

fn set_plan(org: &OrgId, to: &str, expected: Option<&str>) -> ChangeKind {
    ChangeKind::SetPlan { org: org.clone(), plan: plan(to), expected: expected.map(plan) }
}

async fn plan_of(store: &Fixture, org: &OrgId) -> Option<PlanName> {
    store.org(org).await.expect("org").map(|row| row.plan)
}

/// A key's requests over all time.
async fn usage(store: &Fixture, row: &KeyRow) -> u64 {
    let query = UsageQuery::new(row.org.clone(), row.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Day);
    store.usage(&query).await.expect("usage").iter().map(|point| point.requests).sum()
}
