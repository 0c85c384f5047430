use std::{error::Error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::WarningPeriods;
use crate::{
    Timestamp,
    id::{KeyId, OrgId},
    key::KeyName,
};

/// The error of [`Contacts`], of any type.
pub type ContactsError = Box<dyn Error + Send + Sync>;

/// Finds the people who are warned before a key of an organization expires.
///
/// Implement this trait over the user accounts of your service.
///
/// ```
/// use apikeys_core::{OrgId, warning::{Contacts, ContactsError}};
///
/// struct Accounts;
///
/// #[async_trait::async_trait]
/// impl Contacts for Accounts {
///     async fn admins(&self, org: &OrgId) -> Result<Vec<String>, ContactsError> {
///         Ok(vec![format!("admin@{}.example", org.as_str())])
///     }
/// }
/// ```
#[async_trait]
pub trait Contacts: Send + Sync + 'static {
    /// Returns the e-mail addresses of an organization's administrators. If the list is empty, no warning is
    /// sent.
    ///
    /// # Errors
    ///
    /// Returns an error if the addresses cannot be read now. The [engine](crate::engine) tries again later.
    async fn admins(&self, org: &OrgId) -> Result<Vec<String>, ContactsError>;
}

/// Sends warnings.
#[async_trait]
pub trait Notifier: Send + Sync + 'static {
    /// Sends a warning to its recipients. When this method returns `Ok`, the warning must have been sent. It is
    /// not sufficient to put the warning into a queue in memory.
    ///
    /// The [engine](crate::engine) drops the future if it takes too long, and tries again later.
    ///
    /// # Errors
    ///
    /// Returns a temporary error if a later attempt can succeed. The engine then tries again until the key
    /// expires. Returns a permanent error if the warning can never be sent. The engine then logs the error and
    /// does not try again.
    async fn notify(&self, warning: &ExpiryWarning) -> Result<(), NotifyError>;
}

/// A warning that a key expires soon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiryWarning {
    /// The organization that owns the key.
    pub org: OrgId,
    /// The key's id.
    pub key: KeyId,
    /// The name that an administrator gave the key. The name can contain all printable characters, including
    /// those that must be escaped in HTML and in e-mail headers.
    pub name: KeyName,
    /// The beginning of the key's secret: its prefix, `_` and the next four characters, such as
    /// `acme_live_7Hc3`.
    pub display_prefix: String,
    /// The time from which the key is refused.
    pub expires_at: Timestamp,
    /// How long before the expiration the warning became due. The value is one of the [`WarningPeriods`].
    pub period: Duration,
    /// The e-mail addresses of the organization's administrators. The list is not empty.
    pub recipients: Vec<String>,
}

impl ExpiryWarning {
    /// Creates a warning.
    #[must_use]
    pub fn new(
        org: OrgId,
        (key, name, display_prefix): (KeyId, KeyName, String),
        expires_at: Timestamp,
        period: Duration,
        recipients: Vec<String>,
    ) -> Self {
        Self { org, key, name, display_prefix, expires_at, period, recipients }
    }

    /// Returns the id of the warning. The id consists of the key's id, the expiration and the period. An example is
    /// `aiaaaaaaaaaaaaaaaaaaaaaaaa.1893456000000000.604800000000`. The characters of the id are `a-z`, `0-9`, `-`
    /// and `.`. If the same warning is sent twice, both messages have the same id.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.key, self.expires_at.as_micros(), self.period.as_micros())
    }
}

/// The error returned when a warning could not be sent.
#[derive(Debug)]
pub struct NotifyError {
    temporary: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl NotifyError {
    /// Creates a temporary error, which means that a later attempt can succeed. An example is a mail server that
    /// cannot be reached.
    #[must_use]
    pub fn temporary(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { temporary: true, source: source.into() }
    }

    /// Creates a permanent error, which means that the warning can never be sent. An example is a mail server
    /// that refuses all recipients permanently.
    #[must_use]
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { temporary: false, source: source.into() }
    }

    /// Returns whether a later attempt can succeed.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.temporary
    }
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.temporary {
            "the warning could not be sent now"
        } else {
            "the warning cannot be sent"
        })
    }
}

impl Error for NotifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The settings of the warnings that are sent before keys expire.
///
/// ```
/// use std::time::Duration;
/// use apikeys_core::{ApiKeys, MemoryStore, OrgId};
/// use apikeys_core::warning::{
///     Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError, WarningPeriods,
/// };
///
/// struct Accounts;
///
/// #[async_trait::async_trait]
/// impl Contacts for Accounts {
///     async fn admins(&self, org: &OrgId) -> Result<Vec<String>, ContactsError> {
///         Ok(vec![format!("admin@{}.example", org.as_str())])
///     }
/// }
///
/// struct Printer;
///
/// #[async_trait::async_trait]
/// impl Notifier for Printer {
///     async fn notify(&self, warning: &ExpiryWarning) -> Result<(), NotifyError> {
///         println!("to {:?}: the key {} expires at {}", warning.recipients, warning.name, warning.expires_at);
///         Ok(())
///     }
/// }
///
/// # pollster::block_on(async {
/// let day = Duration::from_secs(86_400);
/// let warnings = ExpiryWarnings::new(Printer, Accounts).periods(WarningPeriods::new([30 * day, 7 * day])?);
/// let (keys, maintenance) =
///     ApiKeys::builder(MemoryStore::new()).expiry_warnings(warnings).build().await?;
/// # drop((keys, maintenance));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "pass the settings to `expiry_warnings` of the builder"]
pub struct ExpiryWarnings {
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) contacts: Arc<dyn Contacts>,
    pub(crate) periods: WarningPeriods,
    claim_timeout: Duration,
}

impl ExpiryWarnings {
    /// Creates the settings. By default, administrators are warned 7 days before a key expires.
    pub fn new(notifier: impl Notifier, contacts: impl Contacts) -> Self {
        Self {
            notifier: Arc::new(notifier),
            contacts: Arc::new(contacts),
            periods: WarningPeriods::default(),
            claim_timeout: Duration::from_secs(300),
        }
    }

    /// Sets the times before the expiration of a key at which its administrators are warned. If several warnings
    /// for a key are due at the same time, only the warning with the shortest period is sent.
    pub fn periods(mut self, periods: WarningPeriods) -> Self {
        self.periods = periods;
        self
    }

    /// Sets how long other instances wait for an instance that has begun to send a warning. If that instance
    /// crashes, another instance sends the warning after this time. The minimum is 2 s, and the default is 5
    /// minutes.
    ///
    /// The timeout is at most half of the shortest of the [`periods`](Self::periods), so that another instance has time
    /// left to send the warning. A longer timeout is shortened. An instance ends an attempt to send a warning after half of the
    /// timeout, and tries again later.
    pub fn claim_timeout(mut self, timeout: Duration) -> Self {
        self.claim_timeout = timeout.max(Duration::from_secs(2));
        self
    }

    /// Returns how long a claim lasts.
    pub(crate) fn claim_lasts(&self) -> Duration {
        self.claim_timeout.min(self.periods.shortest() / 2)
    }
}

impl fmt::Debug for ExpiryWarnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiryWarnings")
            .field("periods", &self.periods)
            .field("claim_timeout", &self.claim_timeout)
            .finish_non_exhaustive()
    }
}
