/// Declares two tests for each `async fn(framework: &str)`, one in the module `on_axum` and one in the module
/// `on_actix`. Attributes apply to both tests.
#[macro_export]
macro_rules! on_each_framework {
    ($($(#[$attribute:meta])* $test:ident),* $(,)?) => {
        mod on_axum { $(
            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn $test() { super::$test("axum").await }
        )* }
        mod on_actix { $(
            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn $test() { super::$test("actix").await }
        )* }
    };
}
