use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use apikeys_test_document::{Document, Exchange};

use super::{Org, Subject};
use crate::{Artifacts, Connection, NewDatabase, Quickstart, Request, Response, TOKEN};

/// Where the management API is mounted.
pub const MOUNT: &str = "/settings/developer";

/// A service under test: a process that is reached over sockets only.
#[derive(Debug)]
pub struct Service {
    quickstart: Quickstart,
    artifacts: Artifacts,
    document: Document,
    exchanges: Mutex<Vec<(Request, Response)>>,
    /// The database, which exists as long as a service uses it.
    _database: Arc<NewDatabase>,
}

impl Service {
    /// Starts a quickstart for `case`, with an empty database.
    pub async fn start(subject: Subject, case: &str) -> Self {
        let artifacts = Artifacts::new(&subject.folder(case));
        let database = Arc::new(subject.database().create(&artifacts).await);
        Self::start_on(database, artifacts, subject, ("quickstart", "trace")).await
    }

    /// Starts the quickstart of `subject` on a database. `log` is the name of its log file in the folder of `artifacts`, and
    /// the filter of the log in the format of `RUST_LOG`.
    pub async fn start_on(
        database: Arc<NewDatabase>,
        artifacts: Artifacts,
        subject: Subject,
        (name, filter): (&str, &str),
    ) -> Self {
        let environment = [
            ("DATABASE_URL", database.url()),
            ("ADMIN_TOKEN", TOKEN),
            ("RUST_LOG", filter),
            ("CACHE", subject.cache()),
        ];
        let quickstart = Quickstart::start_with(&artifacts, subject.framework(), name, &environment).await;
        let login = Request::get(format!("{MOUNT}/api/openapi.json"));
        let document = quickstart.send(&login.admin("org_demo")).await;
        assert_eq!(document.status, 200, "{}", document.text());
        let document = Document::read(&document.body);
        Self { quickstart, artifacts, document, exchanges: Mutex::default(), _database: database }
    }

    /// The address of the service.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.quickstart.address
    }

    /// The secret of the ready-made key.
    #[must_use]
    pub fn ready_made(&self) -> &str {
        &self.quickstart.ready_made
    }

    /// The folder of the case.
    #[must_use]
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// The OpenAPI document that the service returned.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// An organization of the service.
    #[must_use]
    pub fn org<'s>(&'s self, org: &'static str) -> Org<'s> {
        Org::new(self, org)
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Connection {
        Connection::open(self.address()).await.unwrap()
    }

    /// Sends a request on a new connection.
    pub async fn send(&self, request: &Request) -> Response {
        self.send_on(&mut self.connect().await, request).await
    }

    /// Sends a request on an open connection.
    pub async fn send_on(&self, connection: &mut Connection, request: &Request) -> Response {
        let response = self.peek(connection, request).await;
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.push((request.clone(), response.clone()));
        response
    }

    /// Sends a request without adding it to [`exchanges`](Self::exchanges), for requests that are
    /// repeated until a condition is met.
    pub async fn peek(&self, connection: &mut Connection, request: &Request) -> Response {
        let response = connection.send(request).await.unwrap();
        if request.path().starts_with(&format!("{MOUNT}/api/")) {
            self.check(request, &response);
        }
        response
    }

    /// Sends `GET /v1/whoami` with a key.
    pub async fn whoami(&self, secret: &str) -> Response {
        self.send(&Request::get("/v1/whoami").bearer(secret)).await
    }

    /// Returns all requests and responses, in order.
    #[must_use]
    pub fn exchanges(&self) -> Vec<(Request, Response)> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the service and waits for its end.
    pub async fn stop(self) {
        assert!(self.quickstart.stop().await.success());
    }

    /// Fails the case unless the OpenAPI document allows the response.
    pub(super) fn check(&self, request: &Request, response: &Response) {
        let path = request.path();
        self.document.check(&Exchange {
            method: request.method(),
            path: path.strip_prefix(MOUNT).unwrap_or(path),
            sent: request.sent(),
            status: response.status,
            header: &|name| response.header(name),
            body: &response.body,
        });
    }
}
