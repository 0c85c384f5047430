use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use apikeys_test_document::{Document, Exchange};

use super::{Org, Subject};
use crate::{Artifacts, Connection, Quickstart, Request, Response};

/// The admin token of every service under test.
pub(super) const TOKEN: &str = "let-me-in";

/// Where the management API is mounted.
pub(super) const MOUNT: &str = "/settings/developer";

/// A service under test: a process that is spoken to over sockets only.
#[derive(Debug)]
pub struct Service {
    quickstart: Quickstart,
    artifacts: Artifacts,
    document: Document,
    exchanges: Mutex<Vec<(Request, Response)>>,
}

impl Service {
    /// Starts a quickstart for `case`, with an empty database.
    pub async fn start(subject: Subject, case: &str) -> Self {
        let artifacts = Artifacts::new(&subject.folder(case));
        Self::start_in(artifacts, subject, "quickstart", "trace").await
    }

    /// Starts a quickstart on the database among `artifacts`; its log is called `name`, and
    /// filtered as `RUST_LOG` says.
    pub async fn start_in(artifacts: Artifacts, subject: Subject, name: &str, log: &str) -> Self {
        let url = subject.database_url(&artifacts);
        let environment = [("DATABASE_URL", url.as_str()), ("ADMIN_TOKEN", TOKEN), ("RUST_LOG", log)];
        let quickstart = Quickstart::start_with(&artifacts, subject.framework(), name, &environment).await;
        let login = Request::get(format!("{MOUNT}/api/openapi.json"));
        let login = login.line("X-Demo-Admin", TOKEN).line("X-Demo-Org", "org_demo");
        let document = quickstart.send(&login).await;
        assert_eq!(document.status, 200, "{}", document.text());
        let document = Document::read(&document.body);
        Self { quickstart, artifacts, document, exchanges: Mutex::default() }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.quickstart.address
    }

    /// The secret of its ready-made key.
    #[must_use]
    pub fn ready_made(&self) -> &str {
        &self.quickstart.ready_made
    }

    /// The folder of the case.
    #[must_use]
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// The management API's document, as the service gave it out.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// An organization, as its administrator sees it.
    #[must_use]
    pub fn org<'s>(&'s self, org: &'static str) -> Org<'s> {
        Org::new(self, org)
    }

    /// A new connection.
    pub async fn connect(&self) -> Connection {
        Connection::open(self.address()).await.unwrap()
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&self, request: &Request) -> Response {
        self.send_on(&mut self.connect().await, request).await
    }

    /// Sends a request on a connection that is there.
    pub async fn send_on(&self, connection: &mut Connection, request: &Request) -> Response {
        let response = self.peek(connection, request).await;
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.push((request.clone(), response.clone()));
        response
    }

    /// The same, not to be found among [`exchanges`](Self::exchanges): for what is asked again and
    /// again until something has come true.
    pub async fn peek(&self, connection: &mut Connection, request: &Request) -> Response {
        let response = connection.send(request).await.unwrap();
        if request.path().starts_with(&format!("{MOUNT}/api/")) {
            self.check(request, &response);
        }
        response
    }

    /// `GET /v1/whoami` with a key.
    pub async fn whoami(&self, secret: &str) -> Response {
        self.send(&Request::get("/v1/whoami").bearer(secret)).await
    }

    /// All that was sent and answered, in order.
    #[must_use]
    pub fn exchanges(&self) -> Vec<(Request, Response)> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(self) {
        assert!(self.quickstart.stop().await.success());
    }

    /// Fails the case unless the document allows the answer.
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
