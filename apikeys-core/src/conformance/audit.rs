//! Requirements on writing and reading the audit log.

use std::time::Duration;

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, actor, create, delete, first, moved_on, name, org, renamed, update},
};
use crate::{
    Timestamp,
    audit::{
        Action, AuditEvent, ChangeValue, Changes, Detail, Outcome, RequestId, RequestMeta, RequestRecord,
    },
    denial::DenialCode,
    id::EventId,
    store::{AuditQuery, Change, CommitOutcome, KeyRow},
};

/// Every field of an event is read as it was written, for every kind of detail, whether a batch or a change
/// wrote the event.
pub async fn event_is_read_with_every_field_as_written(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let mut changes = Changes::one("name", ChangeValue::Null, "Straße \"🔑\" \\".into());
    changes.set("active", true.into(), false.into());
    changes.set("expires_at", Some(Timestamp::MIN).into(), Some(Timestamp::MAX).into());
    let newer = ChangeValue::Other(r#"["read",{"n":0.5}]"#.into());
    changes.set("a_list", newer.clone(), newer);
    changes.set("a_number", ChangeValue::Number(i64::MIN), ChangeValue::Number(i64::MAX));
    let particulars = [
        Detail::None,
        Detail::Changes(Changes::new()),
        Detail::Changes(changes),
        Detail::Gap { lost: u32::MAX },
        Detail::Request(RequestRecord::new(RequestMeta::new("", ""), Outcome::Started, Duration::ZERO)),
        Detail::Request(full_request("192.0.2.1")),
        Detail::Request(full_request("2001:db8::ffff:1")),
        Detail::Request(full_request("::ffff:192.0.2.1")),
    ];
    let times = [NOW, Timestamp::MIN, Timestamp::MAX, Timestamp::from_micros(-1)];
    let mut events = Vec::new();
    for (number, detail) in particulars.into_iter().enumerate() {
        let mut event = store.event(&row.org, (number % 2 == 0).then_some(row.id), Action::KeyUpdated);
        event.actor = (number % 3 != 0).then(|| actor(&"ä".repeat(64)));
        (event.at, event.detail) = (times[number % times.len()], detail);
        events.push(event);
    }
    store.recorded(events.clone()).await;
    assert_eq!(read(&store, &row).await, events);

    let mut change = Change { events: Vec::new(), ..store.change(update(&renamed(&row, "edited"))) };
    change.events = events.iter().map(|event| AuditEvent { id: fresh(&store), ..event.clone() }).collect();
    store.submit(&change).await;
    assert_eq!(read(&store, &row).await[events.len()..], change.events);
}

/// Every action, outcome and denial code is read as it was recorded, including values of a newer version of
/// this library.
pub async fn events_of_every_kind_are_read_as_written(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let newer = "value.of_a_newer_version";
    let actions = Action::ALL.iter().cloned().chain([Action::from_stored(newer)]);
    let mut events: Vec<_> = actions.map(|action| store.event(&row.org, Some(row.id), action)).collect();
    let outcomes = Outcome::ALL.iter().cloned().chain([Outcome::from_stored(newer)]);
    events.extend(outcomes.map(|outcome| store.request(&row, NOW, outcome)));
    for code in DenialCode::ALL.iter().cloned().chain([DenialCode::from_stored(newer)]) {
        let mut event = store.denials(&row, NOW, u32::MAX);
        if let Detail::Request(record) = &mut event.detail {
            (record.denial, record.status) = (Some(code), Some(503));
        }
        events.push(event);
    }
    store.recorded(events.clone()).await;
    assert_eq!(read(&store, &row).await, events);
}

/// A request id that this library generated is read as the same text.
pub async fn generated_request_id_is_read_as_the_same_text(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let mut meta = RequestMeta::new("GET", "/");
    meta.ensure_id(|| [0xab; 16]);
    let mut event = store.request(&row, NOW, Outcome::Answered);
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::ZERO));
    store.recorded(vec![event]).await;
    let read = read(&store, &row).await;
    let id = read[0].request().and_then(|record| record.meta.request_id()).map(ToString::to_string);
    assert_eq!(id, Some("ab".repeat(16)));
}

/// Events are ordered by descending id, whatever their times. Ids are compared as unsigned bytes.
pub async fn log_is_read_newest_first(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let ids = [0x7f, 0x00, 0xff, 0x80, 0x01].map(|byte| EventId::from_bytes([byte; 16]));
    let events = ids.map(|id| {
        let at = Timestamp::from_micros(-i64::from(id.as_bytes()[0]));
        AuditEvent { id, at, ..store.event(&org("o"), None, Action::AuditGap) }
    });
    store.recorded(events.to_vec()).await;
    let mut wanted = ids;
    wanted.sort_by(|a, b| b.cmp(a));
    let log = store.log(&org("o")).await;
    assert_eq!(log.iter().map(|entry| entry.event.id).collect::<Vec<_>>(), wanted);
    let pages = in_pages(&store, &AuditQuery::new(org("o"), 2)).await;
    assert_eq!(pages.iter().map(|event| event.id).collect::<Vec<_>>(), wanted);
}

/// The audit log of an organization contains only events of that organization.
pub async fn log_contains_only_events_of_its_organization(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (left, _) = store.create(&org("left")).await;
    let (right, _) = store.create(&org("right")).await;
    for row in [&left, &right] {
        store.recorded(vec![store.request(row, NOW, Outcome::Answered)]).await;
    }
    for (own, foreign) in [(&left, &right), (&right, &left)] {
        let log = store.log(&own.org).await;
        assert_eq!(log.len(), 2);
        assert!(log.iter().all(|entry| entry.event.org == own.org));
        let query = AuditQuery::new(own.org.clone(), 10).key(foreign.id);
        assert_eq!(store.audit(&query).await.expect("audit").items, []);
    }
    assert_eq!(store.log(&org("nobody")).await, []);
}

/// Events can be filtered by key, action and time, separately and together, from `since` inclusive to `until`
/// exclusive.
pub async fn log_is_filtered_by_key_action_and_time(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (events, rows) = filled(&store).await;
    for query in queries(&rows) {
        let wanted = matching(&events, &query);
        assert_eq!(
            in_pages(&store, &AuditQuery { limit: 1_000, ..query.clone() }).await,
            wanted,
            "{query:?}"
        );
    }
}

/// With every combination of filters, a query returns the same events whatever the size of the pages.
pub async fn filtered_log_is_the_same_for_every_page_size(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (events, rows) = filled(&store).await;
    for query in queries(&rows) {
        let wanted = matching(&events, &query);
        for limit in [1, 2, 7] {
            assert_eq!(in_pages(&store, &AuditQuery { limit, ..query.clone() }).await, wanted, "{query:?}");
        }
    }
}

/// A page of the audit log has a cursor if and only if more events follow.
pub async fn last_page_has_no_cursor(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let gaps = (0..4).map(|_| store.event(&org("o"), None, Action::AuditGap));
    store.recorded(gaps.collect()).await;
    for (limit, more) in [(3, true), (4, false), (5, false)] {
        let page = store.audit(&AuditQuery::new(org("o"), limit)).await.expect("audit");
        assert_eq!(page.next.is_some(), more, "limit {limit}");
    }
}

/// If new events are recorded while the audit log is read page by page, the pages repeat no event and skip no
/// event.
pub async fn pages_of_the_log_repeat_and_skip_no_event_while_events_arrive(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let gap = || store.event(&org("o"), None, Action::AuditGap);
    let events: Vec<_> = (0..5).map(|_| gap()).collect();
    store.recorded(events.clone()).await;
    let (mut read, mut query) = (Vec::new(), AuditQuery::new(org("o"), 2));
    loop {
        let page = store.audit(&query).await.expect("audit");
        read.extend(page.items.into_iter().map(|entry| entry.event));
        store.recorded(vec![gap()]).await;
        match moved_on(query.after, page.next) {
            None => break,
            next => query = query.after(next),
        }
    }
    assert!(read.iter().eq(events.iter().rev()));
}

/// Each event is returned with the current name and display prefix of its key. If the key was deleted, the event
/// is returned with the key's last name and display prefix.
pub async fn events_have_the_current_name_of_their_key(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let (other, _) = store.create(&org("o")).await;
    store.recorded(vec![store.request(&row, NOW, Outcome::Answered)]).await;
    store.recorded(vec![store.event(&row.org, None, Action::AuditGap)]).await;
    let edited = KeyRow { display_prefix: "acme_live_9999".to_owned(), ..renamed(&row, "Ünïcode 🔑") };
    store.done(update(&edited)).await;
    for deleted in [false, true] {
        if deleted {
            store.done(delete(&edited)).await;
        }
        for entry in store.log(&row.org).await {
            let shown = entry.key.map(|key| (key.id, key.name, key.display_prefix));
            let wanted = match entry.event.key {
                None => None,
                Some(id) if id == other.id => Some((id, other.name.clone(), other.display_prefix.clone())),
                Some(id) => Some((id, edited.name.clone(), edited.display_prefix.clone())),
            };
            assert_eq!(shown, wanted, "deleted: {deleted}");
        }
    }
}

/// Returns a record of a request with a value in every field. `client` is the client's address as text.
fn full_request(client: &str) -> RequestRecord {
    let traceparent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let meta = RequestMeta::new("PURGE", &format!("/{}/ü", "x".repeat(1_000)))
        .with_client_ip(client.parse().ok())
        .with_user_agent("curl/8.5 \u{1b}[31m 🔑 'quoted' \\".as_bytes())
        .with_request_id(RequestId::from_header("A-1._:/+=".repeat(14).as_bytes()))
        .with_trace_id(crate::audit::TraceId::from_traceparent(traceparent));
    assert!(meta.client_ip().is_some() && meta.request_id().is_some() && meta.trace_id().is_some());
    let mut record = RequestRecord::new(meta, Outcome::Denied, Duration::from_micros(3_600_000_001));
    (record.status, record.denial, record.count) = (Some(599), Some(DenialCode::Expired), Some(1));
    record
}

fn fresh(store: &Fixture) -> EventId {
    EventId::from_bytes(store.bytes())
}

/// Returns the events that were written after the organization's first event, oldest first.
async fn read(store: &Fixture, row: &KeyRow) -> Vec<AuditEvent> {
    let log = store.log(&row.org).await;
    log.into_iter().rev().skip(1).map(|entry| entry.event).collect()
}

/// Records events of two keys and of no key, with several actions and times. Returns the events, newest
/// first, and the keys.
async fn filled(store: &Fixture) -> (Vec<AuditEvent>, Vec<KeyRow>) {
    let org = org("o");
    let rows: Vec<_> = ["one", "two"].map(|text| KeyRow { name: name(text), ..store.row(&org) }).to_vec();
    for (number, row) in rows.iter().enumerate() {
        let creation = create(row, &[]);
        let creation = if number == 0 { first(creation) } else { creation };
        let silent = Change { events: Vec::new(), ..store.prepared(creation).await };
        assert!(matches!(store.submit(&silent).await, CommitOutcome::Done { .. }));
    }
    let actions = [Action::Request, Action::KeyUpdated, Action::Request, Action::AuditGap];
    let mut events: Vec<_> = (0..24_usize)
        .zip((0..24_i64).map(|number| number * 7 % 24 - 12))
        .map(|(number, micros)| {
            let key = rows.get(number % 3).map(|row| row.id);
            let mut event = store.event(&org, key, actions[number % actions.len()].clone());
            // The times rise and fall while the ids rise.
            event.at = Timestamp::from_micros(micros);
            event
        })
        .collect();
    store.recorded(events.clone()).await;
    let (elsewhere, _) = store.create(&crate::OrgId::new("elsewhere").expect("an id")).await;
    store.recorded(vec![store.request(&elsewhere, Timestamp::from_micros(0), Outcome::Answered)]).await;
    events.reverse();
    (events, rows)
}

/// Returns a query for every combination of filters.
fn queries(rows: &[KeyRow]) -> Vec<AuditQuery> {
    let mut queries = vec![AuditQuery::new(org("o"), 1)];
    let mut both = |with: &dyn Fn(AuditQuery) -> AuditQuery| {
        queries.extend(queries.clone().into_iter().map(with));
    };
    both(&|query| query.key(rows[1].id));
    both(&|query| query.action(Action::Request));
    both(&|query| query.since(Timestamp::from_micros(-6)));
    both(&|query| query.until(Timestamp::from_micros(6)));
    queries
}

fn matching(events: &[AuditEvent], query: &AuditQuery) -> Vec<AuditEvent> {
    let matching: Vec<_> = events
        .iter()
        .filter(|event| query.key.is_none_or(|key| event.key == Some(key)))
        .filter(|event| query.action.as_ref().is_none_or(|action| event.action == *action))
        .filter(|event| query.since.is_none_or(|since| since <= event.at))
        .filter(|event| query.until.is_none_or(|until| event.at < until))
        .cloned()
        .collect();
    assert!(!matching.is_empty(), "a filter that finds nothing tests nothing");
    matching
}

async fn in_pages(store: &Fixture, query: &AuditQuery) -> Vec<AuditEvent> {
    let (mut events, mut query) = (Vec::new(), query.clone());
    loop {
        let page = store.audit(&query).await.expect("audit");
        assert!(page.items.len() <= query.limit as usize);
        events.extend(page.items.into_iter().map(|entry| entry.event));
        match moved_on(query.after, page.next) {
            None => return events,
            next => query = query.after(next),
        }
    }
}
