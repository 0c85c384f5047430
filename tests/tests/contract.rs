//! The cases of `apikeys_tests::contract`, for each framework and store.

mod actix_in_memory {
    apikeys_tests::contract_cases!(contract_tests!["actix", Memory]);
    apikeys_tests::race_cases!(contract_tests!["actix", Memory]);
}

mod actix_on_sqlite {
    apikeys_tests::contract_cases!(contract_tests!["actix", Sqlite]);
    apikeys_tests::race_cases!(contract_tests!["actix", Sqlite]);
}

mod axum_in_memory {
    apikeys_tests::contract_cases!(contract_tests!["axum", Memory]);
    apikeys_tests::race_cases!(contract_tests!["axum", Memory]);
}

mod axum_on_sqlite {
    apikeys_tests::contract_cases!(contract_tests!["axum", Sqlite]);
    apikeys_tests::race_cases!(contract_tests!["axum", Sqlite]);
}

mod axum_and_actix_answer_alike {
    apikeys_tests::contract_cases!(comparison_tests!["axum", "actix", Memory]);
}
