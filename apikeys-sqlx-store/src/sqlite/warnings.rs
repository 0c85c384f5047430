//! Claims warnings before keys expire, and remembers which warnings were sent.

use std::{collections::BTreeSet, time::Duration};

use apikeys_core::{
    KeyId, Timestamp,
    id::ClaimId,
    store::{
        ClaimedWarning, ClaimedWarnings, FinishOutcome, FinishedWarning, KeyRow, SentWarning, WarningClaim,
        WarningState, WhenToWarn,
    },
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    append,
    orgs::{self, OrgNumber},
    pages::one_more,
    rows::Columns,
    spans::{KnownSpans, Span},
    statements::WriteStatement,
    transaction::{Verdict, Work},
};
use crate::error::Failure;

/// The time that is earlier than every other time.
const EARLIEST: i64 = i64::MIN;
/// The time until a key that cannot be read is checked again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(86_400);

/// Sets the next check of a key that was created or updated.
pub(super) async fn check_soon(connection: &mut SqliteConnection, row: &KeyRow) -> Result<(), Failure> {
    if row.active && row.expires_at.is_some() {
        let id = row.id.as_bytes().as_slice();
        WriteStatement::CheckSoon.query().bind(id).bind(EARLIEST).execute(connection).await?;
    }
    Ok(())
}

/// Checks the keys whose time has come, and claims those that are due.
pub(super) struct Claim<'a>(pub(super) &'a WarningClaim);

impl Work for Claim<'_> {
    type Answer = ClaimedWarnings;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let (claim, limit) = (self.0, self.0.max_keys.max(1));
        let rows = WriteStatement::DueWarnings
            .query()
            .bind(claim.now.as_micros())
            .bind(one_more(limit))
            .fetch_all(&mut *connection)
            .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut warnings = Vec::new();
        for row in rows.iter().take(limit) {
            let checked = check(row, claim);
            WriteStatement::SetNextCheck
                .query()
                .bind(row.try_get::<&[u8], _>("warned_key")?)
                .bind(checked.next.map(Timestamp::as_micros))
                .bind(checked.claimed.is_some().then(|| claim.id.as_bytes().to_vec()))
                .execute(&mut *connection)
                .await?;
            warnings.extend(checked.claimed);
        }
        let claimed = ClaimedWarnings::new(warnings, rows.len() > limit);
        Ok(if rows.is_empty() { Verdict::RollBack(claimed) } else { Verdict::Commit(claimed) })
    }
}

/// The result of the check of one key.
struct Checked {
    claimed: Option<ClaimedWarning>,
    next: Option<Timestamp>,
}

fn check(row: &SqliteRow, claim: &WarningClaim) -> Checked {
    let (key, when) = match read(row, claim) {
        Ok(Some(checked)) => checked,
        // The organization was forgotten.
        Ok(None) => return Checked { claimed: None, next: None },
        Err(cause) => {
            tracing::error!(%cause, "a key cannot be read, so no warning can be sent before the key expires");
            let next = claim.now.saturating_add(UNREADABLE_PAUSE);
            return Checked { claimed: None, next: Some(next) };
        }
    };
    match (when, key.expires_at) {
        (WhenToWarn::Now(period), Some(expires_at)) => {
            let claimed = ClaimedWarning::new(key, expires_at, period);
            Checked { claimed: Some(claimed), next: Some(claim.until) }
        }
        (WhenToWarn::Later(time), _) => Checked { claimed: None, next: Some(time) },
        (WhenToWarn::Now(_) | WhenToWarn::Never, _) => Checked { claimed: None, next: None },
    }
}

/// Reads a key and decides when it is due. Returns `None` if the organization was forgotten.
fn read(row: &SqliteRow, claim: &WarningClaim) -> Result<Option<(KeyRow, WhenToWarn)>, Failure> {
    if !row.try_get::<bool, _>("is_stored")? {
        return Ok(None);
    }
    let mut columns = Columns::of(row);
    let (key, sent) = (columns.key_row()?, columns.sent_warning()?);
    let when = WarningState::of(&key, sent).check(&claim.periods, claim.now);
    Ok(Some((key, when)))
}

/// Records that a warning needs no further attempt. Also returns the spans that were written.
pub(super) struct Finish<'a> {
    pub(super) warning: &'a FinishedWarning,
    pub(super) spans: &'a KnownSpans,
}

impl Work for Finish<'_> {
    type Answer = (FinishOutcome, BTreeSet<Span>);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let warning = self.warning;
        let without_spans = |outcome| Ok(Verdict::RollBack((outcome, BTreeSet::new())));
        let numbers = orgs::numbers(connection, &BTreeSet::from([&warning.org])).await?;
        let Some(number) = numbers.get(&warning.org).copied() else {
            return without_spans(FinishOutcome::Forgotten);
        };
        let key = WriteStatement::OwnedKey
            .query()
            .bind(warning.key.as_bytes().as_slice())
            .bind(number)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(key) = key else { return without_spans(FinishOutcome::Forgotten) };
        let mut spans = BTreeSet::new();
        if let Some(event) = &warning.event {
            if is_recorded(connection, number, event.id.as_bytes()).await? {
                return without_spans(FinishOutcome::Done);
            }
            append::append(connection, &[(number, event)]).await?;
            spans = self.spans.add(connection, std::iter::once(event)).await?;
        }
        let (is_stored, expires_at): (bool, Option<i64>) = (key.try_get(0)?, key.try_get(1)?);
        if is_stored {
            set_sent(connection, warning, expires_at.map(Timestamp::from_micros)).await?;
        }
        Ok(Verdict::Commit((FinishOutcome::Done, spans)))
    }
}

async fn is_recorded(
    connection: &mut SqliteConnection,
    org: OrgNumber,
    event: &[u8],
) -> Result<bool, Failure> {
    Ok(WriteStatement::Event.query().bind(org).bind(event).fetch_optional(connection).await?.is_some())
}

async fn set_sent(
    connection: &mut SqliteConnection,
    warning: &FinishedWarning,
    expires_at: Option<Timestamp>,
) -> Result<(), Failure> {
    let id = warning.key.as_bytes().as_slice();
    let Some(row) = WriteStatement::SentWarning.query().bind(id).fetch_optional(&mut *connection).await?
    else {
        return Ok(());
    };
    let sent = warning.sent.after(Columns::of(&row).sent_warning()?, expires_at);
    let period = sent.map(|sent| i64::try_from(sent.period.as_micros()));
    let period = period.transpose().map_err(|_| Failure::Refused("the period of the warning is too long"))?;
    WriteStatement::SetSentWarning
        .query()
        .bind(id)
        .bind(sent.map(|sent: SentWarning| sent.expires_at.as_micros()))
        .bind(period)
        .bind(warning.claim.as_bytes().as_slice())
        .bind(EARLIEST)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a claim because the warning could not be sent.
pub(super) struct Postpone {
    pub(super) claim: ClaimId,
    pub(super) key: KeyId,
    pub(super) until: Timestamp,
}

impl Work for Postpone {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<()>, Failure> {
        WriteStatement::PostponeWarning
            .query()
            .bind(self.key.as_bytes().as_slice())
            .bind(self.claim.as_bytes().as_slice())
            .bind(self.until.as_micros())
            .execute(connection)
            .await?;
        Ok(Verdict::Commit(()))
    }
}
