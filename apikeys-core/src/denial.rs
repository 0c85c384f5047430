//! The reason why a request is refused.
//!
//! The table in this file is the only list of denials. [`Denial`], [`DenialCode`] and the texts of responses
//! are generated from it.

use std::time::Duration;

use crate::{rate_limit::RateLimited, text_enum::text_enum};

/// The content of the response to a denied request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    /// What the client can do about the denial. For [`Denial::PlanWithoutAccess`], the text depends on the
    /// plans. `{settings page}` stands for the name of the settings page, which [`Wording`] holds.
    ///
    /// [`Wording`]: crate::http::Wording
    pub(crate) detail: &'static str,
    pub(crate) challenge: Challenge,
    /// Seconds to wait before trying again. `None` means that waiting does not help.
    pub(crate) retry_after: Option<u64>,
}

/// The content of the header `WWW-Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// The header is not sent.
    None,
    /// The scheme and the realm.
    Plain,
    /// The scheme, the realm and the error `invalid_token`.
    InvalidToken,
}

/// Declares [`Denial`], [`DenialCode`] and the texts from one table.
macro_rules! denials {
    ($(
        $(#[$doc:meta])*
        $variant:ident $(($payload:ty))? $({ $(#[$field_doc:meta])* $field:ident: $field_type:ty })? = $code:literal {
            $($told:tt)+
        }
    )+) => {
        /// The reason why a request is refused.
        ///
        /// The adapters respond to a denied request with the status and the body that [`http::Authenticator`]
        /// creates.
        ///
        /// [`http::Authenticator`]: crate::http::Authenticator
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Denial {
            $(
                $(#[$doc])*
                $variant $(($payload))? $({ $(#[$field_doc])* $field: $field_type })?,
            )+
        }

        impl Denial {
            /// Returns the kind of denial, without its details.
            #[must_use]
            pub const fn code(&self) -> DenialCode {
                match self {
                    $( Self::$variant { .. } => DenialCode::$variant, )+
                }
            }

            const fn row(&self) -> Told {
                match self {
                    $( Self::$variant { .. } => Told { code: $code, $($told)+ }, )+
                }
            }
        }

        text_enum! {
            /// The kinds of [`Denial`]. Each kind has a stable text. The text is the member `code` in the JSON of
            /// the default response, and is recorded in the audit log.
            pub enum DenialCode("denial code", other) {
                $( $(#[$doc])* $variant = $code, )+
            }
        }
    };
}

denials! {
    /// The request has no credential.
    Missing = "MISSING_API_KEY" {
        status: 401,
        title: "API key is missing",
        detail: "Send the key in the Authorization header, as: Authorization: Bearer <key>.",
        challenge: Challenge::Plain,
        retry_after: None,
    }
    /// The request has more than one credential.
    Ambiguous = "AMBIGUOUS_CREDENTIALS" {
        status: 400,
        title: "More than one API key",
        detail: "Send exactly one API key, in one place.",
        challenge: Challenge::None,
        retry_after: None,
    }
    /// The key is unknown, malformed or deleted. Only a client that sent the real secret of a key gets a
    /// denial with a more specific reason.
    Invalid = "INVALID_API_KEY" {
        status: 401,
        title: "Invalid API key",
        detail: "Check that the key is complete and has no extra white space.",
        challenge: Challenge::InvalidToken,
        retry_after: None,
    }
    /// The key is deactivated.
    Deactivated = "API_KEY_DEACTIVATED" {
        status: 401,
        title: "API key is deactivated",
        detail: "An administrator can activate it in {settings page}.",
        challenge: Challenge::InvalidToken,
        retry_after: None,
    }
    /// The key has expired.
    Expired = "API_KEY_EXPIRED" {
        status: 401,
        title: "API key has expired",
        detail: "An administrator can create a new key or extend the expiration in {settings page}.",
        challenge: Challenge::InvalidToken,
        retry_after: None,
    }
    /// The organization's plan has no API access.
    PlanWithoutAccess = "API_ACCESS_NOT_AVAILABLE" {
        status: 403,
        title: "API access is not available",
        detail: "Upgrade to the Starter plan or a higher one.",
        challenge: Challenge::None,
        retry_after: None,
    }
    /// The key's rate limit is used up.
    RateLimited(RateLimited) = "RATE_LIMITED" {
        status: 429,
        title: "Rate limit exceeded",
        detail: "Wait for the time given in Retry-After, or raise the key's rate limit in {settings page}.",
        challenge: Challenge::None,
        retry_after: Some(1),
    }
    /// The key cannot be verified at the moment.
    VerificationUnavailable = "VERIFICATION_UNAVAILABLE" {
        status: 503,
        title: "API key cannot be verified",
        detail: "The key could not be checked, and may be valid. Try again in a moment.",
        challenge: Challenge::None,
        retry_after: Some(1),
    }
    /// The buffer of the audit log has no room for the request at the moment.
    AuditUnavailable {
        /// True if the handler has run, which means that the request may have been carried out. Always false
        /// today, because the room in the buffer is checked before the handler runs.
        after_handler: bool
    } = "AUDIT_UNAVAILABLE" {
        status: 503,
        title: "Request cannot be recorded",
        detail: "The request was not carried out. Try again in a moment.",
        challenge: Challenge::None,
        retry_after: Some(1),
    }
}

impl Denial {
    /// Returns the status of the response to the denied request.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.row().status
    }

    /// Returns the text of [`code`](Self::code).
    pub(crate) const fn code_text(&self) -> &'static str {
        self.row().code
    }

    /// Returns the table's row, with the details of this denial.
    pub(crate) fn told(&self) -> Told {
        let mut told = self.row();
        if let Self::RateLimited(limited) = self {
            told.retry_after = Some(whole_seconds(limited.retry_after));
        }
        if let Self::AuditUnavailable { after_handler: true } = self {
            told.detail = "The request may have been carried out. Check before trying again.";
            told.retry_after = None;
        }
        told
    }
}

/// Returns `duration` in whole seconds. The result is rounded up and at least 1, so that a client that waits
/// for this time has waited long enough.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_is_rounded_up_and_at_least_one_second() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60), (60_000, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
