//! Our middleware.

use actix_web::{App, rt::SystemRunner, test::init_service};
use apikeys_actix::ApiKeyMiddleware;
use apikeys_benches::{Engine, Result};

use super::routes;
use crate::rounds::Timed;

/// Returns the application with our middleware. Between two rounds, all rate limits become unused.
pub(super) fn timed<'a>(engine: &'a Engine, system: &SystemRunner) -> Result<Timed<'a>> {
    engine.warm_up()?;
    let app = App::new().wrap(ApiKeyMiddleware::new(engine.keys().clone())).configure(routes);
    let mut timed = super::timed("apikeys-actix", system.block_on(init_service(app)), &engine.secrets);
    timed.flush = Box::new(|| engine.flush());
    timed.next_minute = Box::new(|| engine.next_minute());
    Ok(timed)
}
