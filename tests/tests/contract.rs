//! The contract of `apikeys_tests::contract`, for each framework and store.

mod axum_in_memory {
    apikeys_tests::contract_cases!(contract_tests!["axum", Memory]);
}

mod axum_on_sqlite {
    apikeys_tests::contract_cases!(contract_tests!["axum", Sqlite]);
}
