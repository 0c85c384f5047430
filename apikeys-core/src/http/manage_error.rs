use std::borrow::Cow;

use super::{FieldError, PlainResponse, Problem, Wording};
use crate::{engine::ManageError, text_enum::text_enum};

/// A row of the table of management errors: the content of the response.
struct Row {
    status: u16,
    title: &'static str,
    /// What the client can do about the error. Some errors replace this text with a more specific one.
    detail: &'static str,
    /// Seconds to wait before trying again. `None` means that the error is not temporary.
    retry_after: Option<u64>,
}

/// Declares [`ManageErrorCode`] and the texts from one table.
macro_rules! manage_errors {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $code:literal {
            $($row:tt)+
        }
    )+) => {
        text_enum! {
            /// The kinds of error of the management API, and of your service's own handlers that manage
            /// keys. Each kind has a stable text. The text is the member `code` in the JSON of an error response.
            ///
            /// The values are in the order in which the API checks them. If several errors apply, the
            /// response has the code of the first.
            pub enum ManageErrorCode("management error code") {
                $( $(#[$doc])* $variant = $code, )+
            }
        }

        impl ManageErrorCode {
            const fn row(self) -> Row {
                match self {
                    $( Self::$variant => Row { $($row)+ }, )+
                }
            }
        }
    };
}

manage_errors! {
    /// The request has no login of an administrator, or it carries an API key.
    AdminRequired = "ADMIN_REQUIRED" {
        status: 401,
        title: "Administrator login required",
        detail: "Log in as an administrator. API keys cannot manage API keys.",
        retry_after: None,
    }
    /// A page of another origin requested a change.
    CrossSiteRequest = "CROSS_SITE_REQUEST" {
        status: 403,
        title: "Cross-site request",
        detail: "Changes are accepted from programs, from pages of the API's own origin, and from the origins that \
                 the service allows.",
        retry_after: None,
    }
    /// The API has no endpoint at the path.
    NotFound = "NOT_FOUND" {
        status: 404,
        title: "Not found",
        detail: "The API has no endpoint at this path. api/openapi.json lists all endpoints.",
        retry_after: None,
    }
    /// The path does not support the method. The `Allow` header lists the methods that the path supports.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" {
        status: 405,
        title: "Method not allowed",
        detail: "The Allow header lists the methods of this path.",
        retry_after: None,
    }
    /// The organization has no key with this id.
    KeyNotFound = "KEY_NOT_FOUND" {
        status: 404,
        title: "Key not found",
        detail: "The organization has no key with this id. It may have been deleted.",
        retry_after: None,
    }
    /// The body is longer than the API accepts.
    BodyTooLarge = "BODY_TOO_LARGE" {
        status: 413,
        title: "Body too large",
        detail: "Send a shorter body.",
        retry_after: None,
    }
    /// The body is not `application/json`, or has a `Content-Encoding` other than `identity`.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" {
        status: 415,
        title: "Unsupported media type",
        detail: "Send the body as Content-Type: application/json, without Content-Encoding.",
        retry_after: None,
    }
    /// A query parameter is unknown, repeated or invalid.
    InvalidQuery = "INVALID_QUERY" {
        status: 400,
        title: "Invalid query",
        detail: "Check the query parameters.",
        retry_after: None,
    }
    /// The cursor was not issued for this list with these filters.
    InvalidCursor = "INVALID_CURSOR" {
        status: 400,
        title: "Invalid cursor",
        detail: "Send next_cursor unchanged with the same filters, or start again without a cursor.",
        retry_after: None,
    }
    /// The body is not valid JSON.
    MalformedJson = "MALFORMED_JSON" {
        status: 400,
        title: "Malformed JSON",
        detail: "The body must be one JSON value in UTF-8.",
        retry_after: None,
    }
    /// Members of the body are invalid. The problem lists each of them in `errors`.
    ValidationFailed = "VALIDATION_FAILED" {
        status: 422,
        title: "Validation failed",
        detail: "Correct the members listed in errors.",
        retry_after: None,
    }
    /// The catalogue has no plan with this name. The management API has no endpoint that sets plans, so only
    /// handlers of your service send this error.
    UnknownPlan = "UNKNOWN_PLAN" {
        status: 422,
        title: "Unknown plan",
        detail: "The service has no plan with this name.",
        retry_after: None,
    }
    /// The organization's plan has no API access.
    ApiAccessNotAvailable = "API_ACCESS_NOT_AVAILABLE" {
        status: 403,
        title: "API access is not available",
        detail: "Upgrade to a plan with API access.",
        retry_after: None,
    }
    /// The organization has as many keys as its plan allows.
    KeyLimitReached = "KEY_LIMIT_REACHED" {
        status: 409,
        title: "Key limit reached",
        detail: "Delete a key that is no longer needed, or upgrade to a higher plan.",
        retry_after: None,
    }
    /// The request failed for a reason that the client cannot correct. For example, the store failed, or
    /// concurrent changes to the same key prevented the change at every attempt.
    ManagementUnavailable = "MANAGEMENT_UNAVAILABLE" {
        status: 503,
        title: "Keys cannot be managed now",
        detail: "Try again in a moment. Before you repeat a change, check whether it was made.",
        retry_after: Some(1),
    }
}

impl ManageErrorCode {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// Returns the title of the problem.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// Returns what the client can do about the problem. Some errors replace this text with a more specific
    /// one.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// Creates the problem that is the body of the response to this error.
    #[must_use]
    pub fn to_problem(self, wording: &Wording) -> Problem {
        let Row { status, title, detail, .. } = self.row();
        Problem::of(&wording.problem_types, (self.as_str(), status, title), detail)
    }

    /// Creates the response with the body `problem`. The code of `problem` must be this code.
    #[must_use]
    pub fn to_response(self, problem: &Problem) -> PlainResponse {
        respond(problem, self.row().retry_after)
    }
}

fn respond(problem: &Problem, retry_after: Option<u64>) -> PlainResponse {
    let response = PlainResponse::problem(problem).with_header("x-content-type-options", "nosniff");
    match retry_after {
        Some(seconds) => response.with_header("retry-after", seconds.to_string()),
        None => response,
    }
}

/// With these methods, the handlers of your service can send the same responses as the management API:
///
/// ```
/// use apikeys_core::{Actor, ApiKeys, OrgId, PlanName};
///
/// # pollster::block_on(async {
/// let keys = ApiKeys::in_memory();
/// let org = OrgId::new("org_1")?;
/// let operator = keys.operator(Actor::new("billing")?);
/// let error = operator.set_plan(&org, PlanName::new("platinum")?).await.unwrap_err();
/// assert!(error.code() == "UNKNOWN_PLAN");
///
/// let response = error.to_response();
/// assert_eq!(response.status, 422);
/// assert_eq!(response.header("content-type"), Some("application/problem+json"));
/// assert!(String::from_utf8(response.body)?.contains(r#""code":"UNKNOWN_PLAN""#));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
impl ManageError {
    /// Returns the kind of error.
    #[must_use]
    pub const fn code(&self) -> ManageErrorCode {
        match self {
            Self::NotFound => ManageErrorCode::KeyNotFound,
            Self::KeyLimitReached { .. } => ManageErrorCode::KeyLimitReached,
            Self::ApiAccessNotAvailable { .. } => ManageErrorCode::ApiAccessNotAvailable,
            Self::ExpiresInThePast => ManageErrorCode::ValidationFailed,
            Self::UnknownPlan(_) => ManageErrorCode::UnknownPlan,
            Self::StoredPlanUnknown(_) | Self::Conflict | Self::Entropy(_) | Self::Store(_) => {
                ManageErrorCode::ManagementUnavailable
            }
        }
    }

    /// Returns the status of the response. The status is 4xx if the client can correct the error, and 503
    /// otherwise.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code().status()
    }

    /// Creates the response of the management API to this error, with the default wording.
    ///
    /// The response does not contain the message of a store's error. Log the error and its source in the
    /// handler that sends the response.
    #[must_use]
    pub fn to_response(&self) -> PlainResponse {
        self.to_response_with(&Wording::default())
    }

    /// Creates the response of the management API to this error, with the given wording.
    #[must_use]
    pub fn to_response_with(&self, wording: &Wording) -> PlainResponse {
        let retry_after = match self {
            // Only the operator can correct this error.
            Self::StoredPlanUnknown(_) => None,
            Self::NotFound
            | Self::KeyLimitReached { .. }
            | Self::ApiAccessNotAvailable { .. }
            | Self::ExpiresInThePast
            | Self::UnknownPlan(_)
            | Self::Conflict
            | Self::Entropy(_)
            | Self::Store(_) => self.code().row().retry_after,
        };
        respond(&self.to_problem(wording), retry_after)
    }

    /// Creates the problem that is the body of the response.
    #[must_use]
    pub fn to_problem(&self, wording: &Wording) -> Problem {
        let mut problem = self.code().to_problem(wording);
        match self {
            Self::NotFound | Self::UnknownPlan(_) | Self::Store(_) => {}
            Self::KeyLimitReached { quota, used } => {
                problem.quota = quota.limit();
                problem.used = Some(*used);
            }
            Self::ApiAccessNotAvailable { upgrade } => {
                problem.detail = wording.upgrade(|| upgrade.clone()).into();
            }
            Self::ExpiresInThePast => {
                problem.errors = vec![FieldError::of_member("expires_at", "must be in the future")];
            }
            Self::Conflict => {
                problem.detail = Cow::Borrowed(
                    "Nothing was changed, because other requests changed the same key or organization at the \
                     same time. Try again in a moment.",
                );
            }
            Self::StoredPlanUnknown(_) => {
                problem.detail = Cow::Borrowed(
                    "Nothing was changed, because the service does not know the organization's plan. The \
                     operator of the service must add the plan to the catalogue or set another plan.",
                );
            }
            Self::Entropy(_) => {
                problem.detail = Cow::Borrowed("Nothing was changed. Try again in a moment.");
            }
        }
        problem
    }
}

/// The response of [`ManageError::to_response`].
impl From<&ManageError> for PlainResponse {
    fn from(error: &ManageError) -> Self {
        error.to_response()
    }
}

/// The response of [`ManageError::to_response`].
impl From<ManageError> for PlainResponse {
    fn from(error: ManageError) -> Self {
        error.to_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        PlanName, Quota,
        store::{StoreError, StoreErrorKind},
    };

    fn plan() -> PlanName {
        PlanName::new("gold").unwrap()
    }

    #[test]
    fn each_management_error_has_its_status_and_code() {
        let store = StoreError::new(StoreErrorKind::Unavailable, "commit");
        for (error, status, code) in [
            (ManageError::NotFound, 404, "KEY_NOT_FOUND"),
            (ManageError::KeyLimitReached { quota: Quota::Limited(2), used: 2 }, 409, "KEY_LIMIT_REACHED"),
            (ManageError::ApiAccessNotAvailable { upgrade: String::new() }, 403, "API_ACCESS_NOT_AVAILABLE"),
            (ManageError::ExpiresInThePast, 422, "VALIDATION_FAILED"),
            (ManageError::UnknownPlan(plan()), 422, "UNKNOWN_PLAN"),
            (ManageError::StoredPlanUnknown(plan()), 503, "MANAGEMENT_UNAVAILABLE"),
            (ManageError::Conflict, 503, "MANAGEMENT_UNAVAILABLE"),
            (ManageError::Store(store), 503, "MANAGEMENT_UNAVAILABLE"),
        ] {
            assert_eq!((error.status(), error.code().as_str()), (status, code));
            let response = error.to_response();
            assert_eq!(response.status, status);
            let is_temporary = status == 503 && !matches!(error, ManageError::StoredPlanUnknown(_));
            assert_eq!(response.header("retry-after").is_some(), is_temporary);
            let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            assert_eq!((body["code"].as_str(), body["status"].as_u64()), (Some(code), Some(status.into())));
        }
    }

    #[test]
    fn management_response_has_these_headers_and_members() {
        let response = ManageError::KeyLimitReached { quota: Quota::Limited(2), used: 3 }.to_response();
        assert_eq!(
            response.headers,
            [
                ("content-type", "application/problem+json".to_owned()),
                ("cache-control", "no-store".to_owned()),
                ("x-content-type-options", "nosniff".to_owned()),
            ]
        );
        assert_eq!(
            String::from_utf8(response.body).unwrap(),
            r#"{"type":"urn:problem-type:apikeys:key-limit-reached","title":"Key limit reached","status":409,"detail":"Delete a key that is no longer needed, or upgrade to a higher plan.","code":"KEY_LIMIT_REACHED","quota":2,"used":3}"#
        );
    }

    #[test]
    fn unknown_stored_plan_says_what_the_operator_can_do() {
        let problem = ManageError::StoredPlanUnknown(plan()).to_problem(&Wording::default());
        assert!(problem.detail.ends_with("must add the plan to the catalogue or set another plan."));
        assert!(!problem.detail.contains("Try again"));
        let message = ManageError::StoredPlanUnknown(plan()).to_string();
        assert!(message.contains("the plan gold, ") && message.ends_with("or set another plan"), "{message}");
    }

    #[test]
    fn wording_replaces_the_type_and_the_upgrade_advice() {
        let error = ManageError::ApiAccessNotAvailable { upgrade: "Upgrade.".to_owned() };
        assert_eq!(error.to_problem(&Wording::default()).detail, "Upgrade.");
        let wording = Wording::default().plan_without_access("Buy it.").problem_types("https://x/");
        let problem = error.to_problem(&wording);
        assert_eq!((&*problem.detail, &*problem.kind), ("Buy it.", "https://x/api-access-not-available"));
    }
}
