//! Warnings before a key expires: who receives them, how they are sent, and when.
//!
//! No warnings are sent until you set a [`Notifier`] and [`Contacts`]. The notifier sends a warning to the
//! administrators of the key's organization, and [`Contacts`] returns their addresses. Pass both to the builder
//! in [`ExpiryWarnings`], with [`expiry_warnings`](crate::engine::Builder::expiry_warnings). The crate
//! `apikeys-mail` has a notifier that sends e-mails. A warning is sent seven days before a key expires, unless
//! you set other [periods](WarningPeriods).
//!
//! The [`Maintenance`](crate::Maintenance) sends the warnings. If several instances use one store, one of them
//! sends each warning. A warning can be sent twice if the store does not record that the warning was sent, for
//! example because the instance crashes just after sending the warning, or because the store is unavailable for
//! several minutes. Both messages then have the same [`id`](ExpiryWarning::id).
//!
//! No warning is sent for a key that is deactivated, expired or deleted. With a period of seven days, no warning is
//! sent if less than seven days were left when the key's expiration was set. If the expiration is changed, a
//! warning is sent for the new expiration.

mod notify;
mod periods;

pub use notify::{Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError};
pub use periods::WarningPeriods;
