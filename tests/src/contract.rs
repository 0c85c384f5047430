//! What a service built on these crates promises over HTTP, as one table of cases. Each case is
//! given a quickstart and speaks to it over sockets only, so that every framework and every store
//! is held to the same table.
//!
//! [`contract_tests!`](crate::contract_tests) makes a test of each case; `tests/contract.rs` says
//! for which services. All answers of the management API are checked against its document.

mod org;
mod service;
mod subject;

pub mod callers;

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
                control_characters_in_the_header_never_get_through,
                the_scheme_in_any_case_and_spaces_around_it_are_accepted,
                over_the_limit_is_told_to_the_letter_and_consumes_nothing,
                other_spellings_of_a_path_do_not_lead_past_the_layer,
                a_query_is_neither_read_nor_recorded,
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
