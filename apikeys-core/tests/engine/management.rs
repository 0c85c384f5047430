use std::time::Duration;

use apikeys_core::{
    ApiKeys, Clock, KeyPatch, ManageError, Plan, Plans, Quota, RateLimit, Status, Timestamp,
    audit::{Action, ChangeValue, Detail},
    conformance::faults::{Fault, Method},
    engine::TestKeyError,
    store::AuditQuery,
};

use crate::support::{Bench, actor, id, new_key, org, per_minute, plan, request};

async fn actions(bench: &Bench) -> Vec<Action> {
    let page = bench.manage().audit(AuditQuery::new(org("org"), 1_000)).await.unwrap();
    page.items.into_iter().rev().map(|entry| entry.event.action).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_creations_succeed_up_to_exactly_the_quota() {
    let keys = ApiKeys::in_memory();
    for round in 0..50 {
        let org = org(&format!("org_{round}"));
        keys.operator(actor()).set_plan(&org, &plan("professional")).await.unwrap();
        for _ in 0..9 {
            keys.manage(org.clone(), actor()).create(new_key("CI")).await.unwrap();
        }
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let manage = keys.manage(org.clone(), actor());
                tokio::spawn(async move { manage.create(new_key("CI")).await })
            })
            .collect();
        let mut created = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => created += 1,
                Err(ManageError::KeyLimitReached { quota: Quota::Limited(10), used: 10 }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(created, 1);
        assert_eq!(keys.manage(org, actor()).list(100, None).await.unwrap().items.len(), 10);
    }
}

#[tokio::test]
async fn quota_counts_keys_of_every_status_and_a_downgrade_removes_none() {
    let bench = Bench::new().await;
    bench.set_plan("professional").await;
    let created = [
        bench.create(new_key("a")).await,
        bench.create(new_key("b")).await,
        bench.create(new_key("c")).await,
    ];
    bench.set_plan("starter").await;
    let full =
        |error: ManageError| matches!(error, ManageError::KeyLimitReached { quota: Quota::Limited(2), .. });
    assert!(full(bench.manage().create(new_key("d")).await.unwrap_err()));
    for key in &created {
        assert_eq!(bench.call(&key.secret).await, Ok(()));
        bench.manage().deactivate(id(key)).await.unwrap();
        assert!(
            full(bench.manage().create(new_key("d")).await.unwrap_err()),
            "a deactivated key does not count"
        );
        bench.manage().activate(id(key)).await.unwrap();
    }
    bench.manage().delete(id(&created[0])).await.unwrap();
    assert!(full(bench.manage().create(new_key("d")).await.unwrap_err()));
    bench.manage().delete(id(&created[1])).await.unwrap();
    bench.create(new_key("d")).await;
    let quota = bench.manage().quota().await.unwrap();
    assert_eq!((quota.used, quota.quota, quota.plan), (2, Quota::Limited(2), plan("starter")));
}

#[tokio::test]
async fn keys_without_api_access_can_be_managed_but_not_created() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("a")).await;
    bench.set_plan("free").await;
    assert!(matches!(
        bench.manage().create(new_key("b")).await,
        Err(ManageError::ApiAccessNotAvailable { .. })
    ));
    assert_eq!(bench.manage().list(10, None).await.unwrap().items.len(), 1);
    bench.manage().update(id(&created), KeyPatch::new().name("c".parse().unwrap())).await.unwrap();
    bench.manage().delete(id(&created)).await.unwrap();
    let unknown = bench.keys.manage(org("never seen"), actor());
    assert!(matches!(unknown.create(new_key("b")).await, Err(ManageError::ApiAccessNotAvailable { .. })));
    assert_eq!(unknown.quota().await.unwrap().plan, plan("free"));
}

#[tokio::test]
async fn key_of_another_organization_is_not_found() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("a")).await;
    let (key, other) = (id(&created), bench.keys.manage(org("other"), actor()));
    assert!(matches!(other.get(key).await, Err(ManageError::NotFound)));
    assert!(matches!(other.update(key, KeyPatch::new().active(false)).await, Err(ManageError::NotFound)));
    assert!(matches!(other.delete(key).await, Err(ManageError::NotFound)));
    assert!(matches!(
        other.usage(key, Timestamp::MIN, Timestamp::MAX, apikeys_core::store::UsageStep::Hour).await,
        Err(ManageError::NotFound)
    ));
    assert!(other.list(10, None).await.unwrap().items.is_empty());
    assert!(other.audit(AuditQuery::new(org("org"), 10)).await.unwrap().items.is_empty());
    assert!(other.audit(AuditQuery::new(org("org"), 10).key(key)).await.unwrap().items.is_empty());
    assert_eq!(bench.call(&created.secret).await, Ok(()));
}

#[tokio::test]
async fn audit_log_has_the_actor_and_the_values_of_each_change() {
    let bench = Bench::new().await;
    let end = bench.clock.wall().saturating_add(Duration::from_secs(60));
    let created = bench.create(new_key("a").rate_limit(per_minute(5))).await;
    let patch = KeyPatch::new().name("b".parse().unwrap()).expires_at(end).default_rate_limit().active(false);
    let after = bench.manage().update(id(&created), patch.clone()).await.unwrap();
    assert_eq!((after.status(), after.name().as_str()), (Status::Deactivated, "b"));
    bench.manage().update(id(&created), patch).await.unwrap();
    bench.manage().delete(id(&created)).await.unwrap();
    let wanted = [
        Action::PlanChanged,
        Action::KeyCreated,
        Action::KeyUpdated,
        Action::KeyDeactivated,
        Action::KeyDeleted,
    ];
    assert_eq!(actions(&bench).await, wanted);
    let page =
        bench.manage().audit(AuditQuery::new(org("org"), 10).action(Action::KeyUpdated)).await.unwrap();
    let entry = &page.items[0];
    assert_eq!(entry.event.actor, Some(actor()));
    assert_eq!(entry.key.as_ref().unwrap().name.as_str(), "b", "a deleted key keeps its last name");
    assert_eq!(entry.key.as_ref().unwrap().display_prefix, created.secret.display_prefix());
    let Detail::Changes(changes) = &entry.event.detail else { panic!("{entry:?}") };
    let listed: Vec<_> =
        changes.iter().map(|(member, change)| (member, change.from.clone(), change.to.clone())).collect();
    assert_eq!(
        listed,
        [
            ("name", "a".into(), "b".into()),
            ("expires_at", ChangeValue::Null, ChangeValue::Text(end.to_string())),
            ("rate_limit", ChangeValue::Number(5), ChangeValue::Null),
        ]
    );
}

#[tokio::test]
async fn expiration_date_in_the_past_is_refused_by_create_and_update() {
    let bench = Bench::new().await;
    let now = bench.clock.wall();
    let soon = now.saturating_add(Duration::from_micros(1));
    assert!(matches!(
        bench.manage().create(new_key("a").expires_at(now)).await,
        Err(ManageError::ExpiresInThePast)
    ));
    let created = bench.create(new_key("a").expires_at(soon)).await;
    let edit = bench.manage().update(id(&created), KeyPatch::new().expires_at(now)).await;
    assert!(matches!(edit, Err(ManageError::ExpiresInThePast)));
}

#[tokio::test]
async fn list_continues_where_it_stopped_while_keys_are_added() {
    let bench = Bench::new().await;
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(id(&bench.create(new_key(&n.to_string())).await));
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let listing = bench.manage().list(10, after).await.unwrap();
        seen.extend(listing.items.iter().map(apikeys_core::engine::ManagedKey::id));
        after = listing.next;
        if after.is_none() {
            break;
        }
        bench.create(new_key("late")).await;
    }
    made.reverse();
    assert_eq!(seen, made, "newest first, each once");
}

/// The store fails before or after it commits a change. The change is made exactly once.
#[tokio::test]
async fn change_with_a_lost_answer_is_made_once() {
    let bench = Bench::new().await;
    for fault in [Fault::AfterCommit, Fault::Error] {
        let before = actions(&bench).await.len();
        let manage = bench.manage();
        bench.faults.times(3, Method::Commit, fault);
        let created = bench.pass_time_until(manage.create(new_key("a"))).await.unwrap();
        assert_eq!(
            bench.call(&created.secret).await,
            Ok(()),
            "the secret that was answered is the one that works"
        );
        bench.faults.times(3, Method::Commit, fault);
        bench
            .pass_time_until(manage.update(id(&created), KeyPatch::new().name("b".parse().unwrap())))
            .await
            .unwrap();
        bench.faults.times(3, Method::Commit, fault);
        bench.pass_time_until(manage.delete(id(&created))).await.unwrap();
        let done: Vec<_> =
            actions(&bench).await.into_iter().filter(|action| *action != Action::Request).collect();
        assert_eq!(done[done.len() - 3..], [Action::KeyCreated, Action::KeyUpdated, Action::KeyDeleted]);
        assert_eq!(bench.manage().quota().await.unwrap().used, 0);
        assert_eq!(actions(&bench).await.len(), before + 4, "three changes and one request");
    }
}

#[tokio::test]
async fn concurrent_updates_of_one_key_lose_no_update() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("a")).await;
    let before = bench.faults.calls(Method::Commit);
    // All updates read the key before the first update commits.
    bench.faults.set(Method::Commit, Fault::Delay(Duration::from_millis(10)));
    let manage = bench.manage();
    let edits = (1..=16).map(|n| manage.update(id(&created), KeyPatch::new().rate_limit(per_minute(n))));
    for edit in bench.pass_time_until(futures_util::future::join_all(edits)).await {
        edit.unwrap();
    }
    assert!(bench.faults.calls(Method::Commit) - before > 16, "no update met another one");
    assert_eq!(actions(&bench).await.iter().filter(|action| **action == Action::KeyUpdated).count(), 16);
}

#[tokio::test]
async fn forgotten_organization_leaves_one_event_without_names() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("personal name")).await;
    bench.call(&created.secret).await.unwrap();
    let late = bench.verify(&created.secret).await.unwrap();
    bench.keys.operator(actor()).forget(&org("org")).await.unwrap();
    late.finish(200).await.unwrap();
    assert_eq!(bench.call(&created.secret).await, Err(apikeys_core::Denial::Invalid));
    assert_eq!(actions(&bench).await, [Action::OrganizationForgotten]);
    let page = bench.manage().audit(AuditQuery::new(org("org"), 10)).await.unwrap();
    assert!(page.items[0].key.is_none());
    assert_eq!(bench.manage().quota().await.unwrap().used, 0);
    bench.keys.operator(actor()).forget(&org("org")).await.unwrap();
    assert_eq!(actions(&bench).await.len(), 1);
}

#[tokio::test]
async fn set_plan_with_the_stored_plan_records_no_event_and_with_an_unknown_one_fails() {
    let bench = Bench::new().await;
    let before = actions(&bench).await.len();
    bench.set_plan("enterprise").await;
    assert_eq!(actions(&bench).await.len(), before, "a change that changes nothing is no event");
    let operator = bench.keys.operator(actor());
    assert!(matches!(operator.set_plan(&org("org"), &plan("gold")).await, Err(ManageError::UnknownPlan(_))));
    operator.set_plan(&org("new"), &plan("free")).await.unwrap();
    assert!(
        bench
            .keys
            .manage(org("new"), actor())
            .audit(AuditQuery::new(org("new"), 10))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(operator.quota(&org("new")).await.unwrap().plan, plan("free"));
}

/// A source of randomness that fails.
#[derive(Debug)]
struct NoEntropy;

impl apikeys_core::entropy::Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), apikeys_core::entropy::EntropyError> {
        Err(apikeys_core::entropy::EntropyError::new("no more"))
    }
}

#[tokio::test]
async fn creation_without_randomness_fails_and_stores_nothing() {
    let bench = Bench::new().await;
    let builder = ApiKeys::builder(bench.store.clone()).clock(bench.clock.clone()).entropy(NoEntropy);
    let (keys, _maintenance) = builder.build().await.unwrap();
    let manage = keys.manage(org("org"), actor());
    assert!(matches!(manage.create(new_key("a")).await, Err(ManageError::Entropy(_))));
    assert_eq!(manage.quota().await.unwrap().used, 0);
}

#[tokio::test]
async fn test_key_works_for_organizations_with_and_without_a_plan() {
    let keys = ApiKeys::in_memory();
    let works = async |secret: &apikeys_core::Secret| {
        keys.verify(secret.expose().as_bytes(), request()).await.is_ok()
    };
    let first = keys.test_key("org_1").await.unwrap();
    assert!(works(&first).await);
    assert_eq!(keys.operator(actor()).quota(org("org_1")).await.unwrap().plan, plan("starter"));
    keys.operator(actor()).set_plan(org("org_2"), plan("enterprise")).await.unwrap();
    let second = keys.test_key(org("org_2")).await.unwrap();
    assert!(works(&second).await);
    assert_eq!(keys.operator(actor()).quota(org("org_2")).await.unwrap().plan, plan("enterprise"));
    assert!(matches!(keys.test_key("").await, Err(TestKeyError::InvalidOrg(_))));
    keys.test_key("org_1").await.unwrap();
    let full = keys.test_key("org_1").await;
    assert!(matches!(full, Err(TestKeyError::Manage(ManageError::KeyLimitReached { used: 2, .. }))));
}

#[tokio::test]
async fn change_succeeds_if_the_organization_cannot_be_read_afterwards() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("a")).await;
    bench.faults.set(Method::Org, Fault::Error);
    let manage = bench.manage();
    let key = manage.update(id(&created), KeyPatch::new().name("b".parse().unwrap())).await.unwrap();
    assert_eq!((key.name().as_str(), key.effective_rate_limit()), ("b", per_minute(60)));
    assert_eq!(manage.deactivate(id(&created)).await.unwrap().status(), Status::Deactivated);
    assert_eq!(manage.activate(id(&created)).await.unwrap().status(), Status::Active);
    assert_eq!(manage.get(id(&created)).await.unwrap().name().as_str(), "b");
    manage.delete(id(&created)).await.unwrap();
}

/// An organization is on a plan that a deployment has removed from the catalogue.
#[tokio::test]
async fn keys_on_a_plan_that_is_not_in_the_catalogue_can_be_managed_but_not_created() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("a")).await;
    let limited = bench.create(new_key("b").rate_limit(per_minute(7))).await;
    let other = Plans::new([Plan::new("other", Quota::Unlimited).unwrap()]).unwrap();
    let builder = ApiKeys::builder(bench.store.clone()).plans(other).clock(bench.clock.clone());
    let (keys, _maintenance) = builder.build().await.unwrap();
    let manage = keys.manage(org("org"), actor());
    let listing = manage.list(10, None).await.unwrap();
    assert_eq!(listing.items.len(), 2);
    assert_eq!(
        (listing.quota.plan.as_str(), listing.quota.used, listing.quota.quota),
        ("enterprise", 2, Quota::Limited(0))
    );
    assert_eq!(manage.quota().await.unwrap(), listing.quota);
    assert_eq!(keys.operator(actor()).quota(org("org")).await.unwrap(), listing.quota);
    let key = manage.deactivate(id(&created)).await.unwrap();
    assert_eq!((key.status(), key.effective_rate_limit()), (Status::Deactivated, RateLimit::DEFAULT));
    assert_eq!(manage.get(id(&limited)).await.unwrap().effective_rate_limit(), per_minute(7));
    manage.delete(id(&created)).await.unwrap();
    let refused = manage.create(new_key("c")).await.unwrap_err();
    assert!(
        matches!(&refused, ManageError::StoredPlanUnknown(name) if *name == plan("enterprise")),
        "{refused}"
    );
}
