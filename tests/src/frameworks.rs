/// Makes a test for each framework of each `async fn(framework: &str)`: `on_axum::…` and
/// `on_actix::…`.
#[macro_export]
macro_rules! on_each_framework {
    ($($promise:ident),* $(,)?) => {
        mod on_axum { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $promise() { super::$promise("axum").await }
        )* }
        mod on_actix { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $promise() { super::$promise("actix").await }
        )* }
    };
}
