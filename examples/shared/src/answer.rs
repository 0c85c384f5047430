use apikeys_core::http::{FieldError, ManageErrorCode, PlainResponse, Wording};

/// Creates a response without a body that no cache may store.
pub(crate) fn empty(status: u16) -> PlainResponse {
    PlainResponse::empty(status).with_header("cache-control", "no-store")
}

/// Creates an error response in the format of the management API.
pub(crate) fn problem(code: ManageErrorCode, detail: &'static str) -> PlainResponse {
    let mut problem = code.to_problem(&Wording::default());
    problem.detail = detail.into();
    if code == ManageErrorCode::ValidationFailed {
        problem.errors = vec![FieldError::of_member("plan", detail)];
    }
    PlainResponse::problem(&problem)
}
