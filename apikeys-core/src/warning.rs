//! E-mails before a key expires: who receives them, how they are sent, and when.
//!
//! Seven days before a key expires, the engine passes an [`ExpiryWarning`] to a [`Notifier`], which sends the
//! warning to the administrators of the key's organization. [`Contacts`] returns their addresses. Pass both to
//! the builder as [`ExpiryWarnings`]. The crate `apikeys-mail` has a notifier that sends e-mails.
//!
//! The [`Maintenance`](crate::Maintenance) sends the warnings. If several instances use one store, one of them
//! sends each warning. A warning is sent twice only if an instance ends after the warning was sent and before
//! the store has recorded that. Both messages then have the same [`id`](ExpiryWarning::id).
//!
//! No warning is sent for a key that is deactivated, expired or deleted, nor for a key whose expiration was set
//! to a time that is closer than the warning period. If the expiration is changed, warnings are sent for the
//! new time.

mod notify;
mod periods;

pub use notify::{Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError};
pub use periods::WarningPeriods;
