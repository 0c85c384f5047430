//! The names of the statements that every database has. Each database has a text for each of them.
//!
//! In a text, `?1` is the first argument. The docs of a statement say which arguments it has, if the order is not
//! obvious from its only use.

pub(crate) mod common;

macro_rules! statements {
    ($(#[$doc:meta])* $enum:ident { $($name:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $enum {
            $($name,)*
        }

        impl $enum {
            /// All statements of this enum.
            #[allow(dead_code, reason = "not every database needs the list")]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

statements! {
    /// A statement that reads outside a write transaction.
    ReadStatement {
        FindOne,
        FindEight,
        Schemes,
        Poll,
        InstancesBehind,
        Revision,
        Org,
        Key,
        KeysOfOrg,
        KeysOfAll,
        Usage,
        AuditOfOrg,
        AuditOfOrgAndTime,
        AuditOfKey,
        AuditOfKeyAndTime,
        RareOfOrg,
        RareOfOrgAndTime,
        RareOfKey,
        RareOfKeyAndTime,
    }
}

statements! {
    /// A statement of a write transaction.
    WriteStatement {
        LockOrg,
        AddOrg,
        AddKeyToOrg,
        RemoveKeyFromOrg,
        SetPlan,
        DeleteOrg,
        AddForgotten,

        RevisionOfChange,
        LatestRevision,

        AddInstance,
        AppliedByInstance,
        Acknowledge,
        FenceInstance,
        DeleteInstance,

        DeletedKey,
        AddKey,
        AddCounter,
        KeyVersion,
        UpdateKey,
        KeyCreatedAt,
        AddTombstone,
        DeleteCounter,
        DeleteKey,

        Hours,
        DeleteUsageOfKey,
        AddDeletedUsage,

        AddSecret,
        AddToScheme,
        RemoveFromScheme,
        RemoveKeyFromSchemes,
        DeleteSecret,
        DeleteForgottenSecret,
        DeleteSecretsOfKey,

        OpenWriter,
        DeleteOldWriters,
        WriterSequence,

        CheckSoon,
        DueWarnings,
        SetNextCheck,
        OwnedKey,
        Event,
        SentWarning,
        SetSentWarning,
        PostponeWarning,
        DeleteWarning,

        LockPurge,
        FirstForgotten,
        SchemesOfPurge,
        PurgeSecrets,
        PurgeCounters,
        PurgeWarnings,
        PurgeKeys,
        PurgeTombstones,
        NextHour,
        PurgeUsage,
        SetForgottenHour,
        PurgeEvents,
        DeleteForgotten,
        FirstDeletedUsage,
        SetDeletedUsageHour,
        DeleteDeletedUsage,
    }
}
