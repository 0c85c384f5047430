use std::{net::TcpListener, sync::Arc};

use actix_web::{
    App, HttpResponse, HttpServer,
    rt::System,
    web::{self, ServiceConfig},
};
use apikeys_actix::ApiKeyMiddleware;
use apikeys_benches::{Result, headers_only::change_headers, secrets};

use super::{ANY_PORT, KEYS, PATH, Variant, print_address, stores::unrecorded};

pub(super) fn run(variant: Variant) -> Result<()> {
    System::new().block_on(async {
        let listener = TcpListener::bind(ANY_PORT)?;
        let address = listener.local_addr()?;
        let (server, secrets) = match variant {
            Variant::ActixApiKeys => {
                let stored = unrecorded().await?;
                let keys = ApiKeyMiddleware::new(stored.keys.clone());
                let server = HttpServer::new(move || App::new().wrap(keys.clone()).configure(routes));
                (server.workers(1).listen(listener)?.run(), stored.secrets.clone())
            }
            Variant::ActixHeadersOnly => {
                let server = HttpServer::new(|| {
                    let key: Arc<str> = "key".into();
                    let app =
                        App::new().wrap_fn(move |request, service| change_headers(&key, request, service));
                    app.configure(routes)
                });
                (server.workers(1).listen(listener)?.run(), secrets(KEYS)?)
            }
            _ => {
                let server = HttpServer::new(|| App::new().configure(routes));
                (server.workers(1).listen(listener)?.run(), secrets(KEYS)?)
            }
        };
        print_address(address, &secrets);
        Ok(server.await?)
    })
}

fn routes(app: &mut ServiceConfig) {
    app.route(PATH, web::get().to(async || HttpResponse::Ok().body("ok")));
}
