use super::KeyName;
use crate::{
    InvalidValue, Timestamp,
    audit::{Action, ChangeValue, Changes},
    rate_limit::RateLimit,
    store::KeyRow,
};

/// The description of a key to be created.
///
/// ```
/// use apikeys_core::{NewKey, RateLimit, Timestamp};
///
/// let key = NewKey::new("CI deploys")?
///     .expires_at("2031-01-01T00:00:00Z".parse::<Timestamp>()?)
///     .rate_limit(RateLimit::per_minute(600)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    pub(crate) name: KeyName,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) rate_limit: Option<RateLimit>,
}

impl NewKey {
    /// Creates the description of a key that never expires and has the rate limit of its plan.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidValue`] if `name` is a text that is not a valid [`KeyName`].
    pub fn new<N>(name: N) -> Result<Self, InvalidValue>
    where
        N: TryInto<KeyName>,
        InvalidValue: From<N::Error>,
    {
        Ok(Self::from(name.try_into()?))
    }

    /// Sets the time from which the key is refused. The time must be in the future when the key is created.
    #[must_use]
    pub fn expires_at(mut self, at: impl Into<Timestamp>) -> Self {
        self.expires_at = Some(at.into());
        self
    }

    /// Sets the key's own rate limit, in place of the plan's rate limit.
    #[must_use]
    pub const fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }
}

impl From<KeyName> for NewKey {
    fn from(name: KeyName) -> Self {
        Self { name, expires_at: None, rate_limit: None }
    }
}

/// Changes to a key. Values that are not set do not change.
///
/// ```
/// use apikeys_core::KeyPatch;
///
/// let patch = KeyPatch::new().name("CI (old)".parse()?).no_expiry().active(false);
/// # Ok::<(), apikeys_core::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPatch {
    pub(crate) name: Option<KeyName>,
    pub(crate) expires_at: Option<Option<Timestamp>>,
    pub(crate) rate_limit: Option<Option<RateLimit>>,
    pub(crate) active: Option<bool>,
}

impl KeyPatch {
    /// Creates a patch without changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Renames the key.
    #[must_use]
    pub fn name(mut self, name: KeyName) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the time from which the key is refused. The time must be in the future. A key that has expired works
    /// again after this change.
    #[must_use]
    pub fn expires_at(mut self, at: impl Into<Timestamp>) -> Self {
        self.expires_at = Some(Some(at.into()));
        self
    }

    /// Removes the expiration date, so that the key never expires.
    #[must_use]
    pub fn no_expiry(mut self) -> Self {
        self.expires_at = Some(None);
        self
    }

    /// Sets the key's own rate limit, in place of the plan's rate limit.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(Some(limit));
        self
    }

    /// Removes the key's own rate limit, so that the plan's rate limit applies.
    #[must_use]
    pub fn default_rate_limit(mut self) -> Self {
        self.rate_limit = Some(None);
        self
    }

    /// Activates or deactivates the key.
    #[must_use]
    pub const fn active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

impl KeyRow {
    /// Returns the row with `patch` applied, and the changes for the audit log. The changes are an update, an
    /// activation or deactivation, both, or none.
    pub(crate) fn patched(&self, patch: &KeyPatch, now: Timestamp) -> (Self, Vec<(Action, Changes)>) {
        let mut row = self.clone();
        let mut edits = Changes::new();
        if let Some(name) = &patch.name
            && *name != row.name
        {
            edits.set("name", text(&row.name), text(name));
            row.name = name.clone();
        }
        if let Some(expires_at) = patch.expires_at
            && expires_at != row.expires_at
        {
            edits.set("expires_at", row.expires_at.into(), expires_at.into());
            row.expires_at = expires_at;
            row.expiry_set_at = expires_at.map(|_| now);
        }
        if let Some(rate_limit) = patch.rate_limit
            && rate_limit != row.rate_limit
        {
            edits.set("rate_limit", row.rate_limit.into(), rate_limit.into());
            row.rate_limit = rate_limit;
        }
        let mut events = Vec::new();
        if !edits.is_empty() {
            events.push((Action::KeyUpdated, edits));
        }
        if let Some(active) = patch.active
            && active != row.active
        {
            let action = if active { Action::KeyActivated } else { Action::KeyDeactivated };
            events.push((action, Changes::one("active", row.active.into(), active.into())));
            row.active = active;
        }
        if !events.is_empty() {
            row.version += 1;
        }
        (row, events)
    }

    /// Returns the values of a new key for the audit log.
    pub(crate) fn creation(&self) -> Changes {
        let mut changes = Changes::one("name", ChangeValue::Null, text(&self.name));
        if self.expires_at.is_some() {
            changes.set("expires_at", ChangeValue::Null, self.expires_at.into());
        }
        if self.rate_limit.is_some() {
            changes.set("rate_limit", ChangeValue::Null, self.rate_limit.into());
        }
        changes
    }
}

fn text(name: &KeyName) -> ChangeValue {
    ChangeValue::Text(name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{Actor, KeyId, OrgId},
        key::Status,
    };

    fn row() -> KeyRow {
        let (org, actor) = (OrgId::new("o").unwrap(), Actor::new("a").unwrap());
        let name = KeyName::new("n").unwrap();
        KeyRow::new(KeyId::from_bytes([1; 16]), org, name, "ab_0123".into(), Timestamp::from_micros(1), actor)
    }

    const NOW: Timestamp = Timestamp::from_micros(50);

    #[test]
    fn patch_without_changes_makes_no_event_and_no_version() {
        let patch =
            KeyPatch::new().name(KeyName::new(" n ").unwrap()).no_expiry().default_rate_limit().active(true);
        assert_eq!(row().patched(&patch, NOW), (row(), vec![]));
    }

    #[test]
    fn patch_of_name_and_active_makes_two_events_of_one_version() {
        let patch = KeyPatch::new().name(KeyName::new("m").unwrap()).active(false);
        let (after, events) = row().patched(&patch, NOW);
        assert_eq!(
            events.iter().map(|(action, _)| action.clone()).collect::<Vec<_>>(),
            [Action::KeyUpdated, Action::KeyDeactivated]
        );
        assert_eq!(after.version, 2);
        let (name, from_to) = events[0].1.iter().next().unwrap();
        assert_eq!(name, "name");
        assert_eq!(
            (&from_to.from, &from_to.to),
            (&ChangeValue::Text("n".into()), &ChangeValue::Text("m".into()))
        );
    }

    #[test]
    fn expiry_set_at_changes_with_the_expiration_date_only() {
        let end = Timestamp::from_micros(100);
        let (dated, _) = row().patched(&KeyPatch::new().expires_at(end), NOW);
        assert_eq!((dated.expires_at, dated.expiry_set_at), (Some(end), Some(NOW)));
        let later = Timestamp::from_micros(60);
        let (renamed, _) =
            dated.patched(&KeyPatch::new().name(KeyName::new("m").unwrap()).expires_at(end), later);
        assert_eq!(renamed.expiry_set_at, Some(NOW));
        let (removed, _) = dated.patched(&KeyPatch::new().no_expiry(), later);
        assert_eq!((removed.expires_at, removed.expiry_set_at), (None, None));
    }

    #[test]
    fn status_is_deactivated_before_expired_and_expired_from_its_instant() {
        let mut key = row();
        key.expires_at = Some(Timestamp::from_micros(100));
        assert_eq!(key.status(Timestamp::from_micros(99)), Status::Active);
        assert_eq!(key.status(Timestamp::from_micros(100)), Status::Expired);
        key.active = false;
        assert_eq!(key.status(Timestamp::from_micros(100)), Status::Deactivated);
    }
}
