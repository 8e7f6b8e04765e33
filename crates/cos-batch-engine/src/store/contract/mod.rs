//! What every [`JobStore`](crate::JobStore) must do, as test cases (feature `testing`).
//!
//! Each case is an async function over a [`Fixture`] with an empty store; [`job_store_contract!`](crate::job_store_contract)
//! makes a test of each. The test crate needs tokio with `macros` and `rt-multi-thread`.
//!
//! ```
//! use std::sync::Arc;
//! use cos_batch_engine::{MemoryJobStore, store::contract::Fixture};
//!
//! async fn memory() -> Fixture {
//!     Fixture::new(|clock| Arc::new(MemoryJobStore::new(clock)))
//! }
//!
//! cos_batch_engine::job_store_contract!(memory);
//! ```
#![expect(clippy::unwrap_used, reason = "test cases: a panic is how they fail")]

mod books;
mod files;
mod jobs;
mod kit;
mod leases;
mod links;
mod list;
mod race;
mod shared;
mod together;
mod work;

pub use self::{
    books::{BOOKS, BOOKS_TOGETHER, books_stay_exact},
    files::*,
    jobs::*,
    kit::{Fixture, START, briefs, new_job, set_status, shard, spec},
    leases::*,
    links::*,
    list::*,
    race::*,
    shared::*,
    together::Together,
    work::*,
};

/// Makes a test of each case of the [contract](crate::store::contract): `job_store_contract!(path::to::make)`, where
/// `make` is an `async fn() -> Fixture`.
///
/// Where something is costly to begin and can be shared (a database server), `job_store_contract!(together begin, make)`
/// makes one test of all cases, side by side: `begin` is a `fn() -> T`, `make` an `async fn(Arc<T>) -> Fixture`.
#[macro_export]
macro_rules! job_store_contract {
    ($make:path) => {
        $crate::job_store_contract! { @list apart () $make }

        #[test]
        fn books_stay_exact() {
            $crate::store::contract::books_stay_exact($crate::store::contract::BOOKS, $make);
        }
    };
    (together $begin:path, $make:path) => {
        $crate::job_store_contract! { @list together ($begin) $make }
    };
    (@list $how:ident $begin:tt $make:path) => {
        $crate::job_store_contract! { @$how $begin $make;
            a_new_job_is_as_asked
            ids_follow_creation
            a_token_makes_one_job
            jobs_that_have_not_ended_are_limited
            a_change_changes_what_it_names
            a_stale_version_changes_nothing
            everything_of_a_job_is_kept
            changes_of_status_make_the_timeline
            the_timeline_is_bounded
            a_job_that_ended_can_be_forgotten
            jobs_that_may_be_forgotten_are_found

            a_list_is_paged_in_order_of_ids
            a_list_is_filtered_by_status
            tenants_do_not_see_each_other
            tasks_of_other_jobs_are_counted
            briefs_go_by_priority_then_age
            each_tenant_has_its_share_of_briefs
            briefs_tell_what_a_scheduler_needs
            jobs_that_wait_too_long_are_found

            a_job_has_one_holder
            a_job_lease_runs_out
            a_lost_job_lease_writes_nothing
            a_lease_that_was_given_back_writes_nothing
            a_change_may_need_a_lease
            a_shard_lease_runs_out
            a_lost_shard_lease_writes_nothing
            a_late_write_counts_until_the_lease_is_ended
            all_leases_can_be_ended

            shards_are_added_and_cleared
            wrong_shards_are_refused
            every_kind_of_source_is_kept
            shards_are_claimed_from_the_lowest
            only_active_jobs_have_shards_to_claim
            a_checkpoint_moves_cursor_and_counts_together
            wrong_checkpoints_are_refused
            counts_go_up_to_the_limit
            a_released_shard_goes_on_where_it_was
            the_last_shard_is_told

            segments_are_kept_in_order
            cut_off_shards_are_found
            report_files_are_paged
            report_files_are_replaced
            codes_are_counted
            codes_are_bounded
            segments_of_a_job_are_paged

            files_are_claimed_and_read_once
            files_are_added_once
            only_jobs_that_are_prepared_have_files_to_claim
            a_file_lease_runs_out
            a_lost_file_lease_writes_nothing
            files_go_with_their_job

            a_token_finds_its_job
            jobs_that_try_again_are_found

            one_token_makes_one_job_at_once
            the_limit_of_jobs_holds_at_once
            one_version_is_changed_once
            a_job_is_leased_once
            a_shard_is_claimed_once
            a_file_is_claimed_once
            counts_add_up_from_many_holders
        }
    };
    (@apart () $make:path; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                $crate::store::contract::$case($make().await).await;
            }
        )*
    };
    (@together ($begin:path) $make:path; $($case:ident)*) => {
        #[test]
        fn every_case_holds() {
            let shared = std::sync::Arc::new($begin());
            let mut cases = $crate::store::contract::Together::new();
            $({
                let shared = std::sync::Arc::clone(&shared);
                cases.run(stringify!($case), async move { $crate::store::contract::$case($make(shared).await).await });
            })*
            cases.end();
            $crate::store::contract::books_stay_exact($crate::store::contract::BOOKS_TOGETHER, || {
                $make(std::sync::Arc::clone(&shared))
            });
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_names_every_case() {
        let (_, list) = include_str!("mod.rs").split_once("(@list $how:ident $begin:tt $make:path)").unwrap();
        let files = [
            include_str!("files.rs"),
            include_str!("jobs.rs"),
            include_str!("leases.rs"),
            include_str!("links.rs"),
            include_str!("list.rs"),
            include_str!("race.rs"),
            include_str!("shared.rs"),
            include_str!("work.rs"),
        ];
        let mut cases = 0;
        for case in files.iter().flat_map(|file| file.split("\npub async fn ").skip(1)) {
            let (name, _) = case.split_once('(').unwrap();
            assert!(list.lines().any(|line| line.trim() == name), "{name} is not in job_store_contract!");
            cases += 1;
        }
        assert!(cases > 30, "only {cases} cases found");
    }
}
