//! An orderly stop loses nothing, on any framework.

use apikeys_tests::contract::{Database, Subject, restart};

#[tokio::test(flavor = "multi_thread")]
async fn after_100_000_requests_to_axum_counts_and_log_are_what_clients_saw() {
    restart::counts_and_log_are_what_clients_saw(Subject::new("axum", Database::Sqlite)).await;
}
