use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use apikeys_core::{
    ApiKeys, Denial, ManageError, MemoryStore,
    conformance::faults::{Fault, Method},
};

use crate::support::{Bench, actor, id, new_key, org, per_minute, plan, poll_once, request};

/// Two engines on one store, hammered from several threads: whatever began after the call had
/// returned goes by the new state.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_verification_that_begins_after_a_change_returned_goes_by_it_on_every_engine() {
    let store = MemoryStore::new();
    let (one, _maintenance) = ApiKeys::builder(store.clone()).build().await.unwrap();
    let (two, _other) = ApiKeys::builder(store).build().await.unwrap();
    one.operator(actor()).set_plan(&org("org"), &plan("enterprise")).await.unwrap();
    let manage = one.manage(org("org"), actor());
    for round in 0..100 {
        let created = manage.create(new_key("CI").rate_limit(per_minute(10_000))).await.unwrap();
        let secret: Arc<str> = created.secret.expose().into();
        // Even: works. Odd: a change that refuses has returned.
        let state = Arc::new(AtomicU64::new(0));
        let end = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = [&one, &two, &two]
            .map(|keys| {
                let (keys, secret, state, end) =
                    (keys.clone(), secret.clone(), Arc::clone(&state), Arc::clone(&end));
                tokio::spawn(async move {
                    while !end.load(Ordering::SeqCst) {
                        let before = state.load(Ordering::SeqCst);
                        let admitted = keys.verify(secret.as_bytes(), request()).await.is_ok();
                        let after = state.load(Ordering::SeqCst);
                        assert!(
                            !(admitted && before == after && before % 2 == 1),
                            "let in after it was refused"
                        );
                        tokio::task::yield_now().await;
                    }
                })
            })
            .into();
        manage.deactivate(id(&created)).await.unwrap();
        state.store(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        state.store(2, Ordering::SeqCst);
        manage.activate(id(&created)).await.unwrap();
        assert!(
            two.verify(secret.as_bytes(), request()).await.is_ok(),
            "round {round}: refused after activation"
        );
        manage.delete(id(&created)).await.unwrap();
        state.store(3, Ordering::SeqCst);
        for keys in [&one, &two] {
            assert_eq!(keys.verify(secret.as_bytes(), request()).await.unwrap_err(), Denial::Invalid);
        }
        end.store(true, Ordering::SeqCst);
        for caller in callers {
            caller.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_deleted_key_never_comes_back() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.manage().delete(id(&created)).await.unwrap();
    assert_eq!(bench.call(&created.secret).await, Err(Denial::Invalid));
    assert!(matches!(bench.manage().activate(id(&created)).await, Err(ManageError::NotFound)));
    assert!(matches!(bench.manage().delete(id(&created)).await, Err(ManageError::NotFound)));
    assert!(matches!(bench.manage().get(id(&created)).await, Err(ManageError::NotFound)));
    let usage = bench
        .manage()
        .usage(
            id(&created),
            apikeys_core::Timestamp::MIN,
            apikeys_core::Timestamp::MAX,
            apikeys_core::store::UsageStep::Day,
        )
        .await;
    assert!(matches!(usage, Err(ManageError::NotFound)));
    assert_eq!(bench.call(&created.secret).await, Err(Denial::Invalid));
}

#[tokio::test]
async fn a_deletion_whose_caller_left_or_whose_answer_was_lost_is_done_once_a_retry_has_returned() {
    let bench = Bench::new().await;
    for fault in [Fault::AfterCommit, Fault::Error, Fault::Hang] {
        let created = bench.create(new_key("CI")).await;
        bench.faults.set(Method::Commit, fault);
        let manage = bench.manage();
        let mut deletion = Box::pin(manage.delete(id(&created)));
        assert!(poll_once(deletion.as_mut()).await.is_pending());
        drop(deletion);
        bench.faults.clear();
        assert!(matches!(bench.manage().delete(id(&created)).await, Ok(()) | Err(ManageError::NotFound)));
        assert_eq!(bench.call(&created.secret).await, Err(Denial::Invalid));
    }
}
