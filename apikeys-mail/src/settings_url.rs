use std::{fmt, sync::Arc};

use apikeys_core::warning::ExpiryWarning;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::SettingsError;

/// Everything that has a meaning in some part of a URL is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the address of the page where a key is extended.
#[derive(Clone)]
pub(crate) enum SettingsUrl {
    /// A URL with the placeholders `{org}` and `{key}`.
    Template(String),
    /// A function of the service.
    Function(Arc<dyn Fn(&ExpiryWarning) -> String + Send + Sync>),
}

impl SettingsUrl {
    /// Checks the template with an example.
    pub(crate) fn template(template: &str) -> Result<Self, SettingsError> {
        let filled = fill(template, "org", "key");
        if filled.contains(['{', '}']) {
            return Err(SettingsError::new(NAME, "the only placeholders are {org} and {key}"));
        }
        web_address(&filled)?;
        Ok(Self::Template(template.to_owned()))
    }

    /// Returns the page for the key of a warning.
    pub(crate) fn of(&self, warning: &ExpiryWarning) -> Result<String, SettingsError> {
        web_address(&match self {
            Self::Template(template) => fill(template, warning.org.as_str(), &warning.key.to_string()),
            Self::Function(function) => function(warning),
        })
    }
}

const NAME: &str = "settings_url";

fn fill(template: &str, org: &str, key: &str) -> String {
    let encode = |text| utf8_percent_encode(text, ENCODED).to_string();
    // An organization's id may contain `{key}`, but its encoded form does not.
    template.replace("{org}", &encode(org)).replace("{key}", &encode(key))
}

fn web_address(text: &str) -> Result<String, SettingsError> {
    let expected = "expected an address that begins with https:// or http://";
    let url = Url::parse(text).map_err(|error| SettingsError::because(NAME, expected, error))?;
    if matches!(url.scheme(), "https" | "http") {
        Ok(url.into())
    } else {
        Err(SettingsError::new(NAME, expected))
    }
}

impl fmt::Debug for SettingsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Template(template) => template,
            Self::Function(_) => "a function",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::warning;

    #[test]
    fn template_is_filled_with_encoded_ids() {
        let page = SettingsUrl::template("https://acme.example/{org}/settings?org={org}#key/{key}").unwrap();
        let mut warning = warning("CI");
        let key = warning.key;
        assert_eq!(
            page.of(&warning).unwrap(),
            format!("https://acme.example/org_1/settings?org=org_1#key/{key}")
        );
        warning.org = "a/b?{key}\"><script>é".parse().unwrap();
        let org = "a%2Fb%3F%7Bkey%7D%22%3E%3Cscript%3E%C3%A9";
        assert_eq!(
            page.of(&warning).unwrap(),
            format!("https://acme.example/{org}/settings?org={org}#key/{key}")
        );
    }

    #[test]
    fn address_that_is_not_a_web_page_is_refused() {
        for bad in [
            "",
            "/settings",
            "acme.example/settings",
            "javascript:alert(1)",
            "mailto:a@b.example",
            "https://",
            "https://acme.example/{organization}",
            "https://acme.example/{org",
        ] {
            let error = SettingsUrl::template(bad).unwrap_err();
            assert_eq!(error.setting(), "settings_url", "{bad}");
            let function = SettingsUrl::Function(Arc::new(|_| bad.to_owned()));
            assert!(bad.contains('{') || function.of(&warning("CI")).is_err(), "{bad}");
        }
    }
}
