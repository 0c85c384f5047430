//! What the tests need of a server.

use std::fmt::Debug;

use apikeys_sqlx_store::apikeys_core::{KeyStore, store::StoreResult};
use apikeys_test_servers::{Driver, TestDatabase};

/// A kind of server, with its store.
pub(crate) trait Server: Sized + Send + Sync + 'static {
    type Store: KeyStore + Clone;
    type Driver: Driver;
    /// A connection that the store does not know.
    type Beside: Send;

    /// Connects a store by a URL.
    fn connect(url: &str) -> impl Future<Output = StoreResult<Self::Store>> + Send;

    /// Creates a store on a pool of a service with `connections` connections, and returns a guard that holds all of
    /// them.
    fn on_busy_pool(
        url: &str,
        connections: u32,
    ) -> impl Future<Output = (Self::Store, Box<dyn Send + Debug>)> + Send;

    /// Opens a connection that the store does not know.
    fn beside(url: &str) -> impl Future<Output = Self::Beside> + Send;

    /// Runs a statement.
    fn run(beside: &mut Self::Beside, statement: &str) -> impl Future<Output = ()> + Send;

    /// Returns a number.
    fn number(beside: &mut Self::Beside, query: &str) -> impl Future<Output = i64> + Send;

    /// Returns all rows of all tables as text, in a stable order.
    fn everything(beside: &mut Self::Beside) -> impl Future<Output = Vec<String>> + Send;

    /// The type of integers in a cast.
    const INTEGER: &'static str;

    /// The code of the error for a row that exists already.
    const DUPLICATE: &'static str;

    /// Whether a store on a pool of a service uses that pool for management.
    const SHARES_POOL: bool;

    /// The tables that writes change.
    const TABLES: &'static [&'static str];

    /// Makes one kind of statement on one table fail.
    fn break_statement(
        beside: &mut Self::Beside,
        table: &str,
        statement: &str,
    ) -> impl Future<Output = ()> + Send;

    /// Makes the statement work again.
    fn mend(beside: &mut Self::Beside, table: &str) -> impl Future<Output = ()> + Send;

    /// Ends all connections to the database except this one. Returns their number.
    fn end_connections(beside: &mut Self::Beside) -> impl Future<Output = i64> + Send;

    /// A query that returns the number of statements that run in the database, besides this one.
    const RUNNING: &'static str;

    /// A query that returns the number of statements that wait for a lock on a table.
    const WAITING: &'static str;

    /// Runs the migrations of a service, which are listed in sqlx's own table.
    fn migrate_service(url: &str) -> impl Future<Output = ()> + Send;

    /// Makes all statements on the table wait until [`unlock`](Self::unlock) is called.
    fn lock(beside: &mut Self::Beside, table: &str) -> impl Future<Output = ()> + Send;

    fn unlock(beside: &mut Self::Beside) -> impl Future<Output = ()> + Send;
}

/// A database with a store.
pub(crate) struct Opened<S: Server> {
    pub(crate) database: TestDatabase<S::Driver>,
    pub(crate) store: S::Store,
    pub(crate) beside: S::Beside,
}

impl<S: Server> Opened<S> {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let url = database.url();
        let store = S::connect(&url).await.unwrap();
        let beside = S::beside(&url).await;
        Self { database, store, beside }
    }
}
