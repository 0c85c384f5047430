use apikeys_core::{
    Denial, KeyPatch, ManageError, NewKey, PlanName, Timestamp,
    audit::Action,
    engine::TestKeyError,
    store::{AuditQuery, StoreErrorKind, UsageStep},
};

use crate::world::{World, org};

/// A call that a service can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Build,
    Verify,
    VerifyUnknown,
    Finish,
    Flush,
    Shutdown,
    Maintenance,
    Create,
    TestKey,
    List,
    Quota,
    Get,
    Update,
    /// An update to the values that the key has.
    UpdateNothing,
    Activate,
    Deactivate,
    Delete,
    Audit,
    Usage,
    SetPlan,
    PlanQuota,
    Forget,
    Keys,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Denied(Denial),
    /// The store failed with an error of this kind.
    Failed(StoreErrorKind),
    /// Audit events could not be written.
    Unwritten,
    /// A result that no fault may cause.
    Other(String),
}

impl Call {
    pub(crate) const ALL: [Self; 23] = [
        Self::Build,
        Self::Verify,
        Self::VerifyUnknown,
        Self::Finish,
        Self::Flush,
        Self::Shutdown,
        Self::Maintenance,
        Self::Create,
        Self::TestKey,
        Self::List,
        Self::Quota,
        Self::Get,
        Self::Update,
        Self::UpdateNothing,
        Self::Activate,
        Self::Deactivate,
        Self::Delete,
        Self::Audit,
        Self::Usage,
        Self::SetPlan,
        Self::PlanQuota,
        Self::Forget,
        Self::Keys,
    ];

    /// Returns the name of the public function that makes this call.
    pub(crate) const fn function(self) -> &'static str {
        match self {
            Self::Build => "Builder::build",
            Self::Verify | Self::VerifyUnknown => "ApiKeys::verify",
            Self::Finish => "Admission::finish",
            Self::Flush => "ApiKeys::flush",
            Self::Shutdown => "ApiKeys::shutdown",
            Self::Maintenance => "Maintenance::run",
            Self::Create => "KeyManager::create",
            Self::TestKey => "ApiKeys::test_key",
            Self::List => "KeyManager::list",
            Self::Quota => "KeyManager::quota",
            Self::Get => "KeyManager::get",
            Self::Update | Self::UpdateNothing => "KeyManager::update",
            Self::Activate => "KeyManager::activate",
            Self::Deactivate => "KeyManager::deactivate",
            Self::Delete => "KeyManager::delete",
            Self::Audit => "KeyManager::audit",
            Self::Usage => "KeyManager::usage",
            Self::SetPlan => "Operator::set_plan",
            Self::PlanQuota => "Operator::quota",
            Self::Forget => "Operator::forget",
            Self::Keys => "Operator::keys",
        }
    }

    /// Returns the result when nothing fails.
    pub(crate) const fn faultless(self) -> Answer {
        match self {
            Self::VerifyUnknown => Answer::Denied(Denial::Invalid),
            _ => Answer::Done,
        }
    }

    /// Returns the action of the audit event that records the call's change, or `None` if the call changes
    /// nothing.
    pub(crate) const fn action(self) -> Option<Action> {
        match self {
            Self::Create | Self::TestKey => Some(Action::KeyCreated),
            Self::Update => Some(Action::KeyUpdated),
            Self::Activate => Some(Action::KeyActivated),
            Self::Deactivate => Some(Action::KeyDeactivated),
            Self::Delete => Some(Action::KeyDeleted),
            Self::SetPlan => Some(Action::PlanChanged),
            Self::Forget => Some(Action::OrganizationForgotten),
            Self::Build
            | Self::Verify
            | Self::VerifyUnknown
            | Self::Finish
            | Self::Flush
            | Self::Shutdown
            | Self::Maintenance
            | Self::List
            | Self::Quota
            | Self::Get
            | Self::UpdateNothing
            | Self::Audit
            | Self::Usage
            | Self::PlanQuota
            | Self::Keys => None,
        }
    }

    /// Returns whether the call writes audit events of requests that have ended.
    pub(crate) const fn writes_the_log(self) -> bool {
        matches!(self, Self::Finish | Self::Flush | Self::Shutdown | Self::Maintenance)
    }

    /// Returns whether the key of the world works before and after the call.
    pub(crate) const fn keeps_the_key(self) -> bool {
        !matches!(self, Self::Activate | Self::Deactivate | Self::Delete | Self::Forget | Self::Shutdown)
    }

    /// Makes the calls that must precede this call.
    pub(crate) async fn prepare(self, world: &World) {
        if self == Self::Activate {
            world.make(Self::Deactivate).await;
        }
        if self == Self::Shutdown {
            // The maintenance registers the instance.
            world.register().await;
        }
        if matches!(self, Self::Flush | Self::Shutdown | Self::Maintenance) {
            // The verification leaves an event that is not written yet.
            assert_eq!(world.make(Self::Verify).await, Answer::Done);
        }
        if self == Self::Maintenance {
            world.add_key_that_expires_soon().await;
        }
    }

    /// Makes the call. The call ends only if the clock moves.
    pub(crate) async fn make(self, world: &World) -> Answer {
        let manage = world.keys.manage(org(), world.actor());
        let operator = world.keys.operator(world.actor());
        let key = world.key;
        let managed = |result: Result<(), ManageError>| match result {
            Ok(()) => Answer::Done,
            Err(ManageError::Store(error)) => Answer::Failed(error.kind()),
            Err(other) => Answer::Other(format!("{other:?}")),
        };
        match self {
            Self::Build => world.build().await,
            Self::Verify => world.verify(&world.secret).await,
            Self::VerifyUnknown => world.verify(&world.unknown).await,
            Self::Finish => world.verify_and_finish().await,
            Self::Flush => match world.keys.flush().await {
                Ok(()) => Answer::Done,
                Err(error) => Answer::Failed(error.kind()),
            },
            Self::Shutdown => match world.keys.shutdown().await {
                Ok(()) => Answer::Done,
                Err(_) => Answer::Unwritten,
            },
            Self::Maintenance => world.maintain().await,
            Self::Create => managed(manage.create(NewKey::new("second").unwrap()).await.map(drop)),
            Self::TestKey => match world.keys.test_key(org()).await {
                Err(TestKeyError::Manage(error)) => managed(Err(error)),
                Err(other) => Answer::Other(format!("{other:?}")),
                Ok(_) => Answer::Done,
            },
            Self::List => managed(manage.list(10, None).await.map(drop)),
            Self::Quota => managed(manage.quota().await.map(drop)),
            Self::Get => managed(manage.get(key).await.map(drop)),
            Self::Update => {
                let patch = KeyPatch::new().name("renamed".parse().unwrap());
                managed(manage.update(key, patch).await.map(drop))
            }
            Self::UpdateNothing => {
                let patch = KeyPatch::new().name("first".parse().unwrap());
                managed(manage.update(key, patch).await.map(drop))
            }
            Self::Activate => managed(manage.activate(key).await.map(drop)),
            Self::Deactivate => managed(manage.deactivate(key).await.map(drop)),
            Self::Delete => managed(manage.delete(key).await),
            Self::Audit => managed(manage.audit(AuditQuery::new(org(), 1)).await.map(drop)),
            Self::Usage => {
                let usage = manage.usage(key, Timestamp::MIN, Timestamp::MAX, UsageStep::Day);
                managed(usage.await.map(drop))
            }
            Self::SetPlan => {
                managed(operator.set_plan(&org(), &PlanName::new("professional").unwrap()).await)
            }
            Self::PlanQuota => managed(operator.quota(&org()).await.map(drop)),
            Self::Forget => managed(operator.forget(&org()).await),
            Self::Keys => managed(operator.keys(10, None).await.map(drop)),
        }
    }
}
