use apikeys_core::{Actor, OrgId};

/// Who is logged in, as the host's own login found it: an administrator of one organization.
///
/// Everything a call can see or change belongs to `org`; nothing in a request can name another.
/// `actor` is who the audit log says it was. With axum, put it into the request's extensions in a
/// middleware of the host's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admin {
    /// The organization whose keys are managed.
    pub org: OrgId,
    /// Who manages them.
    pub actor: Actor,
}

impl Admin {
    /// An administrator of `org`.
    #[must_use]
    pub const fn new(org: OrgId, actor: Actor) -> Self {
        Self { org, actor }
    }
}
