use std::{fmt, pin::Pin};

use super::Harness;

/// Makes a `#[test]` of every promise, in one module for each group, for the store that the
/// given [`Harness`](crate::conformance::Harness) opens.
///
/// Put it into a module of its own. The expression is evaluated once in each test, one module
/// deeper than the macro stands.
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr $(,)?) => {
        $crate::__conformance_promises! { tests ($harness) }
    };
}

/// The one list of all promises. Private: its form may change.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_promises {
    ($then:ident $with:tt) => {
        $crate::__conformance_promises! { @$then $with
            keys {
                a_created_key_is_found_by_its_secret
            }
            quota {
                of_many_creations_at_once_exactly_as_many_succeed_as_there_is_room
            }
            changes {
                a_change_that_is_repeated_answers_the_same_and_does_nothing_twice
            }
        }
    };
    (@tests ($harness:expr) $($group:ident { $($promise:ident)* })*) => {$(
        mod $group {
            #[allow(unused_imports, reason = "the expression may name what is around the macro")]
            use super::*;

            $(
                #[test]
                fn $promise() {
                    let harness = $harness;
                    let test = $crate::conformance::$group::$promise(&harness);
                    $crate::conformance::Harness::block_on(&harness, test);
                }
            )*
        }
    )*};
    (@list () $($group:ident { $($promise:ident)* })*) => {
        vec![$($(
            $crate::conformance::Promise {
                group: stringify!($group),
                name: stringify!($promise),
                check: |harness| Box::pin($crate::conformance::$group::$promise(harness)),
            },
        )*)*]
    };
}

/// One promise of the suite.
pub struct Promise<H> {
    group: &'static str,
    name: &'static str,
    check: fn(&H) -> Pin<Box<dyn Future<Output = ()> + '_>>,
}

/// All promises, in the order of the list.
#[must_use]
pub fn promises<H: Harness>() -> Vec<Promise<H>> {
    __conformance_promises! { list () }
}

impl<H: Harness> Promise<H> {
    /// What it is about, as `quota`.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// What is promised, as `a_deleted_key_is_gone`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Checks the promise on a fresh store.
    ///
    /// # Panics
    ///
    /// When the store does not keep it.
    pub fn check(&self, harness: &H) {
        harness.block_on((self.check)(harness));
    }
}

impl<H> fmt::Debug for Promise<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}
