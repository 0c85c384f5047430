//! Claims warnings before keys expire, and remembers which warnings were sent.

use std::time::Duration;

use apikeys_core::{
    KeyId, Timestamp,
    id::{ClaimId, EventId},
    store::{
        ClaimedWarning, ClaimedWarnings, FinishOutcome, FinishedWarning, KeyRow, SentWarning, WarningClaim,
        WarningState, WhenToWarn,
    },
};

use super::orgs;
use crate::{
    argument::arguments,
    cells::Cells,
    columns::Columns,
    error::Failure,
    pages::one_more,
    session::{OrgNumber, Session, Verdict, Work},
    statements::WriteStatement,
};

/// The time that is earlier than every other time.
const EARLIEST: i64 = i64::MIN;
/// The time until a key that cannot be read is checked again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(86_400);

/// The columns of [`WriteStatement::DueWarnings`] after those of the key and of the sent warning.
const WARNED_KEY: usize = 14;
const IS_STORED: usize = 15;

/// Sets the next check of a key that was created or updated.
pub(crate) async fn check_soon(session: &mut impl Session, row: &KeyRow) -> Result<(), Failure> {
    if row.active && row.expires_at.is_some() {
        session.execute(WriteStatement::CheckSoon, arguments![&row.id, EARLIEST]).await?;
    }
    Ok(())
}

/// Checks the keys whose time has come, and claims those that are due.
pub(crate) struct Claim<'a>(pub(crate) &'a WarningClaim);

impl Work for Claim<'_> {
    type Answer = ClaimedWarnings;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<Self::Answer>, Failure> {
        let (claim, limit) = (self.0, self.0.max_keys.max(1));
        let rows = session.all(WriteStatement::DueWarnings, arguments![claim.now, one_more(limit)]).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut warnings = Vec::new();
        for row in rows.iter().take(limit) {
            let checked = check(row, claim);
            session
                .execute(
                    WriteStatement::SetNextCheck,
                    arguments![
                        row.bytes(WARNED_KEY)?.unwrap_or_default(),
                        checked.next,
                        checked.claimed.is_some().then_some(claim.id)
                    ],
                )
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

fn check(row: &impl Cells, claim: &WarningClaim) -> Checked {
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
fn read(row: &impl Cells, claim: &WarningClaim) -> Result<Option<(KeyRow, WhenToWarn)>, Failure> {
    if !row.boolean(IS_STORED)?.unwrap_or(false) {
        return Ok(None);
    }
    let mut columns = Columns::of(row);
    let (key, sent) = (columns.key_row()?, columns.sent_warning()?);
    let when = WarningState::of(&key, sent).check(&claim.periods, claim.now);
    Ok(Some((key, when)))
}

/// Records that a warning needs no further attempt.
pub(crate) struct Finish<'a>(pub(crate) &'a FinishedWarning);

impl Work for Finish<'_> {
    type Answer = FinishOutcome;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<FinishOutcome>, Failure> {
        let warning = self.0;
        // The lock also makes a repeated call wait until the first call has written the event.
        let (number, _) = orgs::lock(session, &warning.org).await?;
        let key = session.optional(WriteStatement::OwnedKey, arguments![&warning.key, number]).await?;
        let Some(key) = key else { return Ok(Verdict::RollBack(FinishOutcome::Forgotten)) };
        if let Some(event) = &warning.event {
            if is_recorded(session, number, event.id).await? {
                return Ok(Verdict::RollBack(FinishOutcome::Done));
            }
            session.append(&[(number, event)]).await?;
        }
        let mut columns = Columns::of(&key);
        let (is_stored, expires_at) = (columns.boolean()?, columns.optional_time()?);
        if is_stored {
            set_sent(session, warning, expires_at).await?;
        }
        Ok(Verdict::Commit(FinishOutcome::Done))
    }
}

async fn is_recorded(session: &mut impl Session, org: OrgNumber, event: EventId) -> Result<bool, Failure> {
    Ok(session.optional(WriteStatement::Event, arguments![org, &event]).await?.is_some())
}

async fn set_sent(
    session: &mut impl Session,
    warning: &FinishedWarning,
    expires_at: Option<Timestamp>,
) -> Result<(), Failure> {
    let Some(row) = session.optional(WriteStatement::SentWarning, arguments![&warning.key]).await? else {
        return Ok(());
    };
    let sent = warning.sent.after(Columns::of(&row).sent_warning()?, expires_at);
    let period = sent.map(|sent| i64::try_from(sent.period.as_micros()));
    let period = period.transpose().map_err(|_| Failure::Refused("the period of the warning is too long"))?;
    session
        .execute(
            WriteStatement::SetSentWarning,
            arguments![
                &warning.key,
                sent.map(|sent: SentWarning| sent.expires_at),
                period,
                &warning.claim,
                EARLIEST
            ],
        )
        .await?;
    Ok(())
}

/// Ends a claim because the warning could not be sent.
pub(crate) struct Postpone {
    pub(crate) claim: ClaimId,
    pub(crate) key: KeyId,
    pub(crate) until: Timestamp,
}

impl Work for Postpone {
    type Answer = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<Verdict<()>, Failure> {
        session
            .execute(WriteStatement::PostponeWarning, arguments![&self.key, &self.claim, self.until])
            .await?;
        Ok(Verdict::Commit(()))
    }
}
