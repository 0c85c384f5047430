//! Write transactions, and how often they are attempted.

use sqlx::{Connection as _, Pool, SqlSafeStr as _};

use super::{Server, lease::Lease};
use crate::{
    backoff::Backoff,
    error::Failure,
    session::{Verdict, Work},
};

/// Runs `work` in a transaction. The transaction is attempted again if it conflicts with another one, and if the
/// connection was lost before the commit was sent.
pub(crate) async fn write<S: Server, W: Work>(
    pool: &Pool<S>,
    texts: &S::Texts,
    work: &W,
) -> Result<W::Answer, Failure> {
    let mut backoff = Backoff::new();
    loop {
        let mut lease = Lease::take(pool).await?;
        let mut is_commit_sent = false;
        let result = attempt::<S, W>(&mut lease, texts, work, &mut is_commit_sent).await;
        lease.end(&result);
        match result {
            Err(failure)
                if (failure.is_busy() || failure.is_lost() && !is_commit_sent) && backoff.wait().await => {}
            result => return result,
        }
    }
}

async fn attempt<S: Server, W: Work>(
    connection: &mut S::Connection,
    texts: &S::Texts,
    work: &W,
    is_commit_sent: &mut bool,
) -> Result<W::Answer, Failure> {
    let mut transaction = connection.begin_with(S::BEGIN_WRITE.into_sql_str()).await?;
    let verdict = {
        let mut session = S::session(&mut transaction, texts);
        work.run(&mut session).await?
    };
    match verdict {
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
