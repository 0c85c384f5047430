//! Reads that a verification needs.

use apikeys_core::{
    store::{FoundKey, Revision},
    token::{Locator, Scheme},
};

use crate::{
    argument::{Argument, arguments},
    columns::Columns,
    error::Failure,
    session::Reader,
    statements::ReadStatement,
};

/// Without peppers there is one locator. With peppers there are a few.
pub(crate) async fn find(reader: &impl Reader, locators: &[Locator]) -> Result<Option<FoundKey>, Failure> {
    for some in locators.chunks(8) {
        let arguments: Vec<_> = some
            .iter()
            .flat_map(|locator| [locator.scheme().to_string().into(), locator.as_bytes().into()])
            .collect();
        let row = match some {
            [_] => reader.optional(ReadStatement::FindOne, &arguments).await?,
            _ => reader.optional(ReadStatement::FindEight, &filled(arguments)).await?,
        };
        if let Some(row) = row {
            let mut columns = Columns::of(&row);
            let secret = columns.secret_row()?;
            let key = columns.key_row()?;
            let plan = columns.plan()?;
            return Ok(Some(FoundKey::new(secret, key, plan, Revision(columns.count("revision")?))));
        }
    }
    Ok(None)
}

/// Returns the arguments of the statement for eight locators. Missing locators are NULL and match no secret.
fn filled(arguments: Vec<Argument<'_>>) -> Vec<Argument<'_>> {
    let missing = [Argument::Text(None), Argument::Bytes(None)].into_iter().cycle();
    arguments.into_iter().chain(missing).take(16).collect()
}

pub(crate) async fn schemes(reader: &impl Reader) -> Result<Vec<Scheme>, Failure> {
    let rows = reader.all(ReadStatement::Schemes, arguments![]).await?;
    rows.iter().map(|row| Columns::of(row).scheme()).collect()
}
