//! Requirements on batches and on the counters that their events change. Each batch is recorded once.
//! [`KeyStore::open_writer`] explains what a writer is.

use std::time::Duration;

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, delete, is_rejected, org, renamed, update},
    harness::race,
};
use crate::{
    Timestamp,
    audit::{Action, AuditEvent, Detail, Outcome},
    id::{KeyId, WriterId},
    store::{Batch, KeyRow, KeyStore, RecordOutcome, Revision, UsageQuery, UsageStep},
};

/// Recording a batch again returns `AlreadyApplied` and writes nothing.
pub async fn repeated_batch_is_recorded_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let writer = store.writer().await;
    let batches: Vec<_> =
        (1..=3).map(|sequence| Batch::new(writer, sequence, requests(&store, &row, 2))).collect();
    for (number, batch) in batches.iter().enumerate() {
        assert_eq!(store.record(batch).await, RecordOutcome::Applied);
        for earlier in &batches[..=number] {
            assert_eq!(store.record(earlier).await, RecordOutcome::AlreadyApplied);
        }
    }
    assert_eq!(store.view(&row).await.expect("the key").request_count, 6);
    assert_eq!(store.log(&row.org).await.len(), 7);
}

/// If a batch is recorded many times concurrently, exactly one attempt writes the batch and the other
/// attempts return `AlreadyApplied`.
pub async fn batch_repeated_concurrently_is_recorded_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let writer = store.writer().await;
    for sequence in 1..=20 {
        let batch = Batch::new(writer, sequence, requests(&store, &row, 2));
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                let (batch, store) = (batch.clone(), store.shared());
                async move { store.record(&batch).await.expect("record") }
            })
            .collect();
        let answers = race(harness, attempts).await;
        let applied = answers.iter().filter(|answer| **answer == RecordOutcome::Applied).count();
        let repeated = answers.iter().filter(|answer| **answer == RecordOutcome::AlreadyApplied).count();
        assert_eq!((applied, repeated), (1, 7), "batch {sequence}");
        assert_eq!(store.view(&row).await.expect("the key").request_count, sequence * 2);
    }
    assert_eq!(store.log(&row.org).await.len(), 41);
}

/// Recording a batch of a [writer](KeyStore::open_writer) that is not open returns `UnknownWriter` and writes
/// nothing. The batch can be recorded after the writer was opened.
pub async fn batch_of_an_unknown_writer_is_not_recorded(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    store.writer().await;
    let writer = WriterId::from_bytes(store.bytes());
    let batch = Batch::new(writer, 1, requests(&store, &row, 1));
    assert_eq!(store.record(&batch).await, RecordOutcome::UnknownWriter);
    assert_eq!(store.view(&row).await.expect("the key").request_count, 0);
    assert_eq!(store.log(&row.org).await.len(), 1);
    store.open_writer(writer).await.expect("open_writer");
    assert_eq!(store.record(&batch).await, RecordOutcome::Applied);
}

/// If an open [writer](KeyStore::open_writer) is opened again, the store keeps the number of the writer's last
/// batch.
pub async fn writer_opened_again_keeps_its_sequence(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let writer = store.writer().await;
    let batch = Batch::new(writer, 1, requests(&store, &row, 1));
    assert_eq!(store.record(&batch).await, RecordOutcome::Applied);
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let store = store.shared();
            async move { store.open_writer(writer).await.expect("open_writer") }
        })
        .collect();
    race(harness, openings).await;
    assert_eq!(store.record(&batch).await, RecordOutcome::AlreadyApplied);
    assert_eq!(store.record(&Batch::new(writer, 2, requests(&store, &row, 1))).await, RecordOutcome::Applied);
}

/// A batch is rejected if the batch with the previous number of the same [writer](KeyStore::open_writer) was not
/// recorded. The missing batch can still be recorded.
pub async fn batch_after_a_gap_in_the_sequence_is_rejected(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let writer = store.writer().await;
    let batch = |sequence| Batch::new(writer, sequence, requests(&store, &row, 1));
    assert!(is_rejected(KeyStore::record(&*store, &batch(2)).await));
    assert_eq!(store.record(&batch(1)).await, RecordOutcome::Applied);
    assert!(is_rejected(KeyStore::record(&*store, &batch(3)).await));
    assert_eq!(store.record(&batch(2)).await, RecordOutcome::Applied);
    assert_eq!(store.view(&row).await.expect("the key").request_count, 2);
}

/// The batches of each [writer](KeyStore::open_writer) are numbered independently of other writers. An empty batch
/// has a number like any other batch.
pub async fn writers_have_independent_sequences(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (left, right) = (store.writer().await, store.writer().await);
    for (writer, sequence) in [(left, 1), (left, 2), (right, 1), (left, 3), (right, 2)] {
        let batch = Batch::new(writer, sequence, Vec::new());
        assert_eq!(store.record(&batch).await, RecordOutcome::Applied);
        assert_eq!(store.record(&batch).await, RecordOutcome::AlreadyApplied);
    }
}

/// If many [writers](KeyStore::open_writer) concurrently record requests of the same keys in different orders, no
/// request is lost.
pub async fn concurrent_writers_lose_no_request(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let mut rows = Vec::new();
    for _ in 0..4 {
        rows.push(store.create(&org("o")).await.0);
    }
    let mut tasks = Vec::new();
    for number in 0..8 {
        let writer = store.writer().await;
        rows.rotate_left(1);
        let batches: Vec<_> = (1..=10)
            .map(|sequence| {
                let order = rows.iter().chain(rows.iter().rev().take(number % 3));
                Batch::new(writer, sequence, order.flat_map(|row| requests(&store, row, 1)).collect())
            })
            .collect();
        let store = store.shared();
        tasks.push(async move {
            for batch in &batches {
                assert_eq!(store.record(batch).await.expect("record"), RecordOutcome::Applied);
            }
            batches
        });
    }
    let batches: Vec<_> = race(harness, tasks).await.into_iter().flatten().collect();
    let mut events = 0;
    for row in &rows {
        let wanted =
            batches.iter().flat_map(|batch| &batch.events).filter(|event| event.key == Some(row.id)).count();
        assert_eq!(store.view(row).await.expect("the key").request_count, wanted as u64);
        assert_eq!(usage(&store, row).await, (wanted as u64, 0));
        events += wanted;
    }
    assert_eq!(store.log(&org("o")).await.len(), rows.len() + events);
}

/// Answered and aborted requests increase the request count. The time of the key's latest use is the time of the
/// latest of these requests, whatever the order in which the requests are recorded.
pub async fn counters_count_answered_and_aborted_requests(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let (quiet, _) = store.create(&org("o")).await;
    let fresh = store.view(&row).await.expect("the key");
    assert_eq!((fresh.request_count, fresh.last_used_at), (0, None));

    let at = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
    let first = [(9, Outcome::Answered), (3, Outcome::Aborted)];
    store.recorded(first.map(|(seconds, outcome)| store.request(&row, at(seconds), outcome)).to_vec()).await;
    let view = store.view(&row).await.expect("the key");
    assert_eq!((view.request_count, view.last_used_at), (2, Some(at(9))));

    store.recorded(vec![store.request(&row, at(5), Outcome::Answered)]).await;
    let view = store.view(&row).await.expect("the key");
    assert_eq!((view.request_count, view.last_used_at), (3, Some(at(9))), "an earlier one came later");
    assert_eq!(view.row, row, "recording never touches the row");

    let listed = store.keys(&crate::store::KeyQuery::new(None, 10)).await.expect("keys").items;
    assert_eq!(listed[1], view, "lists show the same");
    assert_eq!((listed[0].row.id, listed[0].request_count, listed[0].last_used_at), (quiet.id, 0, None));
}

/// The time of the latest use is stored without loss for the first timestamp, for the last timestamp and for
/// times before 1970.
pub async fn last_used_time_is_stored_from_the_first_to_the_last_timestamp(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    for at in [Timestamp::MIN, Timestamp::from_micros(-1), Timestamp::from_micros(0), Timestamp::MAX] {
        store.recorded(vec![store.request(&row, at, Outcome::Answered)]).await;
        assert_eq!(store.view(&row).await.expect("the key").last_used_at, Some(at));
    }
}

/// Denied requests, and requests that have only started, do not change the request count or the time of the
/// latest use.
pub async fn denied_and_started_requests_change_no_counter(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let denied = store.request(&row, NOW, Outcome::Denied);
    let started = store.request(&row, NOW, Outcome::Started);
    store.recorded(vec![denied, started, store.denials(&row, NOW, 5)]).await;
    let view = store.view(&row).await.expect("the key");
    assert_eq!((view.request_count, view.last_used_at), (0, None));
    assert_eq!(usage(&store, &row).await, (0, 6));
    assert_eq!(store.log(&row.org).await.len(), 4);
}

/// If an event counts denials and its id is already in the audit log, the count is added to the event in the
/// log.
pub async fn count_is_added_to_the_event_in_the_log(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let first = store.denials(&row, NOW, 3);
    let other = store.denials(&row, NOW, 1);
    let more = with_count(&first, 4);
    store.recorded(vec![first.clone(), other.clone(), more.clone()]).await;
    assert_eq!(denials_on_log(&store, &row).await, [(other.id, 1), (first.id, 7)], "within a batch");
    store.recorded(vec![more]).await;
    assert_eq!(denials_on_log(&store, &row).await, [(other.id, 1), (first.id, 11)], "across batches");
    assert_eq!(usage(&store, &row).await, (0, 12));
}

/// If several [writers](KeyStore::open_writer) concurrently record an event that counts denials, under the same
/// id, the event's count is the sum of all counts.
pub async fn counts_added_concurrently_add_up(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let event = store.denials(&row, NOW, 1);
    let mut tasks = Vec::new();
    for count in 1..=8 {
        let writer = store.writer().await;
        let (event, store) = (with_count(&event, count), store.shared());
        tasks.push(async move {
            for sequence in 1..=5 {
                let batch = Batch::new(writer, sequence, vec![event.clone()]);
                assert_eq!(store.record(&batch).await.expect("record"), RecordOutcome::Applied);
            }
        });
    }
    race(harness, tasks).await;
    assert_eq!(denials_on_log(&store, &row).await, [(event.id, 180)]);
    assert_eq!(usage(&store, &row).await, (0, 180));
}

/// If an event is recorded after its key was deleted, the event is kept and has the last name and display prefix
/// of the key.
pub async fn events_of_deleted_keys_are_kept(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let last = renamed(&row, "last name");
    store.done(update(&last)).await;
    store.done(delete(&last)).await;
    let event = store.request(&row, NOW, Outcome::Answered);
    store.recorded(vec![event.clone()]).await;
    let entry = store.log(&row.org).await.swap_remove(0);
    assert_eq!(entry.event, event);
    let key = entry.key.expect("what is left of the key");
    assert_eq!((key.id, key.name, key.display_prefix), (row.id, last.name, row.display_prefix.clone()));
    assert_eq!(store.view(&row).await, None);
    assert_eq!(usage(&store, &row).await, (0, 0));
}

/// If a key is deleted while a batch is recorded, both the deletion and the batch succeed, and every event is in
/// the audit log.
pub async fn deletion_concurrent_with_a_batch_loses_no_event(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let (row, _) = store.create(&org(&format!("o{round}"))).await;
        let batch = Batch::new(store.writer().await, 1, requests(&store, &row, 5));
        let deletion = store.change(delete(&row));
        let tasks = [true, false].map(|deletes| {
            let (store, batch, deletion) = (store.shared(), batch.clone(), deletion.clone());
            async move {
                if deletes {
                    store.commit(&deletion).await.expect("commit");
                } else {
                    assert_eq!(store.record(&batch).await.expect("record"), RecordOutcome::Applied);
                }
            }
        });
        race(harness, tasks).await;
        assert_eq!(store.view(&row).await, None, "round {round}");
        let log = store.log(&row.org).await;
        assert_eq!(log.len(), 7, "round {round}");
        assert!(log.iter().all(|entry| entry.key.as_ref().is_some_and(|key| key.name == row.name)));
    }
}

/// If the store does not know the key of an event, the event is not recorded and not counted. The other events
/// of the batch are recorded.
pub async fn events_of_unknown_keys_are_dropped_and_the_others_are_kept(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let unknown = store.row(&row.org);
    let mut events = requests(&store, &unknown, 1);
    events.extend(requests(&store, &row, 1));
    events.push(store.denials(&unknown, NOW, 9));
    store.recorded(events).await;
    assert_eq!(store.log(&row.org).await.len(), 2);
    assert_eq!(store.view(&row).await.expect("the key").request_count, 1);
    assert_eq!(usage(&store, &unknown).await, (0, 0));
    // Counts that the store had kept would appear once the key exists.
    store.done(super::fixture::create(&unknown, &[])).await;
    assert_eq!(store.view(&unknown).await.expect("the key").request_count, 0);
    assert_eq!(usage(&store, &unknown).await, (0, 0));
}

/// An event without a key, such as an [`AuditGap`](Action::AuditGap), is kept even if its organization is not
/// stored.
pub async fn events_without_a_key_are_kept(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let mut gap = store.event(&org("o"), None, Action::AuditGap);
    (gap.actor, gap.detail) = (None, Detail::Gap { lost: 17 });
    store.recorded(vec![gap.clone()]).await;
    let log = store.log(&org("o")).await;
    assert_eq!((log.len(), &log[0].event, &log[0].key), (1, &gap, &None));
    assert_eq!(store.org(&org("o")).await.expect("org"), None);
}

/// A batch with an event that cannot be stored is rejected as a whole, and the other events can be recorded
/// under the same number.
pub async fn batch_with_an_event_that_cannot_be_stored_is_rejected(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let taken = store.log(&row.org).await[0].event.id;
    let writer = store.writer().await;
    let good = requests(&store, &row, 2);
    let poison = AuditEvent { id: taken, ..store.request(&row, NOW, Outcome::Answered) };
    let whole = [&good[..1], &[poison], &good[1..]].concat();
    assert!(is_rejected(KeyStore::record(&*store, &Batch::new(writer, 1, whole)).await));
    assert_eq!(store.log(&row.org).await.len(), 1);
    assert_eq!(store.view(&row).await.expect("the key").request_count, 0);
    assert_eq!(usage(&store, &row).await, (0, 0));
    assert_eq!(store.record(&Batch::new(writer, 1, good)).await, RecordOutcome::Applied);
    assert_eq!(store.view(&row).await.expect("the key").request_count, 2);
}

/// A batch can have 4,000 events of 100 keys in 10 organizations.
pub async fn large_batch_is_recorded_as_one_batch(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let mut rows = Vec::new();
    for number in 0..100 {
        rows.push(store.create(&org(&format!("o{}", number % 10))).await.0);
    }
    let minutes = (0..4_000).map(|minute| NOW.saturating_add(Duration::from_secs(minute * 60)));
    let events = minutes.zip(rows.iter().cycle()).map(|(at, row)| store.request(row, at, Outcome::Answered));
    let batch = Batch::new(store.writer().await, 1, events.collect());
    assert_eq!(store.record(&batch).await, RecordOutcome::Applied);
    for row in &rows {
        assert_eq!(store.view(row).await.expect("the key").request_count, 40);
        assert_eq!(usage(&store, row).await, (40, 0));
    }
    assert_eq!(store.log(&rows[0].org).await.len(), 410);
}

/// Recording a batch does not change the store's revision or the version of a key. Updating a key does not
/// change its counters.
pub async fn recording_and_updating_do_not_affect_each_other(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    store.recorded(requests(&store, &row, 3)).await;
    assert_eq!(store.revision().await, Revision(1));
    let edited = renamed(&row, "edited");
    store.done(update(&edited)).await;
    let view = store.view(&row).await.expect("the key");
    assert_eq!((view.row, view.request_count, view.last_used_at), (edited, 3, Some(NOW)));
    assert_eq!(usage(&store, &row).await, (3, 0));
}

fn requests(store: &Fixture, row: &KeyRow, number: usize) -> Vec<AuditEvent> {
    (0..number).map(|_| store.request(row, NOW, Outcome::Answered)).collect()
}

fn with_count(event: &AuditEvent, count: u32) -> AuditEvent {
    let mut event = event.clone();
    if let Detail::Request(record) = &mut event.detail {
        record.count = Some(count);
    }
    event
}

/// Returns the id and the count of each event that has a count, newest first.
async fn denials_on_log(store: &Fixture, row: &KeyRow) -> Vec<(crate::id::EventId, u32)> {
    let log = store.log(&row.org).await;
    log.iter().filter_map(|entry| Some((entry.event.id, entry.event.request()?.count?))).collect()
}

/// Returns the numbers of a key's requests and denials over all time.
async fn usage(store: &Fixture, row: &KeyRow) -> (u64, u64) {
    let key: KeyId = row.id;
    let query = UsageQuery::new(row.org.clone(), key, Timestamp::MIN, Timestamp::MAX, UsageStep::Day);
    let points = store.usage(&query).await.expect("usage");
    points.iter().fold((0, 0), |(requests, denied), point| (requests + point.requests, denied + point.denied))
}
