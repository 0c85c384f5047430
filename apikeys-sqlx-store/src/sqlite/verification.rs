//! Reads that a verification needs.

use apikeys_core::{
    store::{FoundKey, Revision},
    token::{Locator, Scheme},
};

use super::{
    read::{Read, Reads},
    rows::Columns,
    statements::ReadStatement,
};
use crate::error::Failure;

/// Without peppers there is one locator. With peppers there are a few.
pub(super) async fn find(reads: &Reads, locators: &[Locator]) -> Result<Option<FoundKey>, Failure> {
    for some in locators.chunks(8) {
        let statement = if some.len() == 1 { ReadStatement::FindOne } else { ReadStatement::FindEight };
        let mut read = Read::new(statement);
        for locator in some {
            read = read.bind(locator.scheme().to_string()).bind(locator.as_bytes());
        }
        if let Some(row) = reads.optional(read).await? {
            let mut columns = Columns::of(&row);
            let secret = columns.secret_row()?;
            let key = columns.key_row()?;
            let plan = columns.plan()?;
            return Ok(Some(FoundKey::new(secret, key, plan, Revision(columns.count("revision")?))));
        }
    }
    Ok(None)
}

pub(super) async fn schemes(reads: &Reads) -> Result<Vec<Scheme>, Failure> {
    let rows = reads.all(Read::new(ReadStatement::Schemes)).await?;
    rows.iter().map(|row| Columns::of(row).scheme()).collect()
}
