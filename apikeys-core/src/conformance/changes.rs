//! Each change happens once, whole or not at all.

use super::{
    Harness,
    fixture::{Fixture, create, delete, org},
};

/// One key, one event, one deletion: an answer that got lost doubles nothing.
pub async fn a_change_that_is_repeated_answers_the_same_and_does_nothing_twice<H: Harness>(harness: &H) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let row = store.row(&org);
    let creation = store.change(create(&row, &[store.secret(row.id)]));
    let first = store.submit(&creation).await;
    assert_eq!(store.submit(&creation).await, first);
    assert_eq!((store.key_count(&org).await, store.log(&org).await.len()), (1, 1));

    let deletion = store.change(delete(&row));
    let second = store.submit(&deletion).await;
    assert_eq!(store.submit(&deletion).await, second);
    assert_eq!(store.submit(&creation).await, first, "it does not come back");
    assert_eq!((store.key_count(&org).await, store.log(&org).await.len()), (0, 2));
    assert_eq!(store.view(&row).await, None);
}
