//! The SQL of all statements on tables of the store in MySQL and MariaDB. The test in `plans` counts the rows that the
//! operations read on large tables.

mod audit;
mod changes;
mod columns;
mod keys;
mod orgs;
mod purge;
mod record;
mod secrets;
mod usage;
mod verification;
mod warnings;

use crate::statements::{ReadStatement, WriteStatement, common};

pub(super) use self::{
    changes::{ADD as ADD_CHANGE, DELETE_OLD as DELETE_OLD_CHANGE, NEXT_REVISION},
    orgs::NUMBERS as ORG_NUMBERS,
    purge::{LATE_EVENTS as PURGE_LATE_EVENTS, RARE_EVENTS as PURGE_RARE_EVENTS},
    record::{
        APPEND, APPEND_COUNTS, APPEND_LATE, APPEND_RARE, COUNTERS, DELETED_KEYS, LOCK_COUNTERS, STORED_KEYS,
        USAGE, WRITER,
    },
};

/// Returns the text of a statement.
pub(super) const fn read(statement: ReadStatement) -> &'static str {
    match statement {
        ReadStatement::FindOne => verification::FIND_ONE,
        ReadStatement::FindEight => verification::FIND_EIGHT,
        ReadStatement::Schemes => common::SCHEMES,
        ReadStatement::Poll => changes::POLL,
        ReadStatement::InstancesBehind => common::INSTANCES_BEHIND,
        ReadStatement::Revision => changes::LATEST_REVISION,
        ReadStatement::Org => common::ORG,
        ReadStatement::Key => keys::KEY,
        ReadStatement::KeysOfOrg => keys::KEYS_OF_ORG,
        ReadStatement::KeysOfAll => keys::KEYS_OF_ALL,
        ReadStatement::Usage => usage::USAGE,
        ReadStatement::AuditOfOrg => audit::ORG,
        ReadStatement::AuditOfOrgAndTime => audit::ORG_AND_TIME,
        ReadStatement::AuditOfKey => audit::KEY,
        ReadStatement::AuditOfKeyAndTime => audit::KEY_AND_TIME,
        ReadStatement::RareOfOrg => audit::RARE_OF_ORG,
        ReadStatement::RareOfOrgAndTime => audit::RARE_OF_ORG_AND_TIME,
        ReadStatement::RareOfKey => audit::RARE_OF_KEY,
        ReadStatement::RareOfKeyAndTime => audit::RARE_OF_KEY_AND_TIME,
    }
}

/// Returns the text of a statement.
pub(super) const fn write(statement: WriteStatement) -> &'static str {
    match statement {
        WriteStatement::LockOrg => orgs::LOCK,
        WriteStatement::AddOrg => orgs::ADD,
        WriteStatement::AddKeyToOrg => common::ADD_KEY_TO_ORG,
        WriteStatement::RemoveKeyFromOrg => common::REMOVE_KEY_FROM_ORG,
        WriteStatement::SetPlan => common::SET_PLAN,
        WriteStatement::DeleteOrg => common::DELETE_ORG,
        WriteStatement::AddForgotten => common::ADD_FORGOTTEN,
        WriteStatement::RevisionOfChange => common::REVISION_OF_CHANGE,
        WriteStatement::LatestRevision => changes::LATEST_REVISION,
        WriteStatement::AddInstance => changes::ADD_INSTANCE,
        WriteStatement::AppliedByInstance => common::APPLIED_BY_INSTANCE,
        WriteStatement::Acknowledge => changes::ACKNOWLEDGE,
        WriteStatement::FenceInstance => common::FENCE_INSTANCE,
        WriteStatement::DeleteInstance => common::DELETE_INSTANCE,
        WriteStatement::DeletedKey => common::DELETED_KEY,
        WriteStatement::AddKey => common::ADD_KEY,
        WriteStatement::AddCounter => common::ADD_COUNTER,
        WriteStatement::KeyVersion => common::KEY_VERSION,
        WriteStatement::UpdateKey => common::UPDATE_KEY,
        WriteStatement::KeyCreatedAt => common::KEY_CREATED_AT,
        WriteStatement::AddTombstone => common::ADD_TOMBSTONE,
        WriteStatement::DeleteCounter => common::DELETE_COUNTER,
        WriteStatement::DeleteKey => common::DELETE_KEY,
        WriteStatement::Hours => usage::HOURS,
        WriteStatement::DeleteUsageOfKey => usage::DELETE_OF_KEY,
        WriteStatement::AddDeletedUsage => common::ADD_DELETED_USAGE,
        WriteStatement::AddSecret => secrets::ADD,
        WriteStatement::AddToScheme => secrets::ADD_TO_SCHEME,
        WriteStatement::RemoveFromScheme => common::REMOVE_FROM_SCHEME,
        WriteStatement::RemoveKeyFromSchemes => secrets::REMOVE_KEY_FROM_SCHEMES,
        WriteStatement::DeleteSecret => common::DELETE_SECRET,
        WriteStatement::DeleteForgottenSecret => secrets::DELETE_FORGOTTEN,
        WriteStatement::DeleteSecretsOfKey => common::DELETE_SECRETS_OF_KEY,
        WriteStatement::OpenWriter => record::OPEN_WRITER,
        WriteStatement::DeleteOldWriters => common::DELETE_OLD_WRITERS,
        WriteStatement::WriterSequence => record::WRITER_SEQUENCE,
        WriteStatement::CheckSoon => warnings::CHECK_SOON,
        WriteStatement::DueWarnings => warnings::DUE,
        WriteStatement::SetNextCheck => common::SET_NEXT_CHECK,
        WriteStatement::OwnedKey => warnings::OWNED_KEY,
        WriteStatement::Event => warnings::EVENT,
        WriteStatement::SentWarning => warnings::SENT,
        WriteStatement::SetSentWarning => common::SET_SENT_WARNING,
        WriteStatement::PostponeWarning => common::POSTPONE_WARNING,
        WriteStatement::DeleteWarning => common::DELETE_WARNING,
        WriteStatement::LockPurge => purge::LOCK,
        WriteStatement::FirstForgotten => common::FIRST_FORGOTTEN,
        WriteStatement::SchemesOfPurge => purge::SCHEMES,
        WriteStatement::PurgeSecrets => purge::SECRETS,
        WriteStatement::PurgeCounters => purge::COUNTERS,
        WriteStatement::PurgeWarnings => purge::WARNINGS,
        WriteStatement::PurgeKeys => purge::KEYS,
        WriteStatement::PurgeTombstones => purge::TOMBSTONES,
        WriteStatement::NextHour => common::NEXT_HOUR,
        WriteStatement::PurgeUsage => purge::USAGE,
        WriteStatement::SetForgottenHour => common::SET_FORGOTTEN_HOUR,
        WriteStatement::PurgeEvents => purge::EVENTS,
        WriteStatement::DeleteForgotten => common::DELETE_FORGOTTEN,
        WriteStatement::FirstDeletedUsage => common::FIRST_DELETED_USAGE,
        WriteStatement::SetDeletedUsageHour => common::SET_DELETED_USAGE_HOUR,
        WriteStatement::DeleteDeletedUsage => common::DELETE_DELETED_USAGE,
    }
}
