//! The tests that all adapters share. They do not depend on a framework.
//!
//! The tests of an adapter implement [`Adapter`] and call [`adapter_tests!`]. Behaviour that depends on a framework,
//! such as its routing, is tested in the adapter's own tests.

#![allow(
    clippy::expect_used,
    clippy::future_not_send,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod adapter;
pub mod answers;
pub mod credentials;
pub mod endings;
mod host;
pub mod peers;
mod spellings;

pub use self::{
    adapter::{Adapter, Handler, HandlerResponse, Options, Reply, Request, Seen, Shown, handled},
    host::{Host, actor},
    spellings::SPELLINGS,
};

/// Declares all shared tests for one adapter: `adapter_tests!(#[tokio::test] MyAdapter);`
#[macro_export]
macro_rules! adapter_tests {
    (#[$test:meta] $adapter:ty) => {
        $crate::adapter_tests! {
            @each #[$test] $adapter:
            answers {
                missing_and_invalid_keys_have_the_golden_responses
                deleted_key_has_the_same_response_as_an_unknown_key
                denied_request_with_the_real_secret_gets_the_reason
                rate_limited_request_succeeds_after_retry_after
                two_credentials_have_the_golden_response
                failing_store_gives_503
                denial_is_the_same_for_every_method
                rate_limit_headers_replace_those_of_the_handler
                wording_sets_realm_problem_types_and_legacy_headers
                renderer_changes_the_body_and_its_type_only
                denial_is_among_the_extensions_of_its_response
                denial_for_the_plan_names_the_first_plan_with_access
            }
            credentials {
                admitted_request_reaches_the_handler_without_its_credential
                kept_credential_is_marked_sensitive
                header_that_is_not_a_source_stays_in_the_request
                key_in_another_header_is_read_only_if_enabled_and_alone
                source_header_named_twice_is_one_source
                admission_by_another_header_adds_vary_and_cache_control
                response_without_an_optional_key_varies_with_the_headers_that_may_carry_a_key
                query_is_never_read_and_never_recorded
                optional_key_admits_a_missing_key_and_denies_a_wrong_one
                header_cannot_claim_to_be_authenticated
                body_reaches_the_handler_as_it_was_sent
            }
            endings {
                answered_request_adds_one_event_with_its_status_and_latency
                denied_request_adds_an_event_and_no_count
                handler_that_answers_503_is_recorded_as_answered
                store_that_fails_during_the_handler_loses_no_response_and_no_event
                request_dropped_before_its_key_is_verified_is_not_recorded
                slow_store_delays_a_request_and_hanging_store_denies_it
            }
            peers {
                address_is_that_of_the_peer_or_the_entry_of_trusted_hops
                request_from_an_unknown_peer_has_no_address_with_any_headers
                event_has_method_user_agent_request_id_and_trace_id
            }
        }
    };
    (@each #[$test:meta] $adapter:ty: $($module:ident { $($case:ident)+ })+) => {
        $(
            mod $module {
                use super::*;

                $(
                    #[$test]
                    async fn $case() {
                        $crate::$module::$case::<$adapter>().await;
                    }
                )+
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    /// A function that the macro does not list would never run.
    #[test]
    fn macro_lists_every_shared_test() {
        let listed = include_str!("lib.rs");
        let mut tests_found = 0;
        for module in [
            include_str!("answers.rs"),
            include_str!("credentials.rs"),
            include_str!("endings.rs"),
            include_str!("peers.rs"),
        ] {
            for line in module.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = line.split('<').next().unwrap();
                assert!(listed.lines().any(|line| line.trim() == name), "{name} is not listed");
                tests_found += 1;
            }
        }
        assert!(tests_found > 20, "{tests_found}");
    }
}
