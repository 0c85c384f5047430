use std::{fmt, pin::Pin};

use super::{AnyHarness, Harness};

/// Defines a `#[test]` for each requirement, in one module for each group, for the store that the given
/// [`Harness`](crate::conformance::Harness) opens.
///
/// Call this macro in a module of its own. Each test evaluates the expression, in a child module that imports
/// all names of the calling module. Therefore import the harness into the calling module with `use`, and do
/// not refer to the harness with `super::`.
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr $(,)?) => {
        $crate::__conformance_promises! { tests ($harness) }
    };
}

/// The list of all requirements. This macro is private and may change.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_promises {
    ($then:ident $with:tt) => {
        $crate::__conformance_promises! { @$then $with
            keys {
                a_created_key_is_found_by_its_secret
                every_member_of_a_key_survives
                times_survive_from_the_first_to_the_last
                names_keep_any_unicode
                settings_are_kept_to_the_letter
                rate_limits_survive_from_1_to_10_000
                a_key_is_its_organization_s_alone
                organizations_that_look_alike_are_distinct
                keys_are_listed_newest_first
                pages_of_keys_hold_while_keys_come_and_go
                an_update_holds_at_once
                an_update_from_an_old_version_is_refused
                of_many_updates_at_once_exactly_one_is_done
                a_deleted_key_is_gone
                an_edit_beside_a_deletion_never_brings_the_key_back
                an_id_in_use_is_rejected
            }
            secrets {
                a_secret_is_found_among_several_candidates
                an_unknown_secret_finds_nothing
                locators_are_compared_whole
                a_secret_that_has_ended_is_found_with_its_end
                a_rotation_adds_a_secret_and_drops_another
                an_update_leaves_other_secrets_alone
                a_locator_in_use_is_refused
                of_many_keys_with_one_locator_exactly_one_is_created
                schemes_appear_and_disappear_with_their_secrets
                schemes_are_right_after_changes_at_once
            }
            quota {
                of_64_creations_at_once_exactly_one_takes_the_last_place
                creations_at_once_for_a_new_organization_keep_the_quota
                without_a_quota_every_creation_at_once_succeeds
                the_counter_is_right_after_creations_and_deletions_at_once
                a_full_quota_says_how_many_there_are_and_writes_nothing
                every_key_counts_whatever_its_status
                a_deletion_makes_room
                a_refused_creation_takes_no_place
                the_plan_is_checked_before_the_quota
                a_creation_beside_a_downgrade_is_before_it_or_refused
            }
            changes {
                a_repeated_change_answers_the_same_and_does_nothing_twice
                a_change_made_many_times_at_once_is_done_once
                the_last_10_000_changes_are_remembered
                the_revision_counts_the_changes_that_are_done
                changes_at_once_get_numbers_of_their_own
                a_refused_change_writes_nothing
                a_change_whose_event_cannot_be_stored_is_not_made
                a_change_brings_all_its_events
            }
            recording {
                a_batch_is_recorded_once
                a_batch_sent_many_times_at_once_is_recorded_once
                an_unknown_writer_records_nothing
                opening_a_writer_again_changes_nothing
                a_gap_in_the_sequence_is_rejected
                writers_have_sequences_of_their_own
                many_writers_at_once_lose_no_request
                counters_are_what_the_events_say
                last_used_times_survive_from_the_first_to_the_last
                denials_move_no_counter
                an_event_with_a_count_adds_to_the_one_on_the_log
                counts_added_at_once_add_up
                events_of_deleted_keys_are_kept
                a_deletion_beside_a_batch_loses_no_event
                events_of_unknown_keys_are_dropped_and_the_rest_is_kept
                events_without_a_key_are_kept
                a_batch_with_an_event_that_cannot_be_stored_is_rejected
                a_large_batch_is_one_batch
                recording_and_managing_leave_each_other_alone
            }
            audit {
                every_member_of_an_event_survives
                every_kind_of_event_survives
                request_ids_made_here_survive_as_text
                the_log_is_read_newest_first
                a_log_is_its_organization_s_alone
                the_log_is_filtered_as_asked
                every_filter_can_be_read_in_pages
                the_last_page_says_so
                pages_of_the_log_hold_while_events_arrive
                events_show_their_key_s_name_as_it_is_now
            }
            usage {
                usage_is_counted_by_hour_and_day
                hours_begin_and_end_to_the_microsecond
                usage_is_counted_before_1970_and_at_the_ends_of_time
                usage_is_read_for_the_span_that_is_asked_for
                usage_goes_with_its_key_and_organization
            }
            organizations {
                organization_without_changes_is_not_stored
                first_key_stores_its_organization
                plan_is_set_only_if_the_stored_plan_is_the_expected_one
                new_plan_is_found_with_every_key_at_once
                concurrent_changes_of_one_plan_succeed_exactly_once
                creation_is_refused_if_the_stored_plan_is_not_the_expected_one
            }
            forgetting {
                forgotten_organization_is_unreadable_before_and_after_the_purge
                purge_in_pieces_of_one_row_leaves_other_organizations_alone
                purge_that_was_dropped_is_continued_by_the_next
                concurrent_purges_remove_everything_once
                purge_without_a_forgotten_organization_removes_nothing
                forgotten_id_returns_as_a_new_organization
                batch_after_forgetting_is_dropped_with_its_counts
                events_without_a_key_after_forgetting_are_kept
                change_decided_before_forgetting_is_refused
                change_decided_before_forgetting_is_refused_by_a_new_organization
                organization_keeps_its_number_until_it_is_forgotten
                forgetting_an_organization_that_is_not_stored_is_not_found
                forgetting_beside_other_writes_leaves_nothing_behind
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
                    $crate::conformance::check(stringify!($group), stringify!($promise), &$harness);
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

type Checking<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A requirement of the suite, with its test.
pub struct Promise {
    group: &'static str,
    name: &'static str,
    check: fn(&dyn AnyHarness) -> Checking<'_>,
}

/// Returns all requirements of the suite.
#[must_use]
pub fn promises() -> Vec<Promise> {
    __conformance_promises! { list () }
}

/// Tests one requirement, for the tests that the macro defines. The requirement is looked up by its name,
/// because a test that called the requirement's function would compile the function again for each store.
#[doc(hidden)]
pub fn check(group: &str, name: &str, harness: &impl Harness) {
    let promise = promises().into_iter().find(|promise| promise.group == group && promise.name == name);
    promise.expect("a promise on the list").check(harness);
}

impl Promise {
    /// Returns the name of the requirement's group, such as `quota`.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// Returns the name of the requirement, such as `a_deleted_key_is_gone`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Tests the requirement on a new store.
    ///
    /// # Panics
    ///
    /// Panics if the store does not meet the requirement.
    pub fn check(&self, harness: &impl Harness) {
        harness.block_on((self.check)(harness));
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}
