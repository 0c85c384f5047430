//! The query plans of all statements. No statement scans a table that grows with the data of organizations.

mod audit_pages;
mod bulk;
mod reads;
mod writes;

use std::{fmt::Debug, fs, path::Path};

use sqlx::{
    AssertSqlSafe, Row, SqliteConnection,
    sqlite::{SqlitePool, SqlitePoolOptions},
};

use super::statements::{self, BulkStatement};
use crate::{
    SqliteStore,
    statements::{ReadStatement, WriteStatement},
};

async fn database() -> (SqlitePool, SqliteStore) {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    (pool, store)
}

/// Returns the plan of each statement in `text`. A semicolon ends a statement.
async fn plan(connection: &mut SqliteConnection, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for statement in text.split(';') {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let rows = sqlx::query(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
        lines.extend(rows.iter().map(|row| row.get::<String, _>(3)));
    }
    lines
}

/// Returns whether a line of a plan says that rows are found in another way than by an index. The rows that a
/// subquery or a list of values yields do not count.
fn is_no_search(line: &str) -> bool {
    let of_subquery =
        line.starts_with("SCAN (subquery") || line == "SCAN a" || line.ends_with(" VALUES CLAUSE");
    // The table has at most 10,000 rows. SQLite scans it if the statistics say that it has one.
    let is_small = line.starts_with("SCAN apikeys_changes");
    let harmless = ["SEARCH ", "CO-ROUTINE ", "SCALAR SUBQUERY ", "CORRELATED SCALAR ", "LIST SUBQUERY "];
    let structure =
        ["MERGE (UNION ALL)", "LEFT", "RIGHT", "COMPOUND QUERY", "LEFT-MOST SUBQUERY", "UNION ALL", "SETUP"];
    let is_structure = structure.contains(&line) || line == "RECURSIVE STEP";
    !of_subquery && !is_small && !is_structure && !harmless.iter().any(|start| line.starts_with(start))
}

/// Stores statistics on the sizes of tables, as `ANALYZE` does. They can change the plans of statements.
async fn plant_statistics(connection: &mut SqliteConnection, rows: u64, equal: u64) {
    for text in [
        "ANALYZE",
        "DELETE FROM sqlite_stat1",
        "INSERT INTO sqlite_stat1 (tbl, idx, stat)
         SELECT t.name, i.name, ?1 || (
            SELECT group_concat(CASE WHEN i.\"unique\" AND c.seqno = (
                SELECT max(seqno) FROM pragma_index_info(i.name)) THEN ' 1' ELSE ' ' || ?2 END, '')
            FROM pragma_index_info(i.name) c)
         FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name LIKE 'apikeys%'",
        "ANALYZE sqlite_schema",
    ] {
        let query = sqlx::query(text);
        let query =
            if text.contains("?2") { query.bind(rows.to_string()).bind(equal.to_string()) } else { query };
        query.execute(&mut *connection).await.unwrap();
    }
}

/// Statistics as a pair: the number of rows of each table, and the number of rows with equal values in the first
/// columns of an index.
const STATISTICS: [Option<(u64, u64)>; 5] =
    [None, Some((1, 1)), Some((2, 1)), Some((100, 100)), Some((100_000_000, 10_000_000))];

/// Asserts that the lines of the plan that do not search are exactly `harmless`, and that the plan has all `searches`.
fn check(statement: &dyn Debug, plan: &[String], harmless: &[&str], searches: &[&str]) {
    let others: Vec<_> = plan.iter().filter(|line| is_no_search(line)).collect();
    assert_eq!(others, harmless, "{statement:?}: {plan:#?}");
    for search in searches {
        let found = plan.iter().any(|line| line.starts_with("SEARCH ") && line.ends_with(search));
        assert!(found, "{statement:?} has no search that ends with {search}: {plan:#?}");
    }
}

#[tokio::test]
async fn reads_search_by_index_with_any_statistics() {
    for statistics in STATISTICS {
        let (pool, _) = database().await;
        let mut connection = pool.acquire().await.unwrap();
        if let Some((rows, equal)) = statistics {
            plant_statistics(&mut connection, rows, equal).await;
        }
        for &statement in ReadStatement::ALL {
            let text = statements::read(statement);
            let plan = plan(&mut connection, text).await;
            let (harmless, searches) = (reads::harmless(statement), reads::searches(statement));
            check(&(statement, statistics), &plan, harmless, searches);
        }
    }
}

#[tokio::test]
async fn writes_search_by_index_with_any_statistics() {
    for statistics in STATISTICS {
        let (pool, _) = database().await;
        let mut connection = pool.acquire().await.unwrap();
        if let Some((rows, equal)) = statistics {
            plant_statistics(&mut connection, rows, equal).await;
        }
        for &statement in WriteStatement::ALL {
            let plan = plan(&mut connection, statements::write(statement)).await;
            let (harmless, searches) = (writes::harmless(statement), writes::searches(statement));
            check_all(&(statement, statistics), &plan, harmless, searches);
        }
        for &statement in BulkStatement::ALL {
            let plan = plan(&mut connection, statement.sql()).await;
            let (harmless, searches) = (bulk::harmless(statement), bulk::searches(statement));
            check_all(&(statement, statistics), &plan, harmless, searches);
        }
    }
}

/// Asserts what [`check`] asserts, and that the plan has no other searches.
fn check_all(statement: &dyn Debug, plan: &[String], harmless: &[&str], searches: &[&str]) {
    check(statement, plan, harmless, searches);
    let others = plan.iter().filter(|line| line.starts_with("SEARCH ")).count() - searches.len();
    assert_eq!(others, 0, "{statement:?} has searches that are not listed: {plan:#?}");
}

/// A statement in another file would have no plan that is checked.
#[test]
fn sql_in_other_files_is_only_a_pragma_or_a_transaction() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for folder in [source.join("sqlite"), source.join("operations"), source] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() || ["statements.rs", "plans.rs", "lib.rs"].contains(&name.as_str()) {
                continue;
            }
            files += 1;
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                let is_statement = line.contains("Statement::") || line.contains("query_with(text");
                let is_pragma = line.contains("PRAGMA ") || line.contains("pragma_database_list");
                let may_run = is_statement || is_pragma || line.contains("statements::");
                assert!(!line.contains("sqlx::query") || may_run, "{name}:{}: {line}", number + 1);
            }
        }
    }
    assert!(files > 25, "only {files} files");
}
