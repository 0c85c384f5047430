//! Requirements on organizations and their plans.

use super::{
    AnyHarness,
    fixture::{Fixture, create, delete, first, org, plan, set_plan},
    harness::race,
};
use crate::{
    OrgId,
    plan::PlanName,
    store::{ChangeKind, CommitOutcome, KeyStore},
};

/// An organization is not stored before a change of the organization was committed.
pub async fn organization_without_changes_is_not_stored(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    assert_eq!(store.org(&org).await.expect("org"), None);
    assert_eq!(store.all_keys(&org).await, []);
    store.attempt(delete(&store.row(&org))).await;
    store.attempt(set_plan(&org, "free", Some("starter"))).await;
    assert_eq!(store.org(&org).await.expect("org"), None);
}

/// When the first key of an organization is created, the organization is stored with the plan that the
/// creation names.
pub async fn first_key_stores_its_organization(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    store.create(&org).await;
    assert_eq!(stored(&store, &org).await, Some((plan("starter"), 1)));
}

/// Setting a plan is refused with `PlanChanged` if the stored plan is not the expected plan.
pub async fn plan_is_set_only_if_the_stored_plan_is_the_expected_one(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    assert_eq!(store.attempt(set_plan(&org, "free", Some("free"))).await, CommitOutcome::PlanChanged);
    store.done(set_plan(&org, "free", None)).await;
    assert_eq!(plan_of(&store, &org).await, Some(plan("free")));
    for wrong in [None, Some("starter")] {
        assert_eq!(store.attempt(set_plan(&org, "enterprise", wrong)).await, CommitOutcome::PlanChanged);
    }
    let longest = "p".repeat(64);
    store.done(set_plan(&org, &longest, Some("free"))).await;
    assert_eq!(plan_of(&store, &org).await, Some(plan(&longest)));
}

/// Once an organization's plan was set, every look-up of its keys returns the new plan. The keys themselves do not
/// change.
pub async fn new_plan_is_found_with_every_key_at_once(harness: &dyn AnyHarness) {
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

/// If many changes of an organization's plan expect the same stored plan and are committed concurrently, exactly
/// one change succeeds.
pub async fn concurrent_changes_of_one_plan_succeed_exactly_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{}", round / 2));
        let from = store.org(&org).await.expect("org").map(|row| row.stored_plan());
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
            answers.iter().filter(|(_, answer)| matches!(answer, CommitOutcome::Done { .. })).collect();
        let refused = answers.iter().filter(|(_, answer)| *answer == CommitOutcome::PlanChanged).count();
        assert_eq!((done.len(), refused), (1, 7), "round {round}");
        assert_eq!(plan_of(&store, &org).await.as_ref(), Some(&done[0].0));
    }
}

/// A creation is refused with `PlanChanged` if the organization's stored plan is not the plan that the
/// creation expects. A creation that expects no plan is refused if the organization is stored.
pub async fn creation_is_refused_if_the_stored_plan_is_not_the_expected_one(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let row = store.row(&org);
    let secret = store.secret(row.id);
    let creation = create(&row, std::slice::from_ref(&secret));
    let refused = async |kind: &ChangeKind| {
        let change = store.prepared(kind.clone()).await;
        assert_eq!(store.submit(&change).await, CommitOutcome::PlanChanged, "{kind:?}");
        assert_eq!(store.found(&secret.locator).await, None);
    };
    refused(&creation).await;
    assert_eq!(store.org(&org).await.expect("org"), None);
    store.done(set_plan(&org, "free", None)).await;
    refused(&creation).await;
    refused(&first(creation.clone())).await;
    assert_eq!(stored(&store, &org).await, Some((plan("free"), 0)));
    store.done(set_plan(&org, "starter", Some("free"))).await;
    refused(&first(creation.clone())).await;
    store.done(creation).await;
    assert_eq!(stored(&store, &org).await, Some((plan("starter"), 1)));
}

async fn plan_of(store: &Fixture, org: &OrgId) -> Option<PlanName> {
    stored(store, org).await.map(|(plan, _)| plan)
}

/// Returns the stored plan and number of keys of an organization.
async fn stored(store: &Fixture, org: &OrgId) -> Option<(PlanName, u32)> {
    let row = store.org(org).await.expect("org")?;
    assert_eq!(row.id, *org);
    Some((row.plan, row.key_count))
}
