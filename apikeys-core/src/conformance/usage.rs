//! Requirements on the usage of a key by hour and by day.

use std::time::Duration;

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, create, delete, org},
};
use crate::{
    Timestamp,
    audit::Outcome,
    store::{KeyRow, UsagePoint, UsageQuery, UsageStep},
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The usage of a key contains the numbers of admitted and denied requests in each hour or UTC day, earliest
/// first. Hours and days without admitted or denied requests are left out.
pub async fn usage_is_counted_by_hour_and_day(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let (busy, _) = store.create(&org("o")).await;
    let at = |hours: u32| NOW.saturating_add(HOUR * hours + Duration::from_secs(61));
    store.recorded(vec![store.request(&row, at(25), Outcome::Answered)]).await;
    let events = vec![
        store.request(&row, at(0), Outcome::Answered),
        store.request(&row, at(0), Outcome::Aborted),
        store.request(&row, at(0), Outcome::Denied),
        store.request(&row, at(0), Outcome::Started),
        store.request(&row, at(2), Outcome::Answered),
        store.denials(&row, at(25), 1_000_000),
        store.denials(&row, at(72), u32::MAX),
        store.denials(&row, at(72), u32::MAX),
        store.request(&busy, at(1), Outcome::Answered),
    ];
    store.recorded(events).await;
    let hour = |hours: u32| NOW.saturating_add(HOUR * hours);
    let most = u64::from(u32::MAX) * 2;
    let hours = [(hour(0), 2, 1), (hour(2), 1, 0), (hour(25), 1, 1_000_000), (hour(72), 0, most)];
    let days = [(hour(0), 3, 1), (hour(24), 1, 1_000_000), (hour(72), 0, most)];
    assert_eq!(all(&store, &row, UsageStep::Hour).await, points(&hours));
    assert_eq!(all(&store, &row, UsageStep::Day).await, points(&days));
}

/// A request counts towards the hour and the day in which it began, exact to the microsecond.
pub async fn hours_and_days_are_exact_to_the_microsecond(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for start in [NOW, Timestamp::from_micros(0), Timestamp::from_micros(-86_400_000_000)] {
        let (row, _) = store.create(&org("o")).await;
        let micro = Duration::from_micros(1);
        let times = [start.saturating_sub(micro), start, start.saturating_add(HOUR).saturating_sub(micro)];
        store.recorded(times.map(|at| store.request(&row, at, Outcome::Answered)).to_vec()).await;
        let hours = [(start.saturating_sub(HOUR), 1, 0), (start, 2, 0)];
        assert_eq!(all(&store, &row, UsageStep::Hour).await, points(&hours));
        let days = [(start.saturating_sub(DAY), 1, 0), (start, 2, 0)];
        assert_eq!(all(&store, &row, UsageStep::Day).await, points(&days));
    }
}

/// Usage includes requests before 1970, and requests at the first and at the last [`Timestamp`].
pub async fn usage_is_counted_before_1970_and_at_the_first_and_last_timestamp(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let times =
        [Timestamp::MAX, Timestamp::from_micros(-1), Timestamp::from_micros(-3_600_000_001), Timestamp::MIN];
    store.recorded(times.map(|at| store.request(&row, at, Outcome::Answered)).to_vec()).await;
    let last = |step: Duration| Timestamp::MAX.floor_to(step);
    let hours = [
        (Timestamp::MIN, 1, 0),
        (Timestamp::from_micros(-7_200_000_000), 1, 0),
        (Timestamp::from_micros(-3_600_000_000), 1, 0),
        (last(HOUR), 1, 0),
    ];
    assert_eq!(all(&store, &row, UsageStep::Hour).await, points(&hours));
    let days = [(Timestamp::MIN, 1, 0), (Timestamp::from_micros(-86_400_000_000), 2, 0), (last(DAY), 1, 0)];
    assert_eq!(all(&store, &row, UsageStep::Day).await, points(&days));
}

/// A query for usage returns the whole hour or day that contains `since`, and no hour or day that begins at
/// or after `until`.
pub async fn usage_contains_only_the_queried_time_span(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let hour = |hours: u32| NOW.saturating_add(HOUR * hours);
    let events = (0..72).map(|hours| store.request(&row, hour(hours), Outcome::Answered));
    store.recorded(events.collect()).await;
    let micro = Duration::from_micros(1);
    let read = async |since, until, step| {
        let query = UsageQuery::new(row.org.clone(), row.id, since, until, step);
        let points = store.usage(&query).await.expect("usage");
        points.into_iter().map(|point| (point.at, point.requests)).collect::<Vec<_>>()
    };
    let hours = UsageStep::Hour;
    assert_eq!(read(hour(1), hour(3), hours).await, [(hour(1), 1), (hour(2), 1)]);
    let inside = hour(2).saturating_sub(micro);
    assert_eq!(read(inside, hour(2), hours).await, [(hour(1), 1)]);
    assert_eq!(read(inside, hour(2).saturating_add(micro), hours).await, [(hour(1), 1), (hour(2), 1)]);
    let days = UsageStep::Day;
    assert_eq!(read(hour(0), hour(48), days).await, [(hour(0), 24), (hour(24), 24)]);
    assert_eq!(read(hour(47), hour(49), days).await, [(hour(24), 24), (hour(48), 1)]);
    for step in [hours, days] {
        assert_eq!(read(hour(50), hour(0), step).await, [], "it ends before it begins");
        assert_eq!(read(hour(100), hour(200), step).await, []);
    }
}

/// A query for the usage of a key that is unknown, deleted or owned by another organization returns no usage.
pub async fn usage_of_a_missing_or_other_organizations_key_is_empty(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let (other, _) = store.create(&org("other")).await;
    store.recorded(vec![store.request(&row, NOW, Outcome::Answered)]).await;
    let foreign = KeyRow { org: other.org.clone(), ..row.clone() };
    for step in [UsageStep::Hour, UsageStep::Day] {
        assert_eq!(all(&store, &row, step).await.len(), 1);
        for none in [&foreign, &other, &store.row(&row.org)] {
            assert_eq!(all(&store, none, step).await, []);
        }
    }
    store.done(delete(&row)).await;
    let successor = store.row(&row.org);
    store.done(create(&successor, &[])).await;
    for row in [&row, &successor] {
        assert_eq!(all(&store, row, UsageStep::Day).await, []);
    }
}

fn points(points: &[(Timestamp, u64, u64)]) -> Vec<UsagePoint> {
    points.iter().map(|(at, requests, denied)| UsagePoint::new(*at, *requests, *denied)).collect()
}

/// Returns a key's usage over all time.
async fn all(store: &Fixture, row: &KeyRow, step: UsageStep) -> Vec<UsagePoint> {
    let query = UsageQuery::new(row.org.clone(), row.id, Timestamp::MIN, Timestamp::MAX, step);
    store.usage(&query).await.expect("usage")
}
