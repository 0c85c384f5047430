use std::time::Duration;

use apikeys_core::{
    KeyStore, ManageError,
    audit::{Action, ChangeValue, Changes, Detail},
    conformance::faults::{Fault, Method},
    store::{AuditQuery, KeyQuery},
};

use crate::support::{Bench, actor, new_key, org, per_minute, plan, poll_once};

async fn forget(bench: &Bench) {
    bench.keys.operator(actor()).forget(org("org")).await.unwrap();
}

/// Purges all rows of forgotten organizations that are left, and returns their number.
async fn left(bench: &Bench) -> u64 {
    bench.store.purge(1_000_000).await.unwrap().rows
}

/// Each creation reads the stored plan before the organization is forgotten, and its change reaches the store
/// afterwards.
#[tokio::test]
async fn creation_that_races_with_forget_does_not_bring_the_organization_back() {
    let bench = Bench::new().await;
    let delays: Vec<_> = (1..=8).map(Duration::from_secs).map(|delay| delay / 4).collect();
    for delay in &delays {
        bench.faults.once(Method::Commit, Fault::Delay(*delay));
    }
    let mut creations = Vec::new();
    for _ in &delays {
        let manage = bench.manage();
        let mut creation = Box::pin(async move { manage.create(new_key("CI")).await });
        assert!(poll_once(creation.as_mut()).await.is_pending());
        creations.push(creation);
    }
    forget(&bench).await;
    for creation in creations {
        let answer = bench.pass_time_until(creation).await;
        assert!(matches!(answer, Err(ManageError::Conflict)), "{answer:?}");
    }
    assert_eq!(bench.store.org(&org("org")).await.unwrap(), None);
    assert_eq!(bench.store.keys(&KeyQuery::new(None, 10)).await.unwrap().items, []);
    // A creation that begins afterwards is for a new organization.
    bench.set_plan("starter").await;
    bench.create(new_key("CI")).await;
    assert_eq!(bench.manage().quota().await.unwrap().plan, plan("starter"));
}

/// The creation has read the stored plan when the organization is forgotten. Before its change reaches the
/// store, the organization is stored again on the same plan.
#[tokio::test]
async fn creation_that_races_with_forget_and_a_new_organization_of_the_same_plan_is_refused() {
    let bench = Bench::new().await;
    bench.faults.once(Method::Commit, Fault::Delay(Duration::from_secs(1)));
    let manage = bench.manage();
    let mut creation = Box::pin(async move { manage.create(new_key("CI")).await });
    assert!(poll_once(creation.as_mut()).await.is_pending());
    forget(&bench).await;
    bench.set_plan("enterprise").await;
    let answer = bench.pass_time_until(creation).await;
    assert!(matches!(answer, Err(ManageError::Conflict)), "{answer:?}");
    assert_eq!(bench.store.keys(&KeyQuery::new(None, 10)).await.unwrap().items, []);
    let row = bench.store.org(&org("org")).await.unwrap().unwrap();
    assert_eq!((row.plan, row.key_count), (plan("enterprise"), 0));
}

/// The new plan is what the billing code decided, so the organization is stored again. Nothing of the
/// forgotten organization returns with the plan, not even the old plan's name in the audit event.
#[tokio::test]
async fn set_plan_that_races_with_forget_stores_a_new_organization_without_old_data() {
    let bench = Bench::new().await;
    bench.create(new_key("CI")).await;
    bench.faults.once(Method::Commit, Fault::Delay(Duration::from_secs(1)));
    let operator = bench.keys.operator(actor());
    let mut change = Box::pin(async move { operator.set_plan(org("org"), plan("starter")).await });
    assert!(poll_once(change.as_mut()).await.is_pending());
    forget(&bench).await;
    bench.pass_time_until(change).await.unwrap();
    let row = bench.store.org(&org("org")).await.unwrap().unwrap();
    assert_eq!((row.plan, row.key_count), (plan("starter"), 0));
    assert_eq!(bench.store.keys(&KeyQuery::new(None, 10)).await.unwrap().items, []);
    let log = bench.manage().audit(AuditQuery::new(org("org"), 10)).await.unwrap().items;
    let events: Vec<_> = log.into_iter().map(|entry| entry.event).collect();
    assert_eq!(
        events.iter().map(|event| event.action.clone()).collect::<Vec<_>>(),
        [Action::PlanChanged, Action::OrganizationForgotten]
    );
    assert_eq!(
        events[0].detail,
        Detail::Changes(Changes::one("plan", ChangeValue::from("free"), ChangeValue::from("starter")))
    );
}

#[tokio::test]
async fn forget_without_maintenance_purges_before_it_returns() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(10_000))).await;
    for _ in 0..2_500 {
        drop(bench.verify(&created.secret).await.unwrap());
    }
    bench.keys.flush().await.unwrap();
    forget(&bench).await;
    assert_eq!(bench.faults.calls(Method::Purge), 3, "pieces of 1,000 rows");
    assert_eq!(left(&bench).await, 0);
}

#[tokio::test]
async fn maintenance_purges_in_pieces_and_lets_requests_be_recorded_in_between() {
    let mut bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(10_000))).await;
    for _ in 0..2_500 {
        drop(bench.verify(&created.secret).await.unwrap());
    }
    bench.keys.flush().await.unwrap();
    bench.maintain().await;
    bench.clock.advance(Duration::ZERO).await;
    let before = bench.faults.calls(Method::Purge);
    forget(&bench).await;
    bench.clock.advance(Duration::ZERO).await;
    assert_eq!(bench.faults.calls(Method::Purge) - before, 1, "one piece at once");
    bench.keys.flush().await.unwrap();
    bench.clock.advance(Duration::from_millis(20)).await;
    assert_eq!(bench.faults.calls(Method::Purge) - before, 2, "the next piece after a pause");
    bench.clock.advance(Duration::from_millis(100)).await;
    assert_eq!(bench.faults.calls(Method::Purge) - before, 3);
    assert_eq!(left(&bench).await, 0);
}

#[tokio::test]
async fn maintenance_continues_a_purge_that_another_process_left() {
    let mut bench = Bench::new().await;
    bench.create(new_key("CI")).await;
    // The process that forgets the organization cannot purge its rows.
    bench.faults.set(Method::Purge, Fault::Error);
    forget(&bench).await;
    bench.maintain().await;
    bench.clock.advance(Duration::ZERO).await;
    let failed = bench.faults.calls(Method::Purge);
    assert!(failed >= 2, "{failed} calls");
    bench.faults.clear();
    bench.clock.advance(Duration::from_secs(60)).await;
    assert_eq!(bench.faults.calls(Method::Purge), failed + 1);
    assert_eq!(left(&bench).await, 0);
}
