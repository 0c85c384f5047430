use actix_web::{
    App, HttpResponse, HttpServer,
    rt::System,
    web::{self, ServiceConfig},
};
use apikeys_actix::ApiKeyMiddleware;
use apikeys_benches::{Result, secrets};

use super::{ANY_PORT, KEYS, PATH, Variant, print_address, stores::unrecorded};

pub(super) fn run(variant: Variant) -> Result<()> {
    System::new().block_on(async {
        if variant == Variant::ActixApiKeys {
            let stored = unrecorded().await?;
            let keys = ApiKeyMiddleware::new(stored.keys.clone());
            let server = HttpServer::new(move || App::new().wrap(keys.clone()).configure(routes));
            let server = server.workers(1).bind(ANY_PORT)?;
            print_address(server.addrs().first().copied().ok_or("no address")?, &stored.secrets);
            server.run().await?;
        } else {
            let server = HttpServer::new(|| App::new().configure(routes)).workers(1).bind(ANY_PORT)?;
            print_address(server.addrs().first().copied().ok_or("no address")?, &secrets(KEYS)?);
            server.run().await?;
        }
        Ok(())
    })
}

fn routes(app: &mut ServiceConfig) {
    app.route(PATH, web::get().to(async || HttpResponse::Ok().body("ok")));
}
