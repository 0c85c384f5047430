//! Adds audit events. One statement adds many rows, because each statement is sent to the thread of the
//! connection.

use apikeys_core::audit::{AuditEvent, Detail, RequestRecord};
use sqlx::{Arguments, SqliteConnection, sqlite::SqliteArguments};

use super::statements::{BulkStatement, MOST_ROWS};
use crate::{error::Failure, ids::is_late, session::OrgNumber};

/// Adds events to the audit log, each with the number of its organization.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    events: &[(OrgNumber, &AuditEvent)],
) -> Result<(), Failure> {
    for some in events.chunks(MOST_ROWS) {
        let mut arguments = SqliteArguments::default();
        for (org, event) in some {
            bind(&mut arguments, *org, event)?;
        }
        BulkStatement::append(some.len()).query_with(arguments).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Binds an event as one row of the statement.
pub(super) fn bind(
    arguments: &mut SqliteArguments,
    org: OrgNumber,
    event: &AuditEvent,
) -> Result<(), Failure> {
    bind_row(arguments, org, event).map_err(|error| sqlx::Error::Encode(error).into())
}

fn bind_row(
    arguments: &mut SqliteArguments,
    org: OrgNumber,
    event: &AuditEvent,
) -> Result<(), sqlx::error::BoxDynError> {
    arguments.add(org)?;
    arguments.add(event.id.as_bytes().as_slice())?;
    arguments.add(event.at.as_micros())?;
    arguments.add(i64::from(is_late(event)))?;
    arguments.add(event.key.as_ref().map(|key| key.as_bytes().as_slice()))?;
    arguments.add(event.action.as_str())?;
    arguments.add(event.actor.as_ref().map(|actor| actor.as_str().as_bytes()))?;
    match &event.detail {
        Detail::Request(record) => bind_request(arguments, record)?,
        _ => bind_nulls(arguments, 11)?,
    }
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

fn bind_request(
    arguments: &mut SqliteArguments,
    record: &RequestRecord,
) -> Result<(), sqlx::error::BoxDynError> {
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
    arguments.add(record.denial.as_ref().map(apikeys_core::DenialCode::as_str))?;
    arguments.add(record.count.map(i64::from))
}

fn bind_nulls(arguments: &mut SqliteArguments, columns: usize) -> Result<(), sqlx::error::BoxDynError> {
    for _ in 0..columns {
        arguments.add(None::<i64>)?;
    }
    Ok(())
}
