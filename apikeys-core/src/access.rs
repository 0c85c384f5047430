//! The one place that says yes or no.

use std::fmt;

use crate::{
    Timestamp,
    key::{KeyRow, Status},
    plan::Plan,
    rate_limit::RateLimited,
};

/// Why a request is refused: the caller's problem, not an error of ours.
///
/// [`answer`](crate::http::Answer::of) turns it into a status, headers and a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// No credential was sent.
    Missing,
    /// More than one was sent.
    Ambiguous,
    /// Unknown, malformed or deleted. Nobody but the holder of the real secret learns more.
    Invalid,
    /// An administrator switched the key off.
    Deactivated,
    /// The key's expiration date has come.
    Expired,
    /// The organization's plan has no API access.
    PlanWithoutAccess,
    /// The key's rate limit is used up.
    RateLimited(RateLimited),
    /// Whether the key is valid cannot be found out now.
    VerificationUnavailable,
    /// The request cannot be recorded now.
    AuditUnavailable {
        /// Whether the handler has run, so that the request may have been carried out.
        after_handler: bool,
    },
}

impl Denial {
    /// The kind of denial, without its particulars.
    #[must_use]
    pub const fn code(&self) -> DenialCode {
        match self {
            Self::Missing => DenialCode::Missing,
            Self::Ambiguous => DenialCode::Ambiguous,
            Self::Invalid => DenialCode::Invalid,
            Self::Deactivated => DenialCode::Deactivated,
            Self::Expired => DenialCode::Expired,
            Self::PlanWithoutAccess => DenialCode::PlanWithoutAccess,
            Self::RateLimited(_) => DenialCode::RateLimited,
            Self::VerificationUnavailable => DenialCode::VerificationUnavailable,
            Self::AuditUnavailable { .. } => DenialCode::AuditUnavailable,
        }
    }
}

/// The kinds of [`Denial`]; the text is the stable `code` of bodies and of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DenialCode {
    /// `MISSING_API_KEY`
    Missing,
    /// `AMBIGUOUS_CREDENTIALS`
    Ambiguous,
    /// `INVALID_API_KEY`
    Invalid,
    /// `API_KEY_DEACTIVATED`
    Deactivated,
    /// `API_KEY_EXPIRED`
    Expired,
    /// `API_ACCESS_NOT_AVAILABLE`
    PlanWithoutAccess,
    /// `RATE_LIMITED`
    RateLimited,
    /// `VERIFICATION_UNAVAILABLE`
    VerificationUnavailable,
    /// `AUDIT_UNAVAILABLE`
    AuditUnavailable,
}

impl DenialCode {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Missing,
        Self::Ambiguous,
        Self::Invalid,
        Self::Deactivated,
        Self::Expired,
        Self::PlanWithoutAccess,
        Self::RateLimited,
        Self::VerificationUnavailable,
        Self::AuditUnavailable,
    ];

    /// The code's text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "MISSING_API_KEY",
            Self::Ambiguous => "AMBIGUOUS_CREDENTIALS",
            Self::Invalid => "INVALID_API_KEY",
            Self::Deactivated => "API_KEY_DEACTIVATED",
            Self::Expired => "API_KEY_EXPIRED",
            Self::PlanWithoutAccess => "API_ACCESS_NOT_AVAILABLE",
            Self::RateLimited => "RATE_LIMITED",
            Self::VerificationUnavailable => "VERIFICATION_UNAVAILABLE",
            Self::AuditUnavailable => "AUDIT_UNAVAILABLE",
        }
    }

    /// The code with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for DenialCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a key may be used at `now`, by its own state and its organization's plan. The rate
/// limit comes after this.
///
/// # Errors
///
/// The first that applies of deactivated, expired, plan without access.
pub fn admit(key: &KeyRow, plan: &Plan, now: Timestamp) -> Result<(), Denial> {
    match key.status(now) {
        Status::Deactivated => Err(Denial::Deactivated),
        Status::Expired => Err(Denial::Expired),
        Status::Active if !plan.api_access() => Err(Denial::PlanWithoutAccess),
        Status::Active => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{Actor, KeyId, OrgId},
        key::KeyName,
        plan::Quota,
    };

    #[test]
    fn the_first_reason_in_order_is_given_for_every_combination() {
        let (org, actor) = (OrgId::new("o").unwrap(), Actor::new("a").unwrap());
        let name = KeyName::new("n").unwrap();
        let end = Timestamp::from_micros(100);
        for active in [true, false] {
            for expires in [None, Some(end)] {
                for access in [true, false] {
                    for now in [99, 100, 101] {
                        let mut key = KeyRow::new(
                            KeyId::from_bytes([1; 16]),
                            org.clone(),
                            name.clone(),
                            String::new(),
                            end,
                            actor.clone(),
                        );
                        (key.active, key.expires_at) = (active, expires);
                        let plan = Plan::new("p", Quota::Unlimited).unwrap();
                        let plan = if access { plan } else { plan.without_api_access() };
                        let wanted = if !active {
                            Err(Denial::Deactivated)
                        } else if expires.is_some() && now >= 100 {
                            Err(Denial::Expired)
                        } else if !access {
                            Err(Denial::PlanWithoutAccess)
                        } else {
                            Ok(())
                        };
                        assert_eq!(admit(&key, &plan, Timestamp::from_micros(now)), wanted);
                    }
                }
            }
        }
    }

    #[test]
    fn codes_survive_their_text() {
        for code in DenialCode::ALL {
            assert_eq!(DenialCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(DenialCode::parse("invalid_api_key"), None);
    }
}
