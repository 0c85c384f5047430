use std::borrow::Cow;

use super::Problem;

/// The choices of your service about the texts of responses.
///
/// ```
/// use apikeys_core::http::Wording;
///
/// let wording = Wording::default()
///     .realm("billing api")?
///     .problem_types("https://docs.example.com/problems/")
///     .settings_page("Account > API keys")
///     .plan_without_access("Buy the API add-on to use keys.")
///     .legacy_rate_headers();
/// # Ok::<(), apikeys_core::http::InvalidRealm>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    pub(super) realm: String,
    pub(super) problem_types: String,
    settings_page: String,
    plan_without_access: Option<String>,
    pub(super) legacy_rate_headers: bool,
}

/// The error of a text that is not a valid realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid realm: expected printable ASCII without quotes and backslashes")]
pub struct InvalidRealm;

/// The part of a detail in the table of denials that stands for the name of the settings page.
const SETTINGS_PAGE: &str = "{settings page}";

impl Wording {
    /// Sets the `realm` of `WWW-Authenticate`. The default is `api`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] if `realm` contains a quote, a backslash, or a character other than printable
    /// ASCII.
    pub fn realm(mut self, realm: &str) -> Result<Self, InvalidRealm> {
        if realm.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            realm.clone_into(&mut self.realm);
            Ok(self)
        } else {
            Err(InvalidRealm)
        }
    }

    /// Sets the base of the `type` of problems. The type is the base followed by the code in kebab case, such
    /// as `urn:problem-type:apikeys:api-key-expired` with the default base `urn:problem-type:apikeys:`. The type of
    /// exceeded rate limits does not have this base, because it is registered with IANA.
    #[must_use]
    pub fn problem_types(mut self, base: impl Into<String>) -> Self {
        self.problem_types = base.into();
        self
    }

    /// Sets the name of the page on which administrators manage keys. If an administrator can
    /// correct a problem there, the denial names the page. The default is `Developer settings`.
    #[must_use]
    pub fn settings_page(mut self, name: impl Into<String>) -> Self {
        self.settings_page = name.into();
        self
    }

    /// Sets the detail of `API_ACCESS_NOT_AVAILABLE`. The default names the catalogue's first plan with API
    /// access, such as "Upgrade to the Starter plan or a higher one."
    #[must_use]
    pub fn plan_without_access(mut self, detail: impl Into<String>) -> Self {
        self.plan_without_access = Some(detail.into());
        self
    }

    /// Also sends the headers `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Used` and
    /// `X-RateLimit-Reset`, in the form that GitHub uses. `X-RateLimit-Reset` is in seconds since 1970.
    #[must_use]
    pub fn legacy_rate_headers(mut self) -> Self {
        self.legacy_rate_headers = true;
        self
    }

    /// Returns `detail` with the name of the settings page in place of [`SETTINGS_PAGE`].
    pub(super) fn with_settings_page(&self, detail: &'static str) -> Cow<'static, str> {
        if detail.contains(SETTINGS_PAGE) {
            Cow::Owned(detail.replace(SETTINGS_PAGE, &self.settings_page))
        } else {
            Cow::Borrowed(detail)
        }
    }

    /// Returns the detail of `API_ACCESS_NOT_AVAILABLE`: the text that was set, or `advice` if no text was
    /// set.
    pub(super) fn upgrade(&self, advice: impl FnOnce() -> String) -> String {
        self.plan_without_access.clone().unwrap_or_else(advice)
    }
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            realm: "api".into(),
            problem_types: Problem::TYPES.into(),
            settings_page: "Developer settings".into(),
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
