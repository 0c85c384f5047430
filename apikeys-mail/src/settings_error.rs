use std::{error::Error, fmt};

/// The error returned when a setting of the mail or of the mail server is missing or invalid.
///
/// The message names the setting and says what is expected. The message contains neither the URL of the mail
/// server nor a password.
#[derive(Debug)]
pub struct SettingsError {
    setting: &'static str,
    problem: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SettingsError {
    pub(crate) const fn new(setting: &'static str, problem: &'static str) -> Self {
        Self { setting, problem, source: None }
    }

    pub(crate) fn because(
        setting: &'static str,
        problem: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { setting, problem, source: Some(source.into()) }
    }

    /// Returns the name of the setting, such as `from`.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        self.setting
    }

    /// Returns the message without the name of the setting. Use this if your service has another name for the
    /// setting.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
