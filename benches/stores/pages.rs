//! The first page of every filter of a long audit log.

use std::time::Instant;

use apikeys_benches::{Line, Result, Target, Times};
use apikeys_core::{KeyStore, Timestamp, audit::Action, store::AuditQuery};
use sqlx::AssertSqlSafe;

use crate::{postgres::OnPostgres, workload::Workload};

/// Events of one organization are this far apart, in microseconds.
const INTERVAL: i64 = 100_000;
const BEGIN: i64 = 1_893_456_000_000_000;
const PAGES: usize = 200;

/// Adds `rows` events and measures the first page of every filter.
pub(crate) async fn measure(rows: i64) -> Result<()> {
    let database = OnPostgres::open().await?;
    let workload = Workload::new(database.store.clone()).await?;
    let began = Instant::now();
    fill(&database, &workload, rows).await?;
    println!("PostgreSQL: {rows} events added in {:.0?}", began.elapsed());
    let at = |part: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a time in a log")]
        let micros = BEGIN + ((rows * INTERVAL) as f64 * part) as i64;
        Timestamp::from_micros(micros)
    };
    let actions = [None, Some(Action::Request), Some(Action::KeyCreated), Some(Action::KeyDeleted)];
    let times = [
        ("", None),
        (", the last hour", Some((at(1.0).saturating_sub(std::time::Duration::from_secs(3_600)), at(1.0)))),
        (
            ", an hour in the middle",
            Some((at(0.5), at(0.5).saturating_add(std::time::Duration::from_secs(3_600)))),
        ),
        (", all time", Some((at(0.0), at(2.0)))),
        (", before the first event", Some((at(-1.0), at(-0.5)))),
    ];
    let (mut worst, mut bare) = (Times::default(), Times::default());
    for with_key in [false, true] {
        for action in &actions {
            for (name, span) in &times {
                let mut taken = Times::default();
                let mut items = 0;
                for number in 0..PAGES {
                    let mut query = AuditQuery::new(workload.org.clone(), 50);
                    query.key =
                        workload.keys.get(number * 7 % workload.keys.len()).copied().filter(|_| with_key);
                    query.action = action.clone();
                    (query.since, query.until) =
                        span.map_or((None, None), |(since, until)| (Some(since), Some(until)));
                    let began = Instant::now();
                    items += database.store.audit(&query).await?.items.len();
                    taken.add(began.elapsed());
                    let began = Instant::now();
                    sqlx::query("SELECT 1").execute(&database.pool).await?;
                    bare.add(began.elapsed());
                }
                println!(
                    "{}{}{name}: {} events a page, p50 {:.2?}, p99 {:.2?}",
                    if with_key { "key" } else { "organization" },
                    action.as_ref().map(|action| format!(", {}", action.as_str())).unwrap_or_default(),
                    items / PAGES,
                    taken.median(),
                    taken.quantile(0.99),
                );
                worst.add(taken.quantile(0.99));
            }
        }
    }
    let highest = worst.quantile(1.0).as_secs_f64() * 1_000.0;
    let what = format!("first page of any filter at {rows} rows on PostgreSQL, the highest p99");
    println!("{}", Line::absolute("P7", what, highest, "ms", Target::AtMost(5.0)));
    // Other programs on the machine delay a page and this statement alike.
    println!("SELECT 1 between the pages: p50 {:.2?}, p99 {:.2?}", bare.median(), bare.quantile(0.99));
    Ok(())
}

/// Adds requests of all keys in turn, in pieces.
async fn fill(database: &OnPostgres, workload: &Workload, rows: i64) -> Result<()> {
    const PIECE: i64 = 200_000;
    let keys: Vec<&[u8]> = workload.keys.iter().map(|key| key.as_bytes().as_slice()).collect();
    for first in (0..rows).step_by(usize::try_from(PIECE)?) {
        let text = "INSERT INTO apikeys_audit (org, id, at, late, key, action, method, path, outcome, status, latency_us)
            SELECT o.num, decode(lpad(to_hex($2 + n * $3 + 17), 14, '0') || lpad(to_hex(n), 18, '0'), 'hex'),
                $2 + n * $3, false, ($1::bytea[])[1 + n % array_length($1::bytea[], 1)], 'request', 'GET', '/v1/items',
                'answered', 200, 1500
            FROM generate_series($4, $5) n, apikeys_orgs o WHERE o.id = $6";
        sqlx::query(AssertSqlSafe(text))
            .bind(&keys)
            .bind(BEGIN)
            .bind(INTERVAL)
            .bind(first)
            .bind((first + PIECE).min(rows) - 1)
            .bind(workload.org.as_str().as_bytes())
            .execute(&database.pool)
            .await?;
    }
    sqlx::query("ANALYZE apikeys_audit").execute(&database.pool).await?;
    Ok(())
}
