//! What a service built on these crates promises over HTTP, as one table of cases. Each case is
//! given a quickstart and speaks to it over sockets only, so that every framework and every store
//! is held to the same table.
//!
//! [`contract_tests!`](crate::contract_tests) makes a test of each case, and
//! [`comparison_tests!`](crate::comparison_tests) another that two frameworks answer alike;
//! `tests/contract.rs` says for which services. All answers of the management API are checked against its document.

#![allow(missing_docs, reason = "the name of a case is its promise")]

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
pub use service::Service;
pub use subject::{Database, Subject};

/// Runs a case on a service of its own.
pub async fn run(subject: Subject, case: &str, check: impl AsyncFn(&Service)) {
    let service = Service::start(subject, case).await;
    check(&service).await;
    service.stop().await;
}

/// The table: hands all cases, by module, to the macro `$with`.
#[macro_export]
macro_rules! contract_cases {
    ($with:ident! $argument:tt) => {
        $crate::$with! { $argument
            callers: [
                every_refusal_is_what_the_table_says_to_the_letter,
                of_several_reasons_the_first_in_the_table_is_told,
                control_characters_in_the_header_never_get_through,
                the_scheme_in_any_case_and_spaces_around_it_are_accepted,
                over_the_limit_is_told_to_the_letter_and_consumes_nothing,
                other_spellings_of_a_path_do_not_lead_past_the_layer,
                a_query_is_neither_read_nor_recorded,
            ],
            creation: [
                a_key_is_created_as_asked_and_works_at_once,
                what_is_left_blank_takes_the_default,
                names_have_1_to_100_characters_after_trimming,
                rate_limits_are_1_to_10000_a_minute,
                an_expiration_is_a_date_in_the_future,
                mistakes_in_a_body_are_all_told_at_once,
                the_secret_is_in_the_answer_to_the_creation_and_nowhere_else,
            ],
            listing: [
                keys_are_listed_newest_first_with_the_quota,
                deactivated_wins_over_expired,
                last_use_and_request_count_follow_at_once_and_count_no_denials,
                cursors_lead_through_the_whole_list,
                a_page_has_1_to_100_keys,
                cursors_are_opaque_and_cannot_be_forged,
                cursors_of_the_log_fit_its_organization_and_filters,
            ],
            editing: [
                deactivating_and_activating_hold_for_the_next_request,
                name_expiration_and_limit_are_edited_and_taken_back,
                extending_an_expired_key_makes_it_work_again,
                a_deleted_key_is_gone_for_good,
                what_changes_nothing_is_no_event_and_name_and_active_are_two,
                mistakes_in_an_edit_change_nothing,
            ],
            plans: [
                without_api_access_nothing_is_created_and_nothing_works_but_all_can_be_managed,
                each_plan_has_its_number_of_keys,
                keys_that_do_not_work_count_too,
                after_a_downgrade_nothing_is_created_until_there_is_room,
                a_change_of_plan_is_on_the_log_once,
            ],
            audit: [
                every_change_is_on_the_log_from_what_to_what,
                every_request_is_on_the_log_with_what_is_kept_of_it,
                a_request_id_that_is_not_fit_is_replaced,
                every_denial_is_on_the_log_with_its_code,
                a_flood_of_denials_is_sixty_events_and_a_count,
                the_log_is_filtered_by_key_action_and_time,
            ],
            usage: [
                requests_and_denials_are_counted_by_hour_and_day,
                a_span_that_makes_no_sense_is_refused,
            ],
            refusals: [
                nothing_is_told_without_a_login_or_to_an_api_key,
                paths_and_methods_that_there_are_not,
                a_body_is_json_of_at_most_16_kib,
                of_several_mistakes_the_first_in_the_order_is_told,
            ],
            cross_site: [
                changes_are_taken_from_own_pages_and_from_programs_only,
                every_change_is_checked_and_no_reading_is,
                forms_are_refused,
            ],
            tenants: [
                a_foreign_key_is_answered_exactly_as_one_that_never_was,
                lists_hold_nothing_of_another_organization,
            ],
            login: [
                a_browser_logs_in_with_a_cookie,
                nobody_logs_in_without_the_token,
                a_plan_is_set_by_an_administrator_and_must_exist,
            ],
            document: [
                the_document_is_openapi_3_1_for_where_it_was_asked_for,
            ],
        }
    };
}

/// The cases whose requests race. Their answers come in no particular order, so two services cannot
/// be compared by them.
#[macro_export]
macro_rules! race_cases {
    ($with:ident! $argument:tt) => {
        $crate::$with! { $argument
            limits: [
                of_four_hundred_requests_at_once_exactly_the_limit_passes,
            ],
            races: [
                of_sixty_creations_at_once_exactly_ten_succeed,
                two_organizations_that_hammer_each_others_keys_get_nowhere,
                pages_neither_repeat_nor_skip_while_others_create,
            ],
        }
    };
}

/// A test for each case, on a framework's quickstart and a database.
#[macro_export]
macro_rules! contract_tests {
    ([$framework:literal, $database:ident]
     $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        $(mod $module { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                use $crate::contract::{Database, Subject, $module, run};
                let subject = Subject::new($framework, Database::$database);
                run(subject, concat!(stringify!($module), "-", stringify!($case)), $module::$case).await;
            }
        )* })*
    };
}

/// A test for each case, that two frameworks' quickstarts answer alike.
#[macro_export]
macro_rules! comparison_tests {
    ([$one:literal, $other:literal, $database:ident]
     $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        $(mod $module { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                use $crate::contract::{Database, Subject, $module, comparison::compare};
                let (one, other) =
                    (Subject::new($one, Database::$database), Subject::new($other, Database::$database));
                let name = concat!(stringify!($module), "-", stringify!($case));
                compare(one, other, name, $module::$case).await;
            }
        )* })*
    };
}
