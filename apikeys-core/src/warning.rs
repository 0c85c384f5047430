//! E-mails before a key expires: who receives them, how they are sent, and when.
//!
//! By default, the engine passes an [`ExpiryWarning`] to a [`Notifier`] seven days before a key expires. The
//! notifier sends the warning to the administrators of the key's organization. [`Contacts`] returns their
//! addresses. Pass both to the builder as [`ExpiryWarnings`]. The crate `apikeys-mail` has a notifier that sends e-mails.
//!
//! The [`Maintenance`](crate::Maintenance) sends the warnings. If several instances use one store, one of
//! them sends each warning. A warning is sent twice only if an instance crashes, or is shut down without
//! success, after it has sent the warning and before the store has recorded that. Both messages then have the
//! same [`id`](ExpiryWarning::id).
//!
//! No warning is sent for a key that is deactivated, expired or deleted, and none for a key whose expiration
//! was set when less than seven days were left. If the expiration is changed, a warning is sent for the
//! new time.

mod notify;
mod periods;

pub use notify::{Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError};
pub use periods::WarningPeriods;
