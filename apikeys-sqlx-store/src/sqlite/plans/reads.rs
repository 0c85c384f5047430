//! The expected query plans of reads.

use crate::statements::ReadStatement;

/// Returns the lines of the statement's plan that are not a search in an index. A comment says why each line is
/// harmless. The match has no wildcard, so that a new statement must be added here.
pub(super) const fn harmless(statement: ReadStatement) -> &'static [&'static str] {
    /// Late events, which are few, are sorted before they are selected. The two selections of at most one page
    /// each are sorted before they are merged.
    const WITH_LATE: &[&str] =
        &["USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR ORDER BY"];
    match statement {
        ReadStatement::FindOne
        | ReadStatement::Org
        | ReadStatement::Key
        | ReadStatement::KeysOfOrg
        | ReadStatement::KeysOfAll
        | ReadStatement::AuditOfOrg
        | ReadStatement::RareOfOrg
        | ReadStatement::RareOfKey => &[],
        // The rows of one page are sorted.
        ReadStatement::AuditOfKey => &["USE TEMP B-TREE FOR ORDER BY"],
        ReadStatement::Revision => &[],
        // One row, to which the changes are joined.
        ReadStatement::Poll => &["SCAN CONSTANT ROW", "SCAN one"],
        // The table has one row for each running process.
        ReadStatement::InstancesBehind => &["SCAN apikeys_instances"],
        // The filter contains the eight locators.
        ReadStatement::FindEight => &["CREATE BLOOM FILTER"],
        // The table has one row for each scheme, so its size is the number of peppers.
        ReadStatement::Schemes => &["SCAN apikeys_schemes"],
        // A year has 8,760 hours, and each next hour is found by the primary key.
        ReadStatement::Usage => &["SCAN hours", "SCAN hours", "USE TEMP B-TREE FOR ORDER BY"],
        ReadStatement::AuditOfOrgAndTime
        | ReadStatement::AuditOfKeyAndTime
        | ReadStatement::RareOfOrgAndTime
        | ReadStatement::RareOfKeyAndTime => WITH_LATE,
    }
}

/// Returns the searches that the statement must use, with the bounds of each search.
pub(super) const fn searches(statement: ReadStatement) -> &'static [&'static str] {
    const LATE: &str = "p USING INDEX apikeys_audit_late (org=? AND at>? AND at<?)";
    match statement {
        ReadStatement::FindOne
        | ReadStatement::FindEight
        | ReadStatement::Schemes
        | ReadStatement::Org
        | ReadStatement::Key
        | ReadStatement::InstancesBehind => &[],
        ReadStatement::Revision => &["apikeys_changes"],
        ReadStatement::Poll => &["i USING PRIMARY KEY (id=?)", "apikeys_changes"],
        ReadStatement::KeysOfOrg => &["k USING INDEX apikeys_keys_by_org (org=? AND id<?)"],
        ReadStatement::KeysOfAll => &["k USING PRIMARY KEY (id<?)"],
        ReadStatement::Usage => {
            &["apikeys_usage USING PRIMARY KEY (hour>?)", "u USING PRIMARY KEY (hour=? AND org=? AND key=?)"]
        }
        ReadStatement::AuditOfOrg => &["p USING INDEX apikeys_audit_by_org (org=? AND id<?)"],
        ReadStatement::AuditOfOrgAndTime => {
            &["p USING INDEX apikeys_audit_by_org (org=? AND id>? AND id<?)", LATE]
        }
        ReadStatement::AuditOfKey => &[
            "s USING PRIMARY KEY (key=? AND first<?)",
            "p USING INDEX apikeys_audit_by_org (org=? AND id>? AND id<?)",
        ],
        ReadStatement::AuditOfKeyAndTime => &[
            "s USING PRIMARY KEY (key=? AND first>? AND first<?)",
            "p USING INDEX apikeys_audit_by_org (org=? AND id>? AND id<?)",
            LATE,
        ],
        ReadStatement::RareOfOrg => &["INDEX apikeys_audit_by_action (org=? AND action=? AND id<?)"],
        ReadStatement::RareOfOrgAndTime => {
            &["INDEX apikeys_audit_by_action (org=? AND action=? AND id>? AND id<?)", LATE]
        }
        ReadStatement::RareOfKey => &["INDEX apikeys_audit_by_key_and_action (key=? AND action=? AND id<?)"],
        ReadStatement::RareOfKeyAndTime => {
            &["INDEX apikeys_audit_by_key_and_action (key=? AND action=? AND id>? AND id<?)", LATE]
        }
    }
}
