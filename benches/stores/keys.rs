//! Verifications with many stored keys.

use std::time::Instant;

use apikeys_benches::{Line, Result, Target, Times, order};
use apikeys_core::{
    KeyStore,
    token::{Locator, Scheme},
};
use sqlx::{AssertSqlSafe, Executor as _};

use crate::{
    compared::{Compared, shown},
    postgres::OnPostgres,
    sqlite::OnSqlite,
};

const FEW: i64 = 10_000;
const FINDS: usize = 5_000;
/// The keys of an organization.
const OF_ORG: i64 = 100;
/// The distance between the first 60 bits of two locators. The locators are spread evenly over all numbers.
const BETWEEN: i64 = 115_292_150_460;
const PIECE: i64 = 500_000;

/// Compares stores with this number of keys with stores of 10,000 keys.
pub(crate) async fn measure(keys: i64) -> Result<()> {
    compare(
        &filled(OnSqlite::open().await?, FEW).await?,
        &filled(OnSqlite::open().await?, keys).await?,
        keys,
    )
    .await?;
    compare(
        &filled(OnPostgres::open().await?, FEW).await?,
        &filled(OnPostgres::open().await?, keys).await?,
        keys,
    )
    .await
}

async fn compare<C: Compared>(few: &C, many: &C, keys: i64) -> Result<()> {
    let (mut with_few, mut with_many) = (Times::default(), Times::default());
    // The first look-ups fill the caches of the database.
    for round in 0..2 {
        (with_few, with_many) = (Times::default(), Times::default());
        for place in order(usize::try_from(keys)?, FINDS, round) {
            let place = i64::try_from(place)?;
            for (database, place, times) in [(few, place % FEW, &mut with_few), (many, place, &mut with_many)]
            {
                let locator = locator(place);
                let began = Instant::now();
                let found = database.store().find(std::slice::from_ref(&locator)).await?;
                times.add(began.elapsed());
                if found.is_none() {
                    return Err(format!("the key {place} was not found").into());
                }
            }
        }
    }
    let (few, many) = (with_few.median(), with_many.median());
    let line = Line::compared(
        "P13",
        format!("look-up with {keys} stored keys, {}", C::NAME),
        shown(many),
        format!("{}, with {FEW}", shown(few)),
        many.as_secs_f64() / few.as_secs_f64(),
        Target::AtMost(1.5),
    );
    println!("{line}");
    Ok(())
}

/// Adds keys, and what the store keeps for each of them.
async fn filled<C: Filled>(database: C, keys: i64) -> Result<C> {
    let began = Instant::now();
    database.run(&C::orgs(keys / OF_ORG)).await?;
    for first in (0..keys).step_by(usize::try_from(PIECE)?) {
        for text in C::rows(first, (first + PIECE).min(keys)) {
            database.run(&text).await?;
        }
    }
    database.run("ANALYZE").await?;
    println!("{}: {keys} keys added in {:.0?}", C::NAME, began.elapsed());
    Ok(database)
}

fn locator(place: i64) -> Locator {
    let mut bytes = vec![0; 32];
    let first = (place * BETWEEN).cast_unsigned() << 4;
    bytes.splice(..8, first.to_be_bytes());
    Locator::new(Scheme::Sha256, bytes)
}

/// A database that statements add keys to.
trait Filled: Compared {
    async fn run(&self, text: &str) -> Result<()>;

    /// Returns the statement that adds organizations.
    fn orgs(number: i64) -> String;

    /// Returns the statements that add keys.
    fn rows(first: i64, end: i64) -> [String; 3];
}

impl Filled for OnSqlite {
    async fn run(&self, text: &str) -> Result<()> {
        self.pool.execute(AssertSqlSafe(text.to_owned())).await?;
        Ok(())
    }

    fn orgs(number: i64) -> String {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {number})
             INSERT INTO apikeys_orgs (num, id, plan, key_count)
             SELECT n, CAST('org_' || n AS BLOB), 'enterprise', {OF_ORG} FROM n"
        )
    }

    fn rows(first: i64, end: i64) -> [String; 3] {
        let numbers = format!(
            "WITH RECURSIVE n (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n + 1 < {end})"
        );
        let id = "unhex(printf('%032x', n))";
        [
            format!(
                "{numbers} INSERT INTO apikeys_keys
                     (id, org, name, display_prefix, active, created_at, created_by, version, settings)
                 SELECT {id}, 1 + n / {OF_ORG}, 'Production', 'key_0123', 1, 0, CAST('ann' AS BLOB), 1, '{{}}' FROM n"
            ),
            format!(
                "{numbers} INSERT INTO apikeys_secrets (scheme, locator, key, created_at)
                 SELECT 'sha256', unhex(printf('%015x%049d', n * {BETWEEN}, 0)), {id}, 0 FROM n"
            ),
            format!(
                "{numbers} INSERT INTO apikeys_counters (key, org, request_count)
                 SELECT {id}, 1 + n / {OF_ORG}, 0 FROM n"
            ),
        ]
    }
}

impl Filled for OnPostgres {
    async fn run(&self, text: &str) -> Result<()> {
        self.pool.execute(AssertSqlSafe(text.to_owned())).await?;
        Ok(())
    }

    fn orgs(number: i64) -> String {
        format!(
            "INSERT INTO apikeys_orgs (num, id, plan, key_count) OVERRIDING SYSTEM VALUE
             SELECT n, convert_to('org_' || n, 'UTF8'), 'enterprise', {OF_ORG} FROM generate_series(1, {number}) n"
        )
    }

    fn rows(first: i64, end: i64) -> [String; 3] {
        let numbers = format!("FROM generate_series({first}::bigint, {end} - 1) n");
        let id = "decode(lpad(to_hex(n), 32, '0'), 'hex')";
        [
            format!(
                "INSERT INTO apikeys_keys
                     (id, org, name, display_prefix, active, created_at, created_by, version, settings)
                 SELECT {id}, 1 + n / {OF_ORG}, 'Production', 'key_0123', true, 0, 'ann'::bytea, 1, '{{}}' {numbers}"
            ),
            format!(
                "INSERT INTO apikeys_secrets (scheme, locator, key, created_at)
                 SELECT 'sha256', decode(rpad(lpad(to_hex(n * {BETWEEN}), 15, '0'), 64, '0'), 'hex'), {id}, 0
                 {numbers}"
            ),
            format!(
                "INSERT INTO apikeys_counters (key, org, request_count)
                 SELECT {id}, 1 + n / {OF_ORG}, 0 {numbers}"
            ),
        ]
    }
}
