//! All statements that read on connections other than the writer's.

use super::{find, list, log};

macro_rules! statements {
    ($($name:ident = $sql:expr,)*) => {
        /// A statement that reads.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Statement {
            $($name,)*
        }

        impl Statement {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            pub(super) const fn sql(self) -> &'static str {
                match self {
                    $(Self::$name => $sql,)*
                }
            }
        }
    };
}

statements! {
    FindOne = find::FIND_ONE,
    FindEight = find::FIND_EIGHT,
    Schemes = find::SCHEMES,
    Org = find::ORG,
    Key = list::KEY,
    KeysOfOrg = list::KEYS_OF_ORG,
    KeysOfAll = list::KEYS_OF_ALL,
    Usage = list::USAGE,
    AuditOfOrg = log::ORG,
    AuditOfOrgAndTime = log::ORG_AND_TIME,
    AuditOfKey = log::KEY,
    AuditOfKeyAndTime = log::KEY_AND_TIME,
    RareOfOrg = log::RARE_OF_ORG,
    RareOfOrgAndTime = log::RARE_OF_ORG_AND_TIME,
    RareOfKey = log::RARE_OF_KEY,
    RareOfKeyAndTime = log::RARE_OF_KEY_AND_TIME,
}
