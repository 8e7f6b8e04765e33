//! Every statement, so that the plan of each can be tested.

use std::fmt::Write as _;

macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(pub(super) const $name: &str = $text;)*

        /// All of them, by name.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// The columns of a record, in the order in which `row::record` reads them.
macro_rules! record {
    ($rest:literal) => {
        concat!(
            "SELECT job.id, tenant, token, spec, priority, state, version, created_at, total, succeeded, failed, \
             ready, leased, done, deleted, num FROM job JOIN job_spec ON job_spec.job = job.num ",
            $rest
        )
    };
}

/// The shard of a lease that still holds: by job id, number and epoch.
macro_rules! held {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM job CROSS JOIN shard ON shard.job = job.num \
             WHERE job.id = ?1 AND shard.number = ?2 AND shard.epoch = ?3 AND shard.state = 'leased'"
        )
    };
}

statements! {
    LAST_ID = "SELECT last_job_id FROM store WHERE one = 1";
    SET_LAST_ID = "UPDATE store SET last_job_id = ?1 WHERE one = 1";

    TOKEN = "SELECT id FROM job WHERE tenant = ?1 AND token = ?2";
    LIVE = "SELECT live FROM tenant WHERE tenant = ?1";
    LIVE_MORE = "INSERT INTO tenant (tenant, live) VALUES (?1, 1) ON CONFLICT (tenant) DO UPDATE SET live = live + 1";
    LIVE_LESS = "UPDATE tenant SET live = live - 1 WHERE tenant = ?1";
    LIVE_NONE = "DELETE FROM tenant WHERE tenant = ?1 AND live = 0";
    INSERT_JOB = "INSERT INTO job (id, tenant, token, priority, state, status, version, created_at, retry_of) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    INSERT_SPEC = "INSERT INTO job_spec (job, spec) VALUES (?1, ?2)";
    UPDATE_JOB = "UPDATE job SET priority = ?2, state = ?3, status = ?4, suspended_at = ?5, terminated_at = ?6, \
        version = ?7, total = ?8, deleted = ?9 WHERE num = ?1";
    DELETE_JOB = "DELETE FROM job WHERE num = ?1";
    STATUS = "SELECT num, status FROM job WHERE id = ?1";
    NEXT_EVENT = "SELECT coalesce(max(number) + 1, 0) FROM event WHERE job = ?1";
    INSERT_EVENT = "INSERT INTO event (job, number, at, status, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
    TRIM_EVENTS = "DELETE FROM event WHERE job = ?1 AND number BETWEEN 1 AND ?2";

    GET = record!("WHERE job.id = ?1");
    LIST = record!("WHERE tenant = ?1 AND deleted = 0 AND job.id > ?2 ORDER BY job.id LIMIT ?3");
    LIST_BACK = record!("WHERE tenant = ?1 AND deleted = 0 AND job.id < ?2 ORDER BY job.id DESC LIMIT ?3");
    CODES = "SELECT code, tasks FROM code WHERE job = (SELECT num FROM job WHERE id = ?1)";
    EVENTS = "SELECT at, status, reason FROM event WHERE job = (SELECT num FROM job WHERE id = ?1) ORDER BY number";
    SEGMENTS = "SELECT number, epoch, succeeded_rows, failed_rows FROM segment \
        WHERE job = (SELECT num FROM job WHERE id = ?1) AND shard = ?2 ORDER BY number";
    JOB_SEGMENTS = "SELECT shard, number, epoch, succeeded_rows, failed_rows FROM segment \
        WHERE job = (SELECT num FROM job WHERE id = ?1) AND (shard, number) > (?2, ?3) ORDER BY shard, number LIMIT ?4";
    FAILED_SEGMENTS = "SELECT shard, number, epoch, succeeded_rows, failed_rows FROM segment INDEXED BY segment_failed \
        WHERE job = (SELECT num FROM job WHERE id = ?1) AND failed_rows > 0 AND (shard, number) > (?2, ?3) \
        ORDER BY shard, number LIMIT ?4";
    RETRIES = "SELECT id FROM job WHERE retry_of = ?1 AND deleted = 0 ORDER BY id LIMIT ?2";
    CUT_OFF = "SELECT number FROM shard INDEXED BY shard_cut_off WHERE job = (SELECT num FROM job WHERE id = ?1) \
        AND state <> 'done' AND segments > 0 AND number > ?2 ORDER BY number LIMIT ?3";
    RESULTS = "SELECT shard, failed, key, md5, row_count FROM result \
        WHERE job = (SELECT num FROM job WHERE id = ?1) AND (shard, failed) > (?2, ?3) ORDER BY shard, failed LIMIT ?4";
    TENANTS = "SELECT tenant FROM tenant WHERE tenant >= ?1 ORDER BY tenant LIMIT ?2";
    BRIEFS = "SELECT priority, id, tenant, status, ready, leased, done, lease_until IS NOT NULL, deleted \
        FROM job WHERE tenant = ?1 AND status = ?2 ORDER BY priority DESC, id LIMIT ?3";
    TASKS = "SELECT total FROM job INDEXED BY job_list_by_status \
        WHERE tenant = ?1 AND status = ?2 AND deleted = 0 AND id <> ?3";
    SUSPENDED = "SELECT suspended_at, id FROM job WHERE status = 'Suspended' AND suspended_at <= ?1 \
        ORDER BY 1, 2 LIMIT ?2";
    PURGEABLE = "SELECT terminated_at, id FROM job WHERE terminated_at IS NOT NULL AND terminated_at < ?1 \
        AND +status IN ('Cancelled', 'Complete', 'Failed') ORDER BY 1, 2 LIMIT ?2";
    CLAIMABLE = "SELECT EXISTS (SELECT 1 FROM shard WHERE state = 'ready' \
        AND job = (SELECT num FROM job WHERE id = ?1 AND status = 'Active'))";

    JOB_LEASE = "SELECT num, lease_epoch, lease_until IS NOT NULL FROM job WHERE id = ?1";
    LEASE_JOB = "UPDATE job SET lease_epoch = ?2, lease_until = ?3 WHERE num = ?1";
    HELD_JOB = "SELECT num FROM job WHERE id = ?1 AND lease_epoch = ?2 AND lease_until IS NOT NULL";
    RENEW_JOB = "UPDATE job SET lease_until = ?2 WHERE num = ?1";
    REAP_JOBS = "UPDATE job SET lease_until = NULL WHERE lease_until IS NOT NULL AND lease_until <= ?1";

    EVER_LEASED = "SELECT EXISTS (SELECT 1 FROM shard WHERE job = ?1 AND epoch > 0)";
    CLEAR_SHARDS = "DELETE FROM shard WHERE job = ?1";
    NO_SHARDS = "UPDATE job SET ready = 0, leased = 0, done = 0 WHERE num = ?1";
    INSERT_SHARD = "INSERT INTO shard (job, number, source, first_row, row_count) VALUES (?1, ?2, ?3, ?4, ?5) \
        ON CONFLICT DO NOTHING";
    MORE_SHARDS = "UPDATE job SET ready = ready + ?2 WHERE num = ?1";
    CLAIM = "UPDATE shard SET state = 'leased', epoch = epoch + 1, lease_until = ?2 WHERE job = ?1 \
        AND number = (SELECT number FROM shard WHERE job = ?1 AND state = 'ready' ORDER BY number LIMIT 1) \
        RETURNING number, source, first_row, row_count, cursor_rows, cursor_offset, segments, epoch";
    CLAIMED = "UPDATE job SET ready = ready - 1, leased = leased + 1 WHERE num = ?1";
    HELD_SHARD = held!(
        "shard.number, source, first_row, row_count, cursor_rows, cursor_offset, segments, epoch, num, status, total, \
         succeeded, failed, report_bytes"
    );
    STEP = "UPDATE shard SET cursor_rows = ?3, cursor_offset = ?4, segments = ?5, lease_until = ?6 \
        WHERE job = ?1 AND number = ?2";
    COUNT = "UPDATE job SET succeeded = succeeded + ?2, failed = failed + ?3, report_bytes = report_bytes + ?4 \
        WHERE num = ?1";
    JOB_CODES = "SELECT code, tasks FROM code WHERE job = ?1";
    SET_CODE = "INSERT INTO code (job, code, tasks) VALUES (?1, ?2, ?3) \
        ON CONFLICT (job, code) DO UPDATE SET tasks = excluded.tasks";
    INSERT_SEGMENT = "INSERT INTO segment (job, shard, number, epoch, succeeded_rows, failed_rows) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    RENEW_SHARD = "UPDATE shard SET lease_until = ?3 WHERE job = ?1 AND number = ?2";
    FINISH = "UPDATE shard SET state = 'done', lease_until = NULL WHERE job = ?1 AND number = ?2";
    FINISHED = "UPDATE job SET leased = leased - 1, done = done + 1 WHERE num = ?1 RETURNING ready + leased";
    RELEASE = "UPDATE shard SET state = 'ready', lease_until = NULL WHERE job = ?1 AND number = ?2";
    RELEASED = "UPDATE job SET ready = ready + ?2, leased = leased - ?2 WHERE num = ?1";
    REAP_SHARDS = "UPDATE shard SET state = 'ready', lease_until = NULL \
        WHERE state = 'leased' AND lease_until <= ?1 RETURNING job";

    INSERT_FILE = "INSERT INTO file (job, number, source) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    CLAIMABLE_FILE = "SELECT EXISTS (SELECT 1 FROM file INDEXED BY file_ready WHERE state = 'ready' \
        AND job = (SELECT num FROM job WHERE id = ?1 AND status = 'Preparing'))";
    CLAIM_FILE = "UPDATE file SET state = 'leased', epoch = epoch + 1, lease_until = ?2 WHERE job = ?1 \
        AND number = (SELECT number FROM file INDEXED BY file_ready WHERE job = ?1 AND state = 'ready' \
        ORDER BY number LIMIT 1) RETURNING source, epoch";
    HELD_FILE = "SELECT job FROM file WHERE job = (SELECT num FROM job WHERE id = ?1) AND number = ?2 AND epoch = ?3 \
        AND state = 'leased'";
    RENEW_FILE = "UPDATE file SET lease_until = ?3 WHERE job = ?1 AND number = ?2";
    FINISH_FILE = "UPDATE file SET state = 'done', lease_until = NULL, outcome = ?3 WHERE job = ?1 AND number = ?2";
    RELEASE_FILE = "UPDATE file SET state = 'ready', lease_until = NULL WHERE job = ?1 AND number = ?2";
    REAP_FILES = "UPDATE file SET state = 'ready', lease_until = NULL WHERE state = 'leased' AND lease_until <= ?1";
    FILES = "SELECT source, outcome FROM file WHERE job = (SELECT num FROM job WHERE id = ?1) AND number >= ?2 \
        ORDER BY number LIMIT ?3";

    SHARD_OPEN = "SELECT EXISTS (SELECT 1 FROM shard WHERE job = ?1 AND number = ?2 AND state <> 'done')";
    DELETE_RESULTS = "DELETE FROM result WHERE job = ?1 AND shard = ?2";
    INSERT_RESULT = "INSERT INTO result (job, shard, failed, key, md5, row_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
}

/// As `LIST` or, `back`, as `LIST_BACK`, for so many statuses, which are parameters from 4 on: one walk along the index for each, merged.
pub(super) fn list_by_status(statuses: usize, back: bool) -> String {
    const ON: &str = record!("WHERE tenant = ?1 AND deleted = 0 AND job.id > ?2 AND status = ");
    const BACK: &str = record!("WHERE tenant = ?1 AND deleted = 0 AND job.id < ?2 AND status = ");
    let (arm, order) = if back { (BACK, "1 DESC") } else { (ON, "1") };
    let mut text = String::new();
    for number in 4..4 + statuses {
        let joint = if number == 4 { "" } else { " UNION ALL " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{joint}{arm}?{number}");
    }
    text + " ORDER BY " + order + " LIMIT ?3"
}
