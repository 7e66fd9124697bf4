//! What every store keeps, whatever it is made of: each property runs against
//! each store. What only a store on disk keeps is tested beside that store.

mod filled;
mod grouped;
mod property;
mod sample;
mod trace;

pub(crate) use sample::{
    caution, checkpoint, dead_letter, fill, group, hold, intent, ledger_row, member, owed,
    resolutions, run_row, table_row,
};

use crate::{Embedded, Memory, Options, TenantStore};

macro_rules! conformance {
    ($($property:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $property() {
                    super::property::$property(&super::Memory::new()).await;
                }
            )*
        }

        mod embedded {
            $(
                #[tokio::test]
                async fn $property() {
                    let folder = tempfile::tempdir().unwrap();
                    let options = super::Options::default();
                    let store = super::Embedded::open(folder.path(), &options).unwrap();
                    super::property::$property(&store).await;
                }
            )*
        }

        /// As one tenant sees it, beside another that has the same.
        mod tenant {
            $(
                #[tokio::test]
                async fn $property() {
                    let store = std::sync::Arc::new(super::Memory::new());
                    let beside = super::TenantStore::new(store.clone(), "a").unwrap();
                    super::property::$property(&beside).await;
                    let tenant = super::TenantStore::new(store, "b").unwrap();
                    super::property::$property(&tenant).await;
                }
            )*
        }

        /// The same with nothing kept in memory: every commit goes on to the
        /// long ledger while the next ones come.
        mod folding {
            $(
                #[tokio::test]
                async fn $property() {
                    let folder = tempfile::tempdir().unwrap();
                    let options = super::Options {
                        fresh_rows: 1,
                        fresh_bytes: 1,
                        ..super::Options::default()
                    };
                    let store = super::Embedded::open(folder.path(), &options).unwrap();
                    super::property::$property(&store).await;
                }
            )*
        }

        /// The same with everything sealed that can be.
        mod sealed {
            $(
                #[tokio::test]
                async fn $property() {
                    let folder = tempfile::tempdir().unwrap();
                    let every = crate::seal::turning::Turning {
                        every: true,
                        ..Default::default()
                    };
                    let options = super::Options {
                        fresh_rows: 1,
                        sealer: Some(std::sync::Arc::new(every)),
                        ..super::Options::default()
                    };
                    let store = super::Embedded::open(folder.path(), &options).unwrap();
                    super::property::$property(&store).await;
                }
            )*
        }
    };
}

conformance! {
    a_new_scope_holds_nothing,
    what_was_committed_is_read_back,
    scopes_are_kept_apart,
    a_later_claim_shuts_the_earlier_one_out,
    a_scope_that_was_never_claimed_takes_no_commit,
    a_refused_commit_changes_nothing,
    later_changes_of_a_commit_win,
    settled_intents_are_gone,
    open_intents_come_oldest_first,
    intent_ids_are_never_given_twice,
    segments_are_read_back_until_settled,
    a_segment_that_two_intents_name_stays_for_the_second,
    a_wrong_checksum_is_damage,
    the_ledger_answers_in_the_order_asked,
    the_newest_row_of_a_key_wins,
    long_values_are_read_back_and_replaced_by_short_ones,
    dead_letters_and_holds_are_replaced_by_key_and_part,
    a_released_hold_and_dead_letter_are_gone,
    a_reset_checkpoint_is_gone_and_the_ledger_stays,
    runs_come_newest_first,
    odd_scopes_and_keys_do_not_meet,
    each_lane_has_a_checkpoint_of_its_own,
    a_caution_lasts_until_it_is_taken_back,
    a_scope_is_bound_to_the_target_named_last,
    evidence_is_read_back_and_what_is_gone_is_none,
    rows_are_found_by_every_number_of_theirs,
    a_row_is_not_found_by_a_number_it_no_longer_has,
    the_owner_of_a_target_key_is_who_wrote_it_last,
    members_come_in_their_order_and_are_replaced_by_key,
    members_of_odd_groups_do_not_meet,
    what_left_and_what_was_dissolved_is_gone,
    what_is_owed_stays_until_it_is_paid,
    rows_of_a_table_are_replaced_by_key_and_dropped,
    a_digest_is_of_the_rows_and_of_nothing_else,
    a_table_changes_with_the_checkpoint_of_its_commit_or_not_at_all,
    a_fill_takes_the_place_of_the_one_before,
    where_a_schedule_stands_is_replaced,
}
