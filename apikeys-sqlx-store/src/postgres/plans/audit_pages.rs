//! The work of reading audit pages from a long history.

use apikeys_core::{Timestamp, audit::Action, id::EventId, store::AuditQuery};
use serde_json::Value;
use sqlx::{Arguments as _, AssertSqlSafe, Executor, PgConnection, Postgres, postgres::PgArguments};

use super::history::{History, RARE, SECONDS, Statistics, after};
use crate::{
    argument::{Argument, add_arguments},
    operations::audit,
    postgres::texts::PgTexts,
    server::Server,
};

fn cursor(seconds: i64) -> EventId {
    let mut bytes = [0; 16];
    bytes[..7].copy_from_slice(&after(seconds).to_be_bytes()[1..]);
    EventId::from_bytes(bytes)
}

/// Reads a page. Returns the number of rows, and the number of blocks of the database that were read.
async fn work(connection: &mut PgConnection, texts: &PgTexts, query: &AuditQuery) -> (u64, u64, Value) {
    let text = texts.common.read(audit::statement(query)).unwrap();
    let values = audit::page(query);
    let mut arguments = PgArguments::default();
    bind(&mut arguments, &text.ordered(&values).unwrap()).unwrap();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {}", text.sql().as_str());
    let row = sqlx::query_with(AssertSqlSafe(explain), arguments).fetch_one(connection).await.unwrap();
    let plan = super::json(&row);
    let top = &plan[0]["Plan"];
    let number = |name: &str| top[name].as_u64().unwrap();
    (number("Actual Rows"), number("Shared Hit Blocks") + number("Shared Read Blocks"), plan.clone())
}

fn bind(into: &mut PgArguments, arguments: &[&Argument<'_>]) -> Result<(), sqlx::Error> {
    add_arguments!(into, arguments);
    Ok(())
}

/// All combinations of filters and positions in the history. A page of ten events reads at most 300 blocks. A statement
/// that reads the whole history reads thousands of blocks.
#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn audit_page_of_a_long_history_reads_few_blocks_with_every_filter() {
    let texts = PgTexts::new(None);
    for statistics in Statistics::ALL {
        let history = History::new(statistics).await;
        let mut connection = history.connection().await;
        connection.execute(Postgres::BEGIN_READ.unwrap()).await.unwrap();
        let keys = [None, Some(history.busy), Some(history.quiet), Some(history.foreign)];
        let actions = [None, Some(Action::Request), Some(Action::KeyCreated), Some(Action::AuditGap)];
        let (middle, early) = (SECONDS / 2, RARE / 2);
        let times = [
            (None, None),
            (Some(SECONDS - 5), None),
            (Some(middle), Some(middle + 60)),
            (Some(early), Some(early + 60)),
            (None, Some(middle)),
            (None, Some(10)),
            (Some(10), Some(SECONDS + 1_000_000_000)),
            (Some(-1_000_000_000), Some(-1_000)),
            (Some(SECONDS + 1_000), Some(SECONDS + 2_000)),
        ];
        let places = [None, Some(SECONDS - 1), Some(middle), Some(early), Some(20), Some(-10)];
        let mut filled = 0;
        for key in keys {
            for action in &actions {
                for (since, until) in times {
                    for place in places {
                        let mut query = AuditQuery::new(history.org.clone(), 10).after(place.map(cursor));
                        (query.key, query.action) = (key, action.clone());
                        query.since = since.map(after).map(Timestamp::from_micros);
                        query.until = until.map(after).map(Timestamp::from_micros);
                        let (rows, blocks, plan) = work(&mut connection, &texts, &query).await;
                        let wrong = format!("{blocks} blocks for {rows} rows: {statistics:?} {query:?}");
                        assert!(blocks <= 300, "{wrong} {plan:#}");
                        assert!(
                            key != Some(history.foreign) || rows == 0,
                            "another organization's: {query:?}"
                        );
                        filled += usize::from(rows == 11);
                    }
                }
            }
        }
        // A page that has nothing to read also reads few blocks.
        assert!(filled > 130, "only {filled} full pages");
    }
}
