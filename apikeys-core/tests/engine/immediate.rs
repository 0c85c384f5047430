use apikeys_core::{
    Denial, ManageError,
    conformance::faults::{Fault, Method},
};

use crate::support::{Bench, id, new_key, poll_once};

#[tokio::test]
async fn deleted_key_stays_deleted_whatever_is_asked_of_it() {
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
async fn deletion_with_a_lost_answer_holds_once_a_retry_has_returned() {
    let bench = Bench::new().await;
    for fault in [Fault::AfterCommit, Fault::Error, Fault::Hang] {
        let created = bench.create(new_key("CI")).await;
        bench.faults.set(Method::Commit, fault);
        let manage = bench.manage();
        let mut deletion = Box::pin(manage.delete(id(&created)));
        assert!(poll_once(deletion.as_mut()).await.is_pending());
        drop(deletion);
        bench.faults.clear();
        let retry = bench.manage().delete(id(&created)).await;
        match fault {
            Fault::AfterCommit => assert!(matches!(retry, Err(ManageError::NotFound)), "{retry:?}"),
            _ => assert!(retry.is_ok(), "{fault:?}: {retry:?}"),
        }
        assert_eq!(bench.call(&created.secret).await, Err(Denial::Invalid));
    }
}
