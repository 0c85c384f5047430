use super::Problem;

/// Your service's choices about the texts of responses.
///
/// ```
/// use apikeys_core::http::Wording;
///
/// let wording = Wording::default()
///     .realm("billing api")?
///     .problem_types("https://docs.example.com/problems/")
///     .plan_without_access("Buy the API add-on to use keys.")
///     .legacy_rate_headers();
/// # Ok::<(), apikeys_core::http::InvalidRealm>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    pub(super) realm: String,
    pub(super) problem_types: String,
    plan_without_access: Option<String>,
    pub(super) legacy_rate_headers: bool,
}

/// The error for a text that cannot be a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid realm: expected printable ASCII without quotes and backslashes")]
pub struct InvalidRealm;

impl Wording {
    /// Sets the `realm` of `WWW-Authenticate`. The default is `api`.
    ///
    /// # Errors
    ///
    /// Returns an error if `realm` has characters other than printable ASCII, or a quote or
    /// backslash.
    pub fn realm(mut self, realm: &str) -> Result<Self, InvalidRealm> {
        if realm.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            realm.clone_into(&mut self.realm);
            Ok(self)
        } else {
            Err(InvalidRealm)
        }
    }

    /// Sets the beginning of the `type` of problems, which is followed by the code in kebab case. The default
    /// is `urn:problem-type:apikeys:`. Exceeded rate limits always have the type that is registered with
    /// IANA.
    #[must_use]
    pub fn problem_types(mut self, base: impl Into<String>) -> Self {
        self.problem_types = base.into();
        self
    }

    /// Sets the detail of `API_ACCESS_NOT_AVAILABLE`. The default names the catalogue's first plan with API
    /// access, such as "Upgrade to the Starter plan or a higher one."
    #[must_use]
    pub fn plan_without_access(mut self, detail: impl Into<String>) -> Self {
        self.plan_without_access = Some(detail.into());
        self
    }

    /// Also sends `X-RateLimit-Limit`, `-Remaining`, `-Used` and `-Reset` (in seconds since 1970),
    /// in GitHub's form.
    #[must_use]
    pub fn legacy_rate_headers(mut self) -> Self {
        self.legacy_rate_headers = true;
        self
    }

    /// Returns the detail of `API_ACCESS_NOT_AVAILABLE`, which is the text that was set, or `advice`.
    pub(super) fn upgrade(&self, advice: impl FnOnce() -> String) -> String {
        self.plan_without_access.clone().unwrap_or_else(advice)
    }
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            realm: "api".into(),
            problem_types: Problem::TYPES.into(),
            plan_without_access: None,
            legacy_rate_headers: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realm_with_a_character_that_needs_escaping_is_invalid() {
        for bad in ["a\"b", "a\\b", "a\nb", "ü"] {
            assert_eq!(Wording::default().realm(bad), Err(InvalidRealm));
        }
    }
}
