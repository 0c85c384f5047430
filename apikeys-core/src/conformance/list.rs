use std::{fmt, pin::Pin};

use super::{AnyHarness, Harness};

/// Defines one `#[test]` for each requirement. The tests run on the store that the given
/// [`Harness`](crate::conformance::Harness) opens. The requirements are in groups, such as `keys` and
/// `quota`, and each group gets a module.
///
/// Call this macro in a module of its own, and import the harness into that module with `use`, as in the
/// example of [`conformance`](crate::conformance). A path that begins with `super::` does not work as the
/// argument, because the tests are in child modules of the calling module.
///
/// An attribute before the harness applies to each test. An example for a store that needs a server is
/// `conformance_tests!(#[ignore = "needs a server"] Harness)`.
#[macro_export]
macro_rules! conformance_tests {
    (#[$attribute:meta] $harness:expr $(,)?) => {
        $crate::__conformance_requirements! { tests ([#[$attribute]] $harness) }
    };
    ($harness:expr $(,)?) => {
        $crate::__conformance_requirements! { tests ([] $harness) }
    };
}

/// The list of all requirements. This macro is private and may change.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_requirements {
    ($then:ident $with:tt) => {
        $crate::__conformance_requirements! { @$then $with
            keys {
                created_key_is_found_by_its_secret
                key_is_read_with_every_field_as_stored
                key_times_are_stored_from_the_first_to_the_last_timestamp
                key_name_with_any_unicode_is_stored_unchanged
                key_settings_are_stored_byte_for_byte
                rate_limits_from_1_to_10_000_are_stored_unchanged
                key_of_another_organization_does_not_exist
                organizations_with_similar_ids_are_distinct
                keys_are_listed_newest_first
                pages_of_keys_repeat_and_skip_no_key_while_keys_change
                update_is_visible_once_it_has_returned
                update_from_an_old_version_is_refused
                concurrent_updates_from_one_version_succeed_exactly_once
                deleted_key_is_not_found
                update_concurrent_with_a_deletion_does_not_restore_the_key
                creation_with_an_id_in_use_is_rejected
            }
            secrets {
                secret_is_found_by_one_of_several_locators
                unknown_locators_find_no_secret
                locators_with_a_different_scheme_or_byte_are_distinct
                secret_that_has_ended_is_found
                update_adds_and_removes_secrets
                update_keeps_other_secrets
                locator_in_use_is_refused
                concurrent_creations_with_one_locator_succeed_exactly_once
                scheme_is_returned_while_a_secret_has_it
                schemes_after_concurrent_changes_are_those_of_the_secrets
            }
            quota {
                concurrent_creations_with_room_for_one_succeed_exactly_once
                concurrent_creations_for_a_new_organization_do_not_exceed_the_quota
                concurrent_creations_without_a_quota_all_succeed
                key_count_after_concurrent_creations_and_deletions_is_exact
                creation_beyond_the_quota_returns_the_key_count_and_writes_nothing
                keys_of_every_status_count
                deletion_makes_room_for_a_creation
                refused_creation_does_not_increase_the_key_count
                plan_is_checked_before_the_quota
                creation_concurrent_with_a_downgrade_precedes_it_or_is_refused
            }
            changes {
                repeated_change_returns_the_same_result_and_writes_nothing
                change_repeated_concurrently_is_made_once
                last_10_000_changes_are_remembered
                revision_increases_with_each_committed_change
                concurrent_changes_get_different_revisions
                refused_change_writes_nothing
                change_with_an_event_that_cannot_be_stored_is_not_made
                committed_change_has_all_its_events_in_the_log
            }
            recording {
                repeated_batch_is_recorded_once
                batch_repeated_concurrently_is_recorded_once
                batch_of_an_unknown_writer_is_not_recorded
                writer_opened_again_keeps_its_sequence
                batch_after_a_gap_in_the_sequence_is_rejected
                writers_have_independent_sequences
                concurrent_writers_lose_no_request
                counters_count_answered_and_aborted_requests
                last_used_time_is_stored_from_the_first_to_the_last_timestamp
                denied_and_started_requests_change_no_counter
                count_is_added_to_the_event_in_the_log
                counts_added_concurrently_add_up
                events_of_deleted_keys_are_kept
                deletion_concurrent_with_a_batch_loses_no_event
                events_of_unknown_keys_are_dropped_and_the_others_are_kept
                events_without_a_key_are_kept
                batch_with_an_event_that_cannot_be_stored_is_rejected
                large_batch_is_recorded_as_one_batch
                recording_and_updating_do_not_affect_each_other
            }
            audit {
                event_is_read_with_every_field_as_written
                events_of_every_kind_are_read_as_written
                generated_request_id_is_read_as_the_same_text
                log_is_read_newest_first
                log_contains_only_events_of_its_organization
                log_is_filtered_by_key_action_and_time
                filtered_log_is_the_same_for_every_page_size
                last_page_has_no_cursor
                pages_of_the_log_repeat_and_skip_no_event_while_events_arrive
                events_have_the_current_name_of_their_key
            }
            usage {
                usage_is_counted_by_hour_and_day
                hours_and_days_are_exact_to_the_microsecond
                usage_is_counted_before_1970_and_at_the_first_and_last_timestamp
                usage_contains_only_the_queried_time_span
                usage_of_a_missing_or_other_organizations_key_is_empty
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
                batch_after_forgetting_is_neither_recorded_nor_counted
                events_without_a_key_after_forgetting_are_kept
                change_decided_before_forgetting_is_refused
                change_decided_before_forgetting_is_refused_by_a_new_organization
                organization_keeps_its_number_until_it_is_forgotten
                forgetting_an_organization_that_is_not_stored_is_not_found
                forgetting_concurrent_with_other_writes_leaves_only_its_event
            }
            warnings {
                due_key_is_claimed_once_until_the_claim_ends
                concurrent_claims_claim_each_key_once
                claim_checks_a_limited_number_of_keys
                only_active_keys_within_a_period_are_due
                key_is_claimed_when_it_becomes_due
                shortest_due_period_is_claimed
                changed_periods_apply_within_a_day
                sent_warning_is_recorded_once
                warning_finished_concurrently_is_recorded_once
                warning_that_was_given_up_writes_no_event
                warning_finished_after_its_claim_ended_is_recorded
                warning_finished_late_does_not_end_another_claim
                postponed_warning_is_due_at_the_given_time
                changed_expiration_is_due_again
                key_updated_during_a_claim_is_not_claimed_twice
                reactivated_key_is_due_if_no_warning_was_sent
                deleted_key_is_not_due_and_keeps_its_event
                keys_of_a_forgotten_organization_are_not_due
                warnings_concurrent_with_updates_are_sent_once
            }
            coherence {
                registered_instance_has_applied_the_latest_revision
                repeated_registration_changes_nothing
                poll_returns_what_each_change_has_changed
                poll_reports_changes_that_it_cannot_return
                instance_is_behind_until_it_acknowledges_the_revision
                behind_returns_the_lease_of_each_instance
                fence_removes_only_listed_instances_that_are_behind
                instance_that_left_has_no_row
                polls_concurrent_with_changes_miss_no_change
                hint_returns_if_there_is_a_later_revision
            }
        }
    };
    (@tests ($attributes:tt $harness:expr) $($group:ident { $($requirement:ident)* })*) => {$(
        mod $group {
            #[allow(unused_imports, reason = "the expression may name what is around the macro")]
            use super::*;

            $(
                $crate::__conformance_requirements! { @test $attributes $group $requirement ($harness) }
            )*
        }
    )*};
    (@test [$($attributes:tt)*] $group:ident $requirement:ident ($harness:expr)) => {
        #[test]
        $($attributes)*
        fn $requirement() {
            $crate::conformance::check(stringify!($group), stringify!($requirement), &$harness);
        }
    };
    (@list () $($group:ident { $($requirement:ident)* })*) => {
        vec![$($(
            $crate::conformance::Requirement {
                group: stringify!($group),
                name: stringify!($requirement),
                check: |harness| Box::pin($crate::conformance::$group::$requirement(harness)),
            },
        )*)*]
    };
}

type Checking<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A requirement of the suite, with its test.
pub struct Requirement {
    group: &'static str,
    name: &'static str,
    check: fn(&dyn AnyHarness) -> Checking<'_>,
}

/// Returns all requirements of the suite.
#[must_use]
pub fn requirements() -> Vec<Requirement> {
    __conformance_requirements! { list () }
}

/// Tests one requirement, for the tests that the macro defines. The requirement is looked up by its name,
/// because a test that called the requirement's function would compile the function again for each store.
#[doc(hidden)]
pub fn check(group: &str, name: &str, harness: &impl Harness) {
    let requirement =
        requirements().into_iter().find(|requirement| requirement.group == group && requirement.name == name);
    requirement.expect("a requirement in the list").check(harness);
}

impl Requirement {
    /// Returns the name of the requirement's group, such as `quota`.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// Returns the name of the requirement, such as `deleted_key_is_not_found`.
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

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}
