//! actix-web-httpauth, which reads the bearer token and accepts any.

use actix_web::{App, Error, dev::ServiceRequest, rt::SystemRunner, test::init_service};
use actix_web_httpauth::{extractors::bearer::BearerAuth, middleware::HttpAuthentication};

use super::routes;
use crate::rounds::Timed;

/// Returns the application with the middleware.
pub(super) fn timed<'a>(secrets: &[String], system: &SystemRunner) -> Timed<'a> {
    let app = App::new().wrap(HttpAuthentication::bearer(accept)).configure(routes);
    super::timed("actix-web-httpauth", system.block_on(init_service(app)), secrets)
}

async fn accept(
    request: ServiceRequest,
    credentials: BearerAuth,
) -> Result<ServiceRequest, (Error, ServiceRequest)> {
    std::hint::black_box(credentials.token());
    Ok(request)
}
