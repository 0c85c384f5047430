//! Write transactions: their settings, and how often they are attempted.

use sqlx::{Connection as _, PgConnection, postgres::PgPool};

use super::{lease::Lease, session::PgSession, texts::PgTexts};
use crate::{
    backoff::Backoff,
    error::Failure,
    session::{Verdict, Work},
};

/// Begins a transaction.
///
/// A transaction does not wait longer for a lock than the engine waits for the store. If its process stops in the
/// middle, the database ends the transaction, so that its locks do not stop other processes. Statistics from a time when
/// a table was small do not make PostgreSQL scan the table.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 4000; \
     SET LOCAL statement_timeout = 10000; SET LOCAL idle_in_transaction_session_timeout = 10000; \
     SET LOCAL enable_seqscan = off";

/// Runs `work` in a transaction. The transaction is attempted again if it conflicts with another one, and if the
/// connection was lost before the commit was sent.
pub(super) async fn write<W: Work>(pool: &PgPool, texts: &PgTexts, work: &W) -> Result<W::Answer, Failure> {
    let mut backoff = Backoff::new();
    loop {
        let mut lease = Lease::take(pool).await?;
        let mut is_commit_sent = false;
        let result = attempt(&mut lease, texts, work, &mut is_commit_sent).await;
        lease.end(&result);
        match result {
            Err(failure)
                if (failure.is_busy() || failure.is_lost() && !is_commit_sent) && backoff.wait().await => {}
            result => return result,
        }
    }
}

async fn attempt<W: Work>(
    connection: &mut PgConnection,
    texts: &PgTexts,
    work: &W,
    is_commit_sent: &mut bool,
) -> Result<W::Answer, Failure> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    match work.run(&mut PgSession::new(&mut transaction, texts)).await? {
        Verdict::Commit(answer) => {
            *is_commit_sent = true;
            transaction.commit().await?;
            Ok(answer)
        }
        Verdict::RollBack(answer) => {
            transaction.rollback().await?;
            Ok(answer)
        }
    }
}
