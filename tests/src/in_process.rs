use std::net::{Ipv4Addr, SocketAddr};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    web::{self, ServiceConfig},
};
use apikeys_actix::ApiKeyMiddleware;
use apikeys_core::ApiKeys;
use apikeys_example_shared::Demo;
use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};

/// A service in this process. Dropping the value stops the service.
#[derive(Debug)]
pub struct InProcess {
    /// The address of the service.
    pub address: SocketAddr,
    server: Server,
}

#[derive(Debug)]
enum Server {
    Axum(JoinHandle<()>),
    Actix(ServerHandle),
}

impl InProcess {
    /// Starts only the API of a framework's quickstart, protected by `keys`.
    pub async fn protected(framework: &str, keys: &ApiKeys) -> Self {
        match framework {
            "axum" => Self::axum(apikeys_example_axum::protected(keys.clone())).await,
            "actix" => {
                let keys = ApiKeyMiddleware::new(keys.clone());
                Self::actix(move |app| apikeys_example_actix::protected(app, &keys))
            }
            other => panic!("unknown framework: {other}"),
        }
    }

    /// Starts the whole quickstart of a framework with the engine of `demo`.
    pub async fn quickstart(framework: &str, demo: &Demo) -> Self {
        match framework {
            "axum" => Self::axum(apikeys_example_axum::router(demo)).await,
            "actix" => {
                let (demo, keys) = (demo.clone(), ApiKeyMiddleware::new(demo.keys.clone()));
                Self::actix(move |app| apikeys_example_actix::routes(app, &demo, &keys))
            }
            other => panic!("unknown framework: {other}"),
        }
    }

    /// Serves `router`.
    pub async fn axum(router: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, server: Server::Axum(serving) }
    }

    /// Serves `routes` from two threads. A handler is dropped when its client leaves.
    pub fn actix(routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Self {
        let server = HttpServer::new(move || {
            let routes = routes.clone();
            App::new().configure(move |app: &mut web::ServiceConfig| routes(app))
        });
        let server = server
            .workers(2)
            .disable_signals()
            .h1_allow_half_closed(false)
            .tcp_nodelay(true)
            .bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap();
        let address = server.addrs()[0];
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Self { address, server: Server::Actix(handle) }
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        match &self.server {
            Server::Axum(serving) => serving.abort(),
            Server::Actix(server) => drop(server.stop(false)),
        }
    }
}
