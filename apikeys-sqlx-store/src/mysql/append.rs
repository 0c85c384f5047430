//! Adds audit events, many rows with each statement.

use std::collections::{BTreeMap, btree_map::Entry};

use apikeys_core::{
    DenialCode,
    audit::{Action, AuditEvent, Detail, RequestRecord},
    id::EventId,
};
use sqlx::{Arguments as _, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{bulk::Bulk, texts::MySqlTexts};
use crate::{error::Failure, ids::is_late, session::OrgNumber};

/// An event with the number of its organization and its count.
struct Row<'e> {
    org: OrgNumber,
    event: &'e AuditEvent,
    count: Option<u32>,
}

/// Adds events to the audit log, each with the number of its organization.
pub(super) async fn append(
    connection: &mut MySqlConnection,
    texts: &MySqlTexts,
    events: &[(OrgNumber, &AuditEvent)],
) -> Result<(), Failure> {
    let mut single = Vec::with_capacity(events.len());
    // With one statement, an event that is in the batch twice would be counted from its first row.
    let mut counted: BTreeMap<(OrgNumber, EventId), Row<'_>> = BTreeMap::new();
    for (org, event) in events {
        let count = event.request().and_then(|record| record.count);
        let row = Row { org: *org, event, count };
        let Some(count) = count else {
            single.push(row);
            continue;
        };
        match counted.entry((*org, event.id)) {
            Entry::Vacant(free) => {
                free.insert(row);
            }
            Entry::Occupied(mut taken) => {
                let known = &mut taken.get_mut().count;
                *known = known.map(|known| known.saturating_add(count));
            }
        }
    }
    let counted: Vec<Row<'_>> = counted.into_values().collect();
    run(connection, &texts.append, &single, bind_event).await?;
    run(connection, &texts.append_counts, &counted, bind_event).await?;
    let all = || single.iter().chain(&counted);
    let rare: Vec<&Row<'_>> = all().filter(|row| row.event.action != Action::Request).collect();
    run(connection, &texts.append_rare, &rare, bind_rare).await?;
    let late: Vec<&Row<'_>> = all().filter(|row| is_late(row.event)).collect();
    run(connection, &texts.append_late, &late, bind_late).await?;
    Ok(())
}

/// Runs a statement for all rows. Returns the number of changed rows.
pub(super) async fn run<T>(
    connection: &mut MySqlConnection,
    bulk: &Bulk,
    rows: &[T],
    bind: impl Fn(&mut MySqlArguments, &T) -> Result<(), BoxDynError>,
) -> Result<u64, Failure> {
    let mut changed = 0;
    for (text, piece) in bulk.pieces(rows) {
        let mut arguments = MySqlArguments::default();
        for row in piece {
            bind(&mut arguments, row).map_err(sqlx::Error::Encode)?;
        }
        changed += sqlx::query_with(text, arguments).execute(&mut *connection).await?.rows_affected();
    }
    Ok(changed)
}

fn bind_event(arguments: &mut MySqlArguments, row: &Row<'_>) -> Result<(), BoxDynError> {
    let Row { org, event, count } = row;
    arguments.add(*org)?;
    arguments.add(event.id.as_bytes().as_slice())?;
    arguments.add(event.at.as_micros())?;
    arguments.add(is_late(event))?;
    arguments.add(event.key.as_ref().map(|key| key.as_bytes().as_slice()))?;
    arguments.add(event.action.as_str())?;
    arguments.add(event.actor.as_ref().map(|actor| actor.as_str().as_bytes()))?;
    match &event.detail {
        Detail::Request(record) => bind_request(arguments, record)?,
        _ => bind_nulls(arguments, 10)?,
    }
    arguments.add(count.map(i64::from))?;
    match &event.detail {
        Detail::None | Detail::Request(_) => bind_nulls(arguments, 2),
        Detail::Changes(changes) => {
            arguments.add(serde_json::to_string(changes)?)?;
            bind_nulls(arguments, 1)
        }
        Detail::Gap { lost } => {
            bind_nulls(arguments, 1)?;
            arguments.add(i64::from(*lost))
        }
        _ => Err("this version does not know the event's detail".into()),
    }
}

fn bind_request(arguments: &mut MySqlArguments, record: &RequestRecord) -> Result<(), BoxDynError> {
    let meta = &record.meta;
    arguments.add(meta.method())?;
    arguments.add(meta.path())?;
    arguments.add(record.outcome.as_str())?;
    arguments.add(record.status.map(i64::from))?;
    arguments.add(i64::try_from(record.latency.as_micros())?)?;
    arguments.add(meta.client_ip().map(|ip| ip.to_string()))?;
    arguments.add(meta.user_agent())?;
    arguments.add(meta.request_id().map(ToString::to_string))?;
    arguments.add(meta.trace_id().map(|id| id.to_string()))?;
    arguments.add(record.denial.as_ref().map(DenialCode::as_str))
}

fn bind_nulls(arguments: &mut MySqlArguments, columns: usize) -> Result<(), BoxDynError> {
    for _ in 0..columns {
        arguments.add(None::<i64>)?;
    }
    Ok(())
}

fn bind_rare(arguments: &mut MySqlArguments, row: &&Row<'_>) -> Result<(), BoxDynError> {
    let Row { org, event, .. } = row;
    arguments.add(*org)?;
    arguments.add(event.action.as_str())?;
    arguments.add(event.id.as_bytes().as_slice())?;
    arguments.add(event.key.as_ref().map(|key| key.as_bytes().as_slice()))?;
    arguments.add(event.at.as_micros())?;
    arguments.add(is_late(event))
}

fn bind_late(arguments: &mut MySqlArguments, row: &&Row<'_>) -> Result<(), BoxDynError> {
    arguments.add(row.org)?;
    arguments.add(row.event.at.as_micros())?;
    arguments.add(row.event.id.as_bytes().as_slice())
}
