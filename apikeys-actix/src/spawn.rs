use actix_web::rt::task::JoinHandle;
use apikeys_core::Maintenance;

/// Spawns the maintenance as a task, which runs until [`ApiKeys::shutdown`](apikeys_core::ApiKeys::shutdown).
/// The handle may be dropped.
///
/// Call this function once, in `main`, because a task that a worker spawns ends with that worker. This
/// function works in `#[actix_web::main]` and also in `#[tokio::main]`, where `actix_web::rt::spawn` panics.
///
/// # Panics
///
/// Panics if it is called outside a tokio runtime.
///
/// ```
/// use apikeys_actix::{ApiKeys, MemoryStore};
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (keys, maintenance) = ApiKeys::builder(MemoryStore::new()).build().await?;
/// let maintenance = apikeys_actix::spawn(maintenance);
/// // … serve …
/// keys.shutdown().await?;
/// maintenance.await?; // the task has ended as well
/// # Ok(())
/// # }
/// ```
pub fn spawn(maintenance: Maintenance) -> JoinHandle<()> {
    tokio::spawn(maintenance.run())
}
