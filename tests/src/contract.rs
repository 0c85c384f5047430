//! The HTTP contract of a service built on these crates, as one table of cases.
//!
//! Each case starts a quickstart and reaches it through its socket only. The table therefore applies to every
//! framework and every store.
//!
//! [`contract_tests!`](crate::contract_tests) declares a test for each case, and
//! [`comparison_tests!`](crate::comparison_tests) declares a test that compares two frameworks. The file
//! `tests/contract.rs` calls both for each framework and store. All responses of the management API are checked
//! against its OpenAPI document.

#![allow(missing_docs, reason = "the name of a case says what it checks")]

pub mod comparison;
mod org;
mod service;
mod subject;

pub mod audit;
pub mod callers;
pub mod creation;
pub mod cross_site;
pub mod document;
pub mod editing;
pub mod limits;
pub mod listing;
pub mod login;
pub mod plans;
pub mod races;
pub mod refusals;
pub mod restart;
pub mod tenants;
pub mod usage;

pub use org::{Created, Org};
pub use service::{MOUNT, Service};
pub use subject::Subject;

/// Runs a case on a new service.
pub async fn run(subject: Subject, case: &str, check: impl AsyncFn(&Service)) {
    let service = Service::start(subject, case).await;
    check(&service).await;
    service.stop().await;
}

/// The table of cases. The macro passes all cases, by module, to the macro `$with`.
#[macro_export]
macro_rules! contract_cases {
    ($with:ident! $argument:tt) => {
        $crate::request_cases! { $with! $argument }
        $crate::store_cases! { $with! $argument }
    };
}

/// The part of the table whose responses depend little on what the store does.
#[macro_export]
macro_rules! request_cases {
    ($with:ident! $argument:tt) => {
        $crate::$with! { $argument
            callers: [
                every_denial_has_its_exact_response,
                denial_for_several_reasons_names_the_first_in_order,
                control_characters_in_the_authorization_header_are_refused,
                scheme_in_any_case_and_surrounding_spaces_are_accepted,
                rate_limited_request_has_its_exact_response_and_consumes_nothing,
                other_spellings_of_a_path_do_not_bypass_the_layer,
                query_is_neither_read_nor_recorded,
            ],
            creation: [
                created_key_has_the_given_values_and_works_at_once,
                creation_without_optional_members_uses_defaults,
                name_has_1_to_100_characters_after_trimming,
                rate_limit_is_1_to_10000_a_minute,
                expiration_date_must_be_in_the_future,
                creation_with_several_invalid_members_names_each,
                secret_appears_only_in_the_response_to_its_creation,
            ],
            editing: [
                deactivation_and_activation_apply_to_the_next_request,
                name_expiration_and_rate_limit_can_be_changed_and_reset,
                expired_key_works_again_once_extended,
                deleted_key_is_not_found_and_never_works_again,
                update_records_one_event_per_kind_of_change_and_none_without_changes,
                update_with_invalid_members_changes_nothing,
            ],
            refusals: [
                requests_without_login_or_with_an_api_key_are_rejected,
                unknown_paths_and_methods_are_refused,
                body_must_be_json_of_at_most_16_kib,
                refusal_for_several_mistakes_names_the_first_in_order,
            ],
            cross_site: [
                changes_are_accepted_only_from_the_same_site_and_from_programs,
                cross_site_changes_are_refused_and_reads_are_not,
                content_types_of_html_forms_are_refused,
            ],
            tenants: [
                key_of_another_organization_has_the_response_of_an_unknown_key,
                lists_contain_nothing_of_another_organization,
            ],
            login: [
                browser_logs_in_with_a_cookie,
                login_without_the_token_is_refused,
                plan_can_be_set_by_an_administrator_and_must_exist,
            ],
            document: [
                document_is_openapi_3_1_with_the_mount_as_server,
            ],
        }
    };
}

/// The part of the table whose responses depend on pages, filters, plans and counters of the store.
#[macro_export]
macro_rules! store_cases {
    ($with:ident! $argument:tt) => {
        $crate::$with! { $argument
            listing: [
                keys_are_listed_newest_first_with_the_quota,
                deactivated_and_expired_key_is_listed_as_deactivated,
                last_use_and_request_count_follow_admissions_and_ignore_denials,
                cursors_of_successive_pages_list_every_key_once,
                page_limit_is_1_to_100,
                forged_or_foreign_cursor_is_refused,
                log_cursor_is_refused_for_another_organization_or_filter,
            ],
            plans: [
                plan_without_api_access_allows_only_management_of_existing_keys,
                creation_beyond_the_plans_quota_is_refused,
                deactivated_keys_count_towards_the_quota,
                creation_after_a_downgrade_is_refused_until_the_quota_has_room,
                change_of_plan_records_one_event,
            ],
            audit: [
                every_change_is_recorded_with_old_and_new_values,
                every_request_is_recorded_with_its_details,
                invalid_request_id_is_replaced,
                every_denial_of_a_known_key_is_recorded_with_its_code,
                flood_of_denials_records_sixty_events_and_a_count,
                log_can_be_filtered_by_key_action_and_time,
            ],
            usage: [
                requests_and_denials_are_counted_by_hour_and_day,
                invalid_time_span_is_refused,
            ],
        }
    };
}

/// The cases with concurrent requests. The order of their responses is not fixed, so the cases cannot compare two
/// services.
#[macro_export]
macro_rules! race_cases {
    ($with:ident! $argument:tt) => {
        $crate::$with! { $argument
            limits: [
                concurrent_requests_are_admitted_up_to_exactly_the_rate_limit,
            ],
            races: [
                concurrent_creations_succeed_up_to_exactly_the_quota,
                concurrent_calls_on_keys_of_another_organization_change_nothing,
                pages_neither_repeat_nor_skip_keys_while_keys_are_created,
            ],
        }
    };
}

/// Declares a test for each case, with a framework's quickstart and a database. Attributes before the framework apply to
/// each test.
#[macro_export]
macro_rules! contract_tests {
    ([$(#[$attribute:meta])* $framework:literal, $database:ident $(, $mode:ident)?] $($modules:tt)*) => {
        $crate::contract_tests! { @modules [$(#[$attribute])*] [$framework $database $($mode)?] $($modules)* }
    };
    (@modules $attributes:tt $subject:tt
     $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        $(mod $module {
            $crate::contract_tests! { @module $attributes $subject $module $($case)* }
        })*
    };
    (@module $attributes:tt $subject:tt $module:ident $($case:ident)*) => {
        $($crate::contract_tests! { @case $attributes $subject $module $case })*
    };
    (@case [$($attributes:tt)*] [$framework:literal $database:ident $($mode:ident)?] $module:ident $case:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        $($attributes)*
        async fn $case() {
            use $crate::{Database, contract::{Subject, $module, run}};
            let subject = Subject::new($framework, Database::$database)$(.$mode())?;
            run(subject, concat!(stringify!($module), "-", stringify!($case)), $module::$case).await;
        }
    };
}

/// Declares a test for each case that the quickstarts of two frameworks respond alike.
#[macro_export]
macro_rules! comparison_tests {
    ([$one:literal, $other:literal, $database:ident]
     $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        $(mod $module { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                use $crate::{Database, contract::{Subject, $module, comparison::compare}};
                let (one, other) =
                    (Subject::new($one, Database::$database), Subject::new($other, Database::$database));
                let name = concat!(stringify!($module), "-", stringify!($case));
                compare(one, other, name, $module::$case).await;
            }
        )* })*
    };
}
