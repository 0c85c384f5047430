//! The query plans of all statements on a database with many rows. No statement reads a table that grows with the data
//! of organizations from its beginning to its end.

mod audit_pages;
mod history;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, Row, postgres::PgRow};

use self::history::{History, Statistics};
use super::texts::PgTexts;
use crate::{
    server::Server,
    statements::{ReadStatement, WriteStatement},
    texts::Text,
};

/// The tables that stay small: one row for each scheme, each value of the state, each running process, each process of
/// the last week, each forgotten organization, and each deleted key whose usage was not purged yet.
const SMALL: [&str; 6] = [
    "apikeys_schemes",
    "apikeys_state",
    "apikeys_instances",
    "apikeys_writers",
    "apikeys_forgotten",
    "apikeys_deleted_usage",
];

const SHORT: [ReadStatement; 6] = [
    ReadStatement::FindOne,
    ReadStatement::FindEight,
    ReadStatement::Schemes,
    ReadStatement::Poll,
    ReadStatement::InstancesBehind,
    ReadStatement::Revision,
];

/// Returns the plan that PostgreSQL uses for all values of the parameters.
async fn plan(connection: &mut PgConnection, text: &Text) -> Value {
    let sql = text.sql();
    let parameters = (1..).take_while(|number| sql.as_str().contains(&format!("${number}"))).count();
    let prepare = format!("PREPARE checked AS {}", sql.as_str());
    connection.execute(AssertSqlSafe(prepare)).await.unwrap();
    let values = vec!["NULL"; parameters].join(", ");
    let arguments = if parameters == 0 { String::new() } else { format!("({values})") };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE checked{arguments}");
    let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *connection).await.unwrap();
    connection.execute("DEALLOCATE checked").await.unwrap();
    json(&row)
}

fn json(row: &PgRow) -> Value {
    serde_json::from_str(row.try_get_unchecked(0).unwrap()).unwrap()
}

/// Calls `visit` for each node of a plan.
fn visit(plan: &Value, visit_node: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match plan {
        Value::Array(values) => values.iter().for_each(|value| visit(value, visit_node)),
        Value::Object(node) => {
            if node.contains_key("Node Type") {
                visit_node(node);
            }
            node.values().for_each(|value| visit(value, visit_node));
        }
        _ => {}
    }
}

/// Asserts that each scan of a table that can be large is a search in an index.
fn check(statement: &dyn std::fmt::Debug, plan: &Value) {
    visit(plan, &mut |node| {
        let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, table) = (text("Node Type"), text("Relation Name"));
        if !kind.contains("Scan") || table.is_empty() || SMALL.contains(&table) {
            return;
        }
        let searches = ["Index Scan", "Index Only Scan", "Bitmap Heap Scan"].contains(&kind);
        let has_bound = kind == "Bitmap Heap Scan" || node.contains_key("Index Cond");
        assert!(searches && has_bound, "{statement:?} scans {table}: {plan:#}");
    });
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn statements_search_by_index_with_any_statistics() {
    let texts = PgTexts::new(None);
    for statistics in Statistics::ALL {
        let history = History::new(statistics).await;
        let mut connection = history.connection().await;
        connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
        // These reads are short, and run without a transaction.
        let (short, management) = ReadStatement::ALL.split_at(SHORT.len());
        assert_eq!(short, SHORT);
        for &statement in short {
            let plan = plan(&mut connection, texts.common.read(statement).unwrap()).await;
            check(&(statement, statistics), &plan);
        }
        connection.execute(Postgres::BEGIN_READ.unwrap()).await.unwrap();
        for &statement in management {
            let plan = plan(&mut connection, texts.common.read(statement).unwrap()).await;
            check(&(statement, statistics), &plan);
        }
        connection.execute("ROLLBACK").await.unwrap();
        connection.execute(Postgres::BEGIN_WRITE).await.unwrap();
        for &statement in WriteStatement::ALL {
            let plan = plan(&mut connection, texts.common.write(statement).unwrap()).await;
            check(&(statement, statistics), &plan);
        }
        for (name, text) in [
            ("org_numbers", &texts.org_numbers),
            ("add_change", &texts.add_change),
            ("lock_counters", &texts.lock_counters),
            ("known_keys", &texts.known_keys),
            ("count", &texts.count),
            ("append", &texts.append),
            ("append_counts", &texts.append_counts),
        ] {
            check(&(name, statistics), &plan(&mut connection, text).await);
        }
    }
}
