//! What every [`OutboxStore`](crate::outbox::OutboxStore) promises.

#![allow(clippy::missing_panics_doc, reason = "a promise that is broken panics, as the module above says")]

pub use self::{
    cancel::*, claim::*, endpoints::*, enqueue::*, failure_clock::*, health::*, history::*, hostile::*,
    keys::*, lists::*, names::*, redeliver::*, settle::*, tenants::*, turns::*,
};

mod cancel;
mod claim;
mod endpoints;
mod enqueue;
mod failure_clock;
mod health;
mod history;
mod hostile;
mod keys;
mod lists;
mod names;
mod redeliver;
mod settle;
mod steps;
mod tenants;
mod turns;

/// Makes a test of each promise of an [`OutboxStore`](crate::outbox::OutboxStore).
///
/// The expression gives the [`Harness`](crate::conformance::Harness), anew for each test, as with
/// [`idempotency_conformance!`](crate::idempotency_conformance).
#[macro_export]
macro_rules! outbox_conformance {
    ($harness:expr $(,)?) => {
        $crate::conformance_tests!(
            outbox,
            $harness,
            a_message_and_its_deliveries_are_seen_together,
            what_is_enqueued_is_listed_as_pending,
            a_message_comes_back_as_it_was_enqueued,
            a_batch_is_stored_whole_or_not_at_all,
            a_message_goes_to_the_endpoints_that_want_it,
            an_endpoint_is_given_what_comes_after_it,
            deliveries_of_a_disabled_endpoint_wait_until_it_is_enabled,
            a_message_that_is_due_later_waits,
            ids_sort_as_messages_were_enqueued,
            ids_are_unique,
            a_message_with_a_known_key_is_the_first_one,
            a_message_with_an_id_and_a_known_key_is_no_mistake,
            a_key_is_of_one_tenant,
            keys_are_compared_byte_by_byte,
            a_message_whose_key_no_store_keeps_is_refused,
            a_key_that_is_twice_in_a_batch_is_of_one_message,
            the_longest_names_are_kept_and_found,
            a_name_that_no_store_keeps_is_refused,
            of_many_messages_with_one_key_at_once_one_is_new,
            of_many_messages_with_one_id_and_key_at_once_one_is_new,
            adv_79_endpoints_take_turns_whatever_waits_for_one,
            with_fewer_places_than_endpoints_none_is_given_two,
            claims_with_fewer_places_than_endpoints_go_round,
            tenants_have_places_alike_however_many_endpoints_they_have,
            adv_79_a_tenant_with_many_endpoints_that_hang_holds_up_no_other,
            adv_79_who_comes_new_does_not_wait_for_what_others_have_left,
            a_limit_holds_over_all_claims,
            a_lease_that_has_ended_takes_no_room,
            of_many_workers_none_goes_beyond_a_limit,
            no_more_is_claimed_than_was_asked_for,
            the_longest_due_of_an_endpoint_comes_first,
            a_claim_gives_a_delivery_once_however_short_its_lease,
            what_is_claimed_is_listed_as_leased,
            attempts_and_steps_count_up,
            adv_88_a_lease_that_ends_goes_to_another_and_the_earlier_settles_nothing,
            until_it_is_claimed_again_a_delivery_is_settled_late,
            adv_90_of_many_workers_one_has_each_delivery,
            adv_90_what_a_worker_loses_is_claimed_once_more,
            what_was_leased_by_a_claim_that_was_dropped_is_claimed_again,
            the_longest_spans_are_taken,
            two_handles_agree,
            a_delivery_is_settled_once,
            settlements_are_answered_in_their_order,
            a_retry_is_due_after_its_delay,
            what_is_settled_is_not_claimed_again,
            a_list_shows_the_last_attempt,
            attempts_come_back_as_they_were_recorded,
            attempts_are_read_last_first_page_by_page,
            attempts_of_a_batch_are_not_mixed_up,
            a_claim_without_an_attempt_does_not_count,
            an_endpoint_comes_back_as_it_was_put,
            an_endpoint_keeps_when_it_was_created,
            a_probe_leaves_everything_as_it_is,
            of_two_who_change_an_endpoint_one_is_told_to_read_it_again,
            of_many_who_change_an_endpoint_at_once_each_change_is_made_to_the_one_before,
            what_changes_an_endpoint_raises_its_revision_and_health_does_not,
            an_endpoint_that_is_put_again_keeps_its_health,
            endpoints_are_listed_by_id_page_by_page,
            whether_secrets_begin_so_is_known_of_all_endpoints,
            a_deleted_endpoint_takes_its_deliveries_with_it,
            an_endpoint_is_enabled_and_disabled,
            adv_89_a_disabled_endpoint_is_given_nothing_more,
            failures_are_counted_until_an_attempt_goes_well,
            what_says_nothing_about_an_endpoint_changes_nothing,
            an_endpoint_that_is_gone_is_disabled,
            what_an_operator_has_disabled_is_not_gone_as_well,
            an_attempt_at_another_url_says_nothing_about_the_endpoint,
            an_open_circuit_withholds_deliveries,
            what_a_clock_that_was_ahead_has_made_ends,
            a_failing_endpoint_is_tried_with_one_request_at_a_time,
            what_was_under_way_when_a_circuit_opened_opens_it_for_no_longer,
            an_attempt_from_before_the_enabling_is_one_failure,
            a_batch_counts_its_attempts_in_their_order,
            the_failure_clock_warns_once_and_disables_once,
            what_is_disabled_is_not_warned_of,
            enabling_sets_the_failure_clock_back,
            each_time_of_failing_is_warned_of,
            deliveries_are_listed_newest_first_page_by_page,
            a_page_behind_what_is_no_delivery_is_refused,
            a_page_has_no_more_rows_than_a_page_can_have,
            deliveries_match_every_field_of_a_filter,
            messages_are_listed_newest_first_page_by_page,
            messages_match_every_field_of_a_filter,
            only_what_is_settled_is_redelivered,
            what_waits_is_made_at_once_where_it_is_asked_for,
            the_oldest_are_redelivered_first,
            what_a_filter_means_is_redelivered_and_nothing_else,
            what_is_redelivered_begins_its_schedule_anew,
            what_was_asked_for_is_so_until_an_attempt_is_recorded,
            an_earlier_worker_settles_nothing_that_is_redelivered,
            what_is_redelivered_to_a_disabled_endpoint_waits,
            of_many_who_ask_at_once_each_delivery_is_redelivered_once,
            only_what_waits_is_cancelled,
            what_is_due_first_is_cancelled_first,
            what_a_filter_means_is_cancelled_and_nothing_else,
            a_worker_whose_lease_has_ended_settles_nothing_that_is_cancelled,
            what_is_cancelled_can_be_redelivered_and_is_forgotten_with_its_message,
            of_many_who_cancel_and_claim_at_once_each_delivery_is_taken_by_one,
            it_is_told_when_the_next_delivery_is_due,
            what_is_withheld_or_settled_is_never_the_next,
            what_waits_for_an_open_circuit_is_due_when_it_closes,
            depth_tells_how_much_waits_and_for_how_long,
            attempts_are_counted_by_steps_of_time,
            what_is_too_old_is_forgotten,
            what_is_beyond_so_many_is_forgotten,
            what_still_waits_is_never_forgotten,
            those_who_have_an_endpoint_or_a_message_are_the_tenants,
            tenants_are_listed_by_name_page_by_page,
            of_a_tenant_that_is_forgotten_nothing_is_left_and_of_others_everything,
            while_a_tenant_is_forgotten_it_is_sent_nothing,
            adv_92_a_text_is_never_read_as_code,
            a_text_with_a_nul_is_kept_or_refused,
            an_answer_with_a_nul_is_settled,
            what_is_asked_with_a_nul_is_not_found,
        );
    };
}
