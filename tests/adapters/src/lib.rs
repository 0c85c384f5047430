//! What every adapter promises, as tests that name no framework.
//!
//! An adapter's tests implement [`Adapter`] and list the promises with [`adapter_promises!`]. What
//! depends on a framework, such as its routing and its other middleware, is tested beside the adapter.

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

/// Declares one test for each promise: `adapter_promises!(#[tokio::test] MyAdapter);`
#[macro_export]
macro_rules! adapter_promises {
    (#[$test:meta] $adapter:ty) => {
        $crate::adapter_promises! {
            @each #[$test] $adapter:
            answers {
                missing_and_invalid_keys_have_the_golden_responses
                deleted_key_is_answered_like_an_unknown_one
                caller_with_the_real_secret_is_told_the_state_of_the_key
                limited_key_is_told_a_wait_that_is_enough
                two_credentials_have_the_golden_response
                key_that_cannot_be_checked_is_answered_with_503
                denial_is_the_same_for_every_method
                rate_limit_headers_replace_those_of_the_handler
                wording_sets_realm_problem_types_and_legacy_headers
                renderer_changes_the_body_and_its_type_only
                denial_is_among_the_extensions_of_its_response
                plan_without_access_is_told_the_first_plan_with_access
            }
            credentials {
                admitted_request_reaches_the_handler_without_its_credential
                kept_credential_is_marked_sensitive
                header_that_is_not_a_source_is_left_alone
                further_sources_count_only_if_enabled_and_only_one_at_a_time
                source_header_named_twice_is_one_source
                admission_by_another_header_adds_vary_and_cache_control
                query_is_never_read_and_never_recorded
                optional_key_may_be_absent_but_not_wrong
                header_cannot_claim_to_be_authenticated
                body_reaches_the_handler_as_it_was_sent
            }
            endings {
                answered_request_is_one_event_with_its_status_and_latency
                denied_request_is_an_event_and_not_counted
                handler_that_answers_503_is_recorded_as_answered
                store_that_fails_under_the_handler_loses_no_answer_and_no_event
                request_dropped_before_its_key_is_verified_is_not_recorded
                slow_store_is_waited_for_and_hanging_store_is_not
            }
            peers {
                address_is_the_peers_or_counted_over_trusted_hops
                unknown_peer_has_no_address_whatever_the_headers_say
                event_has_method_agent_request_id_and_trace_id
            }
        }
    };
    (@each #[$test:meta] $adapter:ty: $($module:ident { $($promise:ident)+ })+) => {
        $(
            mod $module {
                use super::*;

                $(
                    #[$test]
                    async fn $promise() {
                        $crate::$module::$promise::<$adapter>().await;
                    }
                )+
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    /// Each promise is listed in the macro, so that it runs.
    #[test]
    fn every_promise_is_listed() {
        let listed = include_str!("lib.rs");
        let mut promises = 0;
        for module in [
            include_str!("answers.rs"),
            include_str!("credentials.rs"),
            include_str!("endings.rs"),
            include_str!("peers.rs"),
        ] {
            for line in module.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = line.split('<').next().unwrap();
                assert!(listed.lines().any(|line| line.trim() == name), "{name} is not listed");
                promises += 1;
            }
        }
        assert!(promises > 20, "{promises}");
    }
}
