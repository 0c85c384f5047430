//! An orderly stop loses nothing, on any framework.

use apikeys_tests::{
    contract::{Database, Subject, restart},
    on_each_framework,
};

async fn counts_and_log_of_100_000_requests_survive_a_restart(framework: &'static str) {
    restart::counts_and_log_are_what_clients_saw(Subject::new(framework, Database::Sqlite)).await;
}

on_each_framework![counts_and_log_of_100_000_requests_survive_a_restart];
