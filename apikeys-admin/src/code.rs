use std::fmt;

/// What went wrong with a management call; the text is the stable `code` of problem bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `ADMIN_REQUIRED`: no login, or an API key in its place.
    AdminRequired,
    /// `CROSS_SITE_REQUEST`: a change that another site's page asks for.
    CrossSiteRequest,
    /// `NOT_FOUND`: there is no such call.
    NotFound,
    /// `METHOD_NOT_ALLOWED`: the path is right, the method is not; see `Allow`.
    MethodNotAllowed,
    /// `KEY_NOT_FOUND`: the organization has no such key.
    KeyNotFound,
    /// `BODY_TOO_LARGE`
    BodyTooLarge,
    /// `UNSUPPORTED_MEDIA_TYPE`: not `application/json`.
    UnsupportedMediaType,
    /// `MALFORMED_JSON`
    MalformedJson,
    /// `INVALID_QUERY`: a parameter that is unknown, repeated or wrong.
    InvalidQuery,
    /// `INVALID_CURSOR`: not one that this list gave out for this query.
    InvalidCursor,
    /// `VALIDATION_FAILED`: the body's members are wrong, each listed in `errors`.
    ValidationFailed,
    /// `API_ACCESS_NOT_AVAILABLE`: the plan has no API access.
    ApiAccessNotAvailable,
    /// `KEY_LIMIT_REACHED`: as many keys as the plan allows.
    KeyLimitReached,
    /// `MANAGEMENT_UNAVAILABLE`: the store failed, or others kept changing the same key.
    ManagementUnavailable,
}

impl ErrorCode {
    /// All of them, in the order in which they are decided.
    pub const ALL: [Self; 14] = [
        Self::AdminRequired,
        Self::CrossSiteRequest,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::KeyNotFound,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::MalformedJson,
        Self::InvalidQuery,
        Self::InvalidCursor,
        Self::ValidationFailed,
        Self::ApiAccessNotAvailable,
        Self::KeyLimitReached,
        Self::ManagementUnavailable,
    ];

    /// The code's text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.text().0
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.text().1
    }

    /// The problem's title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.text().2
    }

    /// What to do, where the case has nothing better to say.
    pub(crate) const fn detail(self) -> &'static str {
        self.text().3
    }

    const fn text(self) -> (&'static str, u16, &'static str, &'static str) {
        match self {
            Self::AdminRequired => (
                "ADMIN_REQUIRED",
                401,
                "Administrator login required",
                "Log in as an administrator. API keys cannot manage API keys.",
            ),
            Self::CrossSiteRequest => (
                "CROSS_SITE_REQUEST",
                403,
                "Cross-site request",
                "Changes are accepted from the service's own pages and from programs.",
            ),
            Self::NotFound => (
                "NOT_FOUND",
                404,
                "Not found",
                "There is no such call. See api/openapi.json for those there are.",
            ),
            Self::MethodNotAllowed => (
                "METHOD_NOT_ALLOWED",
                405,
                "Method not allowed",
                "The Allow header names the methods of this path.",
            ),
            Self::KeyNotFound => (
                "KEY_NOT_FOUND",
                404,
                "Key not found",
                "The organization has no key with this id. It may have been deleted.",
            ),
            Self::BodyTooLarge => ("BODY_TOO_LARGE", 413, "Body too large", "Send a shorter body."),
            Self::UnsupportedMediaType => (
                "UNSUPPORTED_MEDIA_TYPE",
                415,
                "Unsupported media type",
                "Send the body as Content-Type: application/json, without Content-Encoding.",
            ),
            Self::MalformedJson => {
                ("MALFORMED_JSON", 400, "Malformed JSON", "The body must be one JSON value in UTF-8.")
            }
            Self::InvalidQuery => {
                ("INVALID_QUERY", 400, "Invalid query", "Check the parameters of the query.")
            }
            Self::InvalidCursor => (
                "INVALID_CURSOR",
                400,
                "Invalid cursor",
                "Send next_cursor as it was given, with the same filters, or begin again without a cursor.",
            ),
            Self::ValidationFailed => {
                ("VALIDATION_FAILED", 422, "Validation failed", "Correct the members listed in errors.")
            }
            Self::ApiAccessNotAvailable => (
                "API_ACCESS_NOT_AVAILABLE",
                403,
                "API access is not available",
                "Upgrade to the Starter plan or a higher one.",
            ),
            Self::KeyLimitReached => (
                "KEY_LIMIT_REACHED",
                409,
                "Key limit reached",
                "Delete a key that is no longer needed, or upgrade to a higher plan.",
            ),
            Self::ManagementUnavailable => (
                "MANAGEMENT_UNAVAILABLE",
                503,
                "Keys cannot be managed now",
                "Try again in a moment. A change may have been made all the same: look first.",
            ),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
