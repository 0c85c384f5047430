use apikeys_core::{Actor, OrgId};

/// An administrator of one organization, whom your service's login has identified.
///
/// Requests of the administrator can read and change only what belongs to `org`. The audit log records `actor`
/// with each change. On axum and actix-web, a middleware of your service inserts the `Admin` into the
/// extensions of each request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admin {
    /// The organization whose keys the administrator manages.
    pub org: OrgId,
    /// The name of the administrator in the audit log.
    pub actor: Actor,
}

impl Admin {
    /// Creates an administrator of `org` with the name `actor` in the audit log.
    #[must_use]
    pub const fn new(org: OrgId, actor: Actor) -> Self {
        Self { org, actor }
    }
}
