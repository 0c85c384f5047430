//! The cases of `apikeys_tests::contract`, for each framework and store.
//!
//! The stores that need no server run all cases on both frameworks. A store on a database server runs all cases on
//! one framework, and on the other one only the cases that depend on the store most: an adapter does not see which store
//! the engine uses, so a fault of both together that neither shows alone is unlikely.

mod actix_in_memory {
    apikeys_tests::contract_cases!(contract_tests!["actix", Memory]);
    apikeys_tests::race_cases!(contract_tests!["actix", Memory]);
}

mod actix_on_mysql {
    apikeys_tests::contract_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "actix",
        MySql
    ]);
    apikeys_tests::race_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "actix",
        MySql
    ]);
}

mod actix_on_postgres {
    apikeys_tests::store_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "actix",
        Postgres
    ]);
    apikeys_tests::race_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "actix",
        Postgres
    ]);
}

mod actix_on_sqlite {
    apikeys_tests::contract_cases!(contract_tests!["actix", Sqlite]);
    apikeys_tests::race_cases!(contract_tests!["actix", Sqlite]);
}

mod axum_in_memory {
    apikeys_tests::contract_cases!(contract_tests!["axum", Memory]);
    apikeys_tests::race_cases!(contract_tests!["axum", Memory]);
}

mod axum_on_mysql {
    apikeys_tests::store_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "axum",
        MySql
    ]);
    apikeys_tests::race_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "axum",
        MySql
    ]);
}

mod axum_on_postgres {
    apikeys_tests::contract_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "axum",
        Postgres
    ]);
    apikeys_tests::race_cases!(contract_tests![
        #[ignore = "needs a server: run cargo xtask test"]
        "axum",
        Postgres
    ]);
}

mod axum_on_sqlite {
    apikeys_tests::contract_cases!(contract_tests!["axum", Sqlite]);
    apikeys_tests::race_cases!(contract_tests!["axum", Sqlite]);
}

/// Without a cache, each verification reads the store.
mod actix_in_memory_without_cache {
    apikeys_tests::contract_cases!(contract_tests!["actix", Memory, without_cache]);
    apikeys_tests::race_cases!(contract_tests!["actix", Memory, without_cache]);
}

mod axum_on_sqlite_without_cache {
    apikeys_tests::contract_cases!(contract_tests!["axum", Sqlite, without_cache]);
    apikeys_tests::race_cases!(contract_tests!["axum", Sqlite, without_cache]);
}

mod axum_and_actix_answer_alike {
    apikeys_tests::contract_cases!(comparison_tests!["axum", "actix", Memory]);
}
