use actix_web::rt::task::JoinHandle;
use apikeys_core::Maintenance;

/// Runs the maintenance beside the server, until [`ApiKeys::shutdown`](apikeys_core::ApiKeys::shutdown).
/// The handle may be dropped.
///
/// It works in `#[actix_web::main]` and in `#[tokio::main]`, whereas `actix_web::rt::spawn` panics in
/// the latter. Call it once, in `main`: what a worker's `App` spawns ends with that worker.
///
/// # Panics
///
/// Outside of both.
///
/// ```
/// use apikeys_actix::apikeys_core::{ApiKeys, MemoryStore};
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (keys, maintenance) = ApiKeys::builder(MemoryStore::new()).build().await?;
/// let maintenance = apikeys_actix::spawn(maintenance);
/// // … serve …
/// keys.shutdown().await?;
/// maintenance.await?; // it has ended, too
/// # Ok(())
/// # }
/// ```
pub fn spawn(maintenance: Maintenance) -> JoinHandle<()> {
    tokio::spawn(maintenance.run())
}
