//! Counts and audit log after an orderly stop and a restart, for each framework. The other stores are tested in
//! `trail.rs`, without processes.

use apikeys_tests::{
    Database,
    contract::{Subject, restart},
    on_each_framework,
};

async fn counts_and_log_of_100_000_requests_survive_a_restart(framework: &'static str) {
    restart::counts_and_audit_log_match_the_responses_of_clients(Subject::new(framework, Database::Sqlite))
        .await;
}

on_each_framework![counts_and_log_of_100_000_requests_survive_a_restart];
