use std::sync::LazyLock;

use apikeys_admin::{AdminApi, ManageErrorCode};
use apikeys_core::ApiKeys;
use apikeys_test_document::{Document, Exchange};

use crate::support::{Ask, Reply};

pub(crate) static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let api = AdminApi::new(ApiKeys::in_memory());
    Document::read(&api.document("/settings/developer"))
});

/// Fails the test unless the OpenAPI document allows the response to the request and the response has
/// the status and the title of its code.
pub(crate) fn check(ask: &Ask, reply: &Reply) {
    DOCUMENT.check(&Exchange {
        method: &ask.method,
        path: &ask.path,
        sent: &ask.body,
        status: reply.status,
        header: &|name| reply.header(name),
        body: &reply.body,
    });
    if reply.status >= 400 {
        let problem = reply.json();
        let code = ManageErrorCode::ALL.iter().find(|code| problem["code"] == code.as_str()).unwrap();
        assert_eq!((code.status(), code.title()), (reply.status, problem["title"].as_str().unwrap()));
    }
}
