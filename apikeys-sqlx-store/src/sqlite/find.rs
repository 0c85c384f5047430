use apikeys_core::{
    OrgId,
    store::{Found, OrgNumber, OrgRow, Revision},
    token::{Locator, Scheme},
};

use super::{
    read::Reads,
    rows::{Columns, key_columns, plan_column},
    statements::Statement,
};
use crate::error::Failure;

/// Everything in one statement, and so in one state of the database. The join is an outer one: a
/// secret without its key or organization is an error, unless the organization was forgotten.
macro_rules! find {
    ($wanted:literal) => {
        concat!(
            "SELECT s.scheme, s.locator, s.key, s.created_at, s.ends_at, ",
            key_columns!(),
            ", ",
            plan_column!(),
            ", (SELECT coalesce(max(revision), 0) FROM apikeys_changes)
             FROM apikeys_secrets s
             LEFT JOIN apikeys_keys k ON k.id = s.key
             WHERE NOT EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org) AND ",
            $wanted
        )
    };
}

pub(super) const FIND_ONE: &str = find!("s.scheme = ?1 AND s.locator = ?2");

/// Places that get no value are NULL, and match nothing.
pub(super) const FIND_EIGHT: &str = find!(
    "(s.scheme, s.locator) IN
        (VALUES (?1, ?2), (?3, ?4), (?5, ?6), (?7, ?8), (?9, ?10), (?11, ?12), (?13, ?14), (?15, ?16))
     LIMIT 1"
);

pub(super) const SCHEMES: &str = "SELECT scheme FROM apikeys_schemes WHERE secrets > 0";

pub(super) const ORG: &str =
    "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1 AND plan IS NOT NULL";

/// Without peppers there is one candidate, and with them a handful.
pub(super) async fn find(reads: &Reads, locators: &[Locator]) -> Result<Option<Found>, Failure> {
    for some in locators.chunks(8) {
        let statement = if some.len() == 1 { Statement::FindOne } else { Statement::FindEight };
        let mut read = statement.read();
        for locator in some {
            read = read.bind(locator.scheme().to_string()).bind(locator.as_bytes());
        }
        if let Some(row) = reads.optional(read).await? {
            let mut columns = Columns::of(&row);
            let secret = columns.secret_row()?;
            let key = columns.key_row()?;
            let plan = columns.plan()?;
            return Ok(Some(Found::new(secret, key, plan, Revision(columns.count("revision")?))));
        }
    }
    Ok(None)
}

pub(super) async fn schemes(reads: &Reads) -> Result<Vec<Scheme>, Failure> {
    let rows = reads.all(Statement::Schemes.read()).await?;
    rows.iter().map(|row| Columns::of(row).scheme()).collect()
}

pub(super) async fn org(reads: &Reads, org: &OrgId) -> Result<Option<OrgRow>, Failure> {
    let row = reads.optional(Statement::Org.read().bind(org.as_str().as_bytes())).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (number, plan) = (OrgNumber(columns.count("number of organization")?), columns.plan()?);
    Ok(Some(OrgRow::new(org.clone(), number, plan, columns.count("number of keys")?)))
}
