//! Adds audit events, with one array for each column.

use std::collections::{BTreeMap, btree_map::Entry};

use apikeys_core::{
    DenialCode,
    audit::{AuditEvent, Detail, RequestRecord},
    id::EventId,
};
use sqlx::PgConnection;

use super::texts::PgTexts;
use crate::{error::Failure, ids::is_late, session::OrgNumber, texts::Text};

/// The most rows of one statement. PostgreSQL plans and parses longer arrays no faster, and shorter statements let
/// other connections have their turn.
const MOST_ROWS: usize = 1_000;

/// Adds events to the audit log, each with the number of its organization.
pub(super) async fn append(
    connection: &mut PgConnection,
    texts: &PgTexts,
    events: &[(OrgNumber, &AuditEvent)],
) -> Result<(), Failure> {
    let (counted, single): (Vec<_>, Vec<_>) =
        events.iter().copied().partition(|(_, event)| count(event).is_some());
    for some in single.chunks(MOST_ROWS) {
        run(connection, &texts.append, some, &[]).await?;
    }
    // A statement can change each row once.
    let (merged, counts) = merged(&counted);
    for (some, counts) in merged.chunks(MOST_ROWS).zip(counts.chunks(MOST_ROWS)) {
        run(connection, &texts.append_counts, some, counts).await?;
    }
    Ok(())
}

fn count(event: &AuditEvent) -> Option<u32> {
    event.request().and_then(|record| record.count)
}

/// Adds the counts of events with the same id. Returns each event once, and its count.
fn merged<'e>(events: &[(OrgNumber, &'e AuditEvent)]) -> (Vec<(OrgNumber, &'e AuditEvent)>, Vec<u32>) {
    let mut by_id: BTreeMap<(OrgNumber, EventId), (&AuditEvent, u32)> = BTreeMap::new();
    for (org, event) in events {
        let added = count(event).unwrap_or_default();
        match by_id.entry((*org, event.id)) {
            Entry::Vacant(free) => {
                free.insert((event, added));
            }
            Entry::Occupied(mut taken) => taken.get_mut().1 = taken.get().1.saturating_add(added),
        }
    }
    by_id.into_iter().map(|((org, _), (event, count))| ((org, event), count)).unzip()
}

/// Runs a statement. `counts` replaces the counts of the events if it is not empty.
async fn run(
    connection: &mut PgConnection,
    text: &Text,
    events: &[(OrgNumber, &AuditEvent)],
    counts: &[u32],
) -> Result<(), Failure> {
    let column = events.iter().map(|(_, event)| *event);
    let requests: Vec<Option<&RequestRecord>> = column.clone().map(AuditEvent::request).collect();
    let texts = |of: &dyn Fn(&RequestRecord) -> Option<String>| -> Vec<Option<String>> {
        requests.iter().map(|record| record.and_then(of)).collect()
    };
    let integers = |of: &dyn Fn(&RequestRecord) -> Option<i64>| -> Vec<Option<i64>> {
        requests.iter().map(|record| record.and_then(of)).collect()
    };
    let mut changes = Vec::with_capacity(events.len());
    let mut lost = Vec::with_capacity(events.len());
    for event in column.clone() {
        let (change, gap) = match &event.detail {
            Detail::None | Detail::Request(_) => (None, None),
            Detail::Changes(changes) => (Some(json(changes)?), None),
            Detail::Gap { lost } => (None, Some(i64::from(*lost))),
            _ => return Err(Failure::Refused("this version does not know the event's detail")),
        };
        changes.push(change);
        lost.push(gap);
    }
    let counts = match counts {
        [] => integers(&|record| record.count.map(i64::from)),
        counts => counts.iter().map(|count| Some(i64::from(*count))).collect(),
    };
    let latency = |record: &RequestRecord| i64::try_from(record.latency.as_micros()).ok();
    sqlx::query(text.sql())
        .bind(events.iter().map(|(org, _)| *org).collect::<Vec<_>>())
        .bind(column.clone().map(|event| event.id.as_bytes().as_slice()).collect::<Vec<_>>())
        .bind(column.clone().map(|event| event.at.as_micros()).collect::<Vec<_>>())
        .bind(column.clone().map(is_late).collect::<Vec<_>>())
        .bind(column.clone().map(|event| event.key.map(|key| key.as_bytes().to_vec())).collect::<Vec<_>>())
        .bind(column.clone().map(|event| event.action.as_str()).collect::<Vec<_>>())
        .bind(
            column
                .clone()
                .map(|event| event.actor.as_ref().map(|actor| actor.as_str().as_bytes()))
                .collect::<Vec<_>>(),
        )
        .bind(requests.iter().map(|record| record.map(|record| record.meta.method())).collect::<Vec<_>>())
        .bind(requests.iter().map(|record| record.map(|record| record.meta.path())).collect::<Vec<_>>())
        .bind(requests.iter().map(|record| record.map(|record| record.outcome.as_str())).collect::<Vec<_>>())
        .bind(integers(&|record| record.status.map(i64::from)))
        .bind(integers(&latency))
        .bind(texts(&|record| record.meta.client_ip().map(|ip| ip.to_string())))
        .bind(requests.iter().map(|record| record.and_then(|r| r.meta.user_agent())).collect::<Vec<_>>())
        .bind(texts(&|record| record.meta.request_id().map(ToString::to_string)))
        .bind(texts(&|record| record.meta.trace_id().map(|id| id.to_string())))
        .bind(
            requests
                .iter()
                .map(|record| record.and_then(|r| r.denial.as_ref()).map(DenialCode::as_str))
                .collect::<Vec<_>>(),
        )
        .bind(counts)
        .bind(changes)
        .bind(lost)
        .execute(connection)
        .await?;
    Ok(())
}

fn json(changes: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(changes).map_err(|error| sqlx::Error::Encode(error.into()).into())
}
