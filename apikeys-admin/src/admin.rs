use apikeys_core::{Actor, OrgId};

/// An administrator of one organization, as the host's own login identified them.
///
/// A call sees and changes only what belongs to `org`; a request cannot name another organization.
/// The audit log records `actor` with every change. On axum and actix-web, a middleware of the host
/// puts this value into the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admin {
    /// The organization whose keys are managed.
    pub org: OrgId,
    /// The person or program that the audit log names.
    pub actor: Actor,
}

impl Admin {
    /// Creates an administrator of `org` whom the audit log calls `actor`.
    #[must_use]
    pub const fn new(org: OrgId, actor: Actor) -> Self {
        Self { org, actor }
    }
}
