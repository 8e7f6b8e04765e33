//! Every statement.
//!
//! `$1::bigint` of those that need the time is the time now, or null for the database's own.

macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(pub(super) const $name: &str = $text;)*

        /// All of them, by name.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// The time now.
macro_rules! now {
    () => {
        "coalesce($1::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)"
    };
}

/// What is not yet in the counts of job `num`: of shards that are not finished, and how many of them are held.
macro_rules! open {
    () => {
        "CROSS JOIN LATERAL (SELECT coalesce(sum(shard.succeeded), 0)::bigint AS succeeded, \
         coalesce(sum(shard.failed), 0)::bigint AS failed, coalesce(sum(shard.report_bytes), 0)::bigint AS report_bytes \
         FROM shard WHERE shard.job = num AND counted) AS open "
    };
}

/// How many shards of job `num` are held.
macro_rules! held_count {
    () => {
        "CROSS JOIN LATERAL (SELECT count(*) AS shards FROM shard WHERE shard.job = num AND shard.state = 'leased') AS held "
    };
}

/// Jobs in some statuses, walking along the index once for each; `$side` of an id, in an order.
macro_rules! list_by_status {
    ($side:literal, $order:literal) => {
        concat!(
            "SELECT job.id, job.tenant, job.token, job_spec.spec, job.priority, job.state, job.version, job.created_at, \
             job.total, job.succeeded + open.succeeded, job.failed + open.failed, \
             job.shards - job.done - held.shards, held.shards, job.done, job.deleted, job.num FROM (\
             SELECT found.* FROM unnest($4::text[]) AS wanted (status) CROSS JOIN LATERAL (\
             SELECT * FROM job WHERE tenant = $1 AND status = wanted.status AND NOT deleted AND id ",
            $side,
            " $2 ORDER BY id ",
            $order,
            " LIMIT $3) AS found ORDER BY found.id ",
            $order,
            " LIMIT $3) AS job JOIN job_spec ON job_spec.job = job.num ",
            open!(),
            held_count!(),
            "ORDER BY job.id ",
            $order
        )
    };
}

/// The columns of a record, in the order in which `row::record` reads them.
macro_rules! record {
    ($rest:literal) => {
        concat!(
            "SELECT job.id, job.tenant, job.token, job_spec.spec, job.priority, job.state, job.version, job.created_at, \
             job.total, job.succeeded + open.succeeded, job.failed + open.failed, \
             job.shards - job.done - held.shards, held.shards, job.done, job.deleted, job.num \
             FROM job JOIN job_spec ON job_spec.job = job.num ",
            open!(),
            held_count!(),
            $rest
        )
    };
}

/// The columns of a lease, in the order in which `row::shard_lease` reads them.
macro_rules! lease {
    () => {
        "shard.number, shard.source, shard.first_row, shard.row_count, shard.cursor_rows, shard.cursor_offset, \
         shard.segments, shard.epoch"
    };
}

/// Which shard: by job id, number and epoch, as long as the lease holds. The job's number is looked up first, so that the
/// shard is found by its key, whatever is known of how many there are.
macro_rules! holds {
    () => {
        "shard.job = (SELECT num FROM job WHERE id = $2) AND shard.number = $3 AND shard.epoch = $4 \
         AND shard.state = 'leased'"
    };
}

/// Which file: as `holds!`.
macro_rules! holds_file {
    () => {
        "job = (SELECT num FROM job WHERE id = $2) AND number = $3 AND epoch = $4 AND state = 'leased'"
    };
}

/// The answer to a holder, from the rows of `step`.
macro_rules! answer {
    () => {
        concat!(
            "SELECT job.status, job.total, job.succeeded + open.succeeded, job.failed + open.failed, \
             job.report_bytes + open.report_bytes, step.cursor_rows, step.cursor_offset \
             FROM step JOIN job ON job.num = step.job ",
            open!()
        )
    };
}

statements! {
    TIME = concat!("SELECT ", now!());
    NOTIFY = "SELECT pg_notify($1::text, '')";

    LAST_ID = concat!("SELECT last_job_id, ", now!(), " FROM store WHERE one = 1 FOR UPDATE");
    SET_LAST_ID = "UPDATE store SET last_job_id = $1 WHERE one = 1";
    TOKEN = "SELECT id FROM job WHERE tenant = $1 AND token = $2";
    LIVE = "SELECT live FROM tenant WHERE tenant = $1";
    LIVE_MORE = "INSERT INTO tenant (tenant, live) VALUES ($1, 1) \
        ON CONFLICT (tenant) DO UPDATE SET live = tenant.live + 1";
    LIVE_LESS = "UPDATE tenant SET live = live - 1 WHERE tenant = $1";
    LIVE_NONE = "DELETE FROM tenant WHERE tenant = $1 AND live = 0";
    INSERT_JOB = "INSERT INTO job (id, tenant, token, priority, state, status, created_at, retry_of) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING num";
    INSERT_SPEC = "INSERT INTO job_spec (job, spec) VALUES ($1, $2)";
    // Against claims by nodes of the first release as well, which all other changes of the row let pass.
    LOCK_JOB = concat!("SELECT num, status, ", now!(), " FROM job WHERE id = $2 FOR UPDATE");
    UPDATE_JOB = "UPDATE job SET priority = $2, state = $3, status = $4, suspended_at = $5, terminated_at = $6, \
        version = $7, total = $8, deleted = $9 WHERE num = $1";
    NEXT_EVENT = "SELECT coalesce(max(number) + 1, 0) FROM event WHERE job = $1";
    INSERT_EVENT = "INSERT INTO event (job, number, at, status, reason) VALUES ($1, $2, $3, $4, $5)";
    TRIM_EVENTS = "DELETE FROM event WHERE job = $1 AND number BETWEEN 1 AND $2";
    // What is locked is being finished, and gets into the counts by itself.
    FOLD = "WITH open AS (SELECT job, number, succeeded, failed, report_bytes, codes FROM shard \
        WHERE job = $1 AND counted FOR UPDATE SKIP LOCKED), \
        cleared AS (UPDATE shard SET counted = false, succeeded = 0, failed = 0, report_bytes = 0, codes = NULL \
        FROM open WHERE shard.job = open.job AND shard.number = open.number) \
        SELECT succeeded, failed, report_bytes, codes FROM open";
    ADD_COUNTS = "UPDATE job SET succeeded = succeeded + $2, failed = failed + $3, report_bytes = report_bytes + $4 \
        WHERE num = $1";

    GET = record!("WHERE job.id = $1");
    LIST = record!("WHERE job.tenant = $1 AND NOT job.deleted AND job.id > $2 ORDER BY job.id LIMIT $3");
    LIST_BACK = record!("WHERE job.tenant = $1 AND NOT job.deleted AND job.id < $2 ORDER BY job.id DESC LIMIT $3");
    LIST_BY_STATUS = list_by_status!(">", "");
    LIST_BY_STATUS_BACK = list_by_status!("<", "DESC");
    // Those in the job's counts first, then of each shard that is worked on.
    CODES = "SELECT code, tasks, -1::bigint FROM code WHERE job = (SELECT num FROM job WHERE id = $1) \
        UNION ALL SELECT codes, 0, number FROM shard WHERE job = (SELECT num FROM job WHERE id = $1) AND counted \
        AND codes IS NOT NULL ORDER BY 3";
    EVENTS = "SELECT at, status, reason FROM event WHERE job = (SELECT num FROM job WHERE id = $1) ORDER BY number";
    SEGMENTS = "SELECT shard, number, epoch, succeeded_rows, failed_rows FROM segment \
        WHERE job = (SELECT num FROM job WHERE id = $1) AND shard = $2 ORDER BY number";
    JOB_SEGMENTS = "SELECT shard, number, epoch, succeeded_rows, failed_rows FROM segment \
        WHERE job = (SELECT num FROM job WHERE id = $1) AND (shard, number) > ($2::bigint, $3::bigint) \
        ORDER BY shard, number LIMIT $4";
    FAILED_SEGMENTS = "SELECT shard, number, epoch, succeeded_rows, failed_rows FROM segment \
        WHERE job = (SELECT num FROM job WHERE id = $1) AND failed_rows > 0 \
        AND (shard, number) > ($2::bigint, $3::bigint) ORDER BY shard, number LIMIT $4";
    RETRIES = "SELECT id FROM job WHERE retry_of = $1 AND NOT deleted ORDER BY id LIMIT $2";
    CUT_OFF = "SELECT number FROM shard WHERE job = (SELECT num FROM job WHERE id = $1) \
        AND recorded AND state <> 'done' AND number > $2 ORDER BY number LIMIT $3";
    RESULTS = "SELECT shard, failed, key, md5, row_count FROM result \
        WHERE job = (SELECT num FROM job WHERE id = $1) AND (shard, failed) > ($2::bigint, $3::boolean) \
        ORDER BY shard, failed LIMIT $4";
    // One statement sees one moment: a job that changes meanwhile is found in one status, and once.
    BRIEFS = concat!(
        "SELECT looked.tenant, found.id, found.status, found.priority, found.ready, found.held, found.done, \
         found.leased, found.deleted FROM (SELECT tenant FROM tenant WHERE tenant >= $1 ORDER BY tenant LIMIT $2) AS looked \
         LEFT JOIN LATERAL (SELECT job.id, job.status, job.priority, job.shards - job.done - held.shards AS ready, \
         held.shards AS held, job.done, job.leased, job.deleted FROM unnest($3::text[]) AS wanted (status) \
         CROSS JOIN LATERAL (SELECT * FROM job WHERE job.tenant = looked.tenant AND job.status = wanted.status \
         ORDER BY job.priority DESC, job.id LIMIT $4) AS job ",
        held_count!(),
        ") AS found ON true ORDER BY looked.tenant, found.priority DESC, found.id"
    );
    SUSPENDED = "SELECT id FROM job WHERE status = 'Suspended' AND suspended_at <= $1 ORDER BY suspended_at, id LIMIT $2";
    PURGEABLE = "SELECT id FROM job WHERE status IN ('Cancelled', 'Complete', 'Failed') AND terminated_at < $1 \
        ORDER BY terminated_at, id LIMIT $2";
    PURGE_SHARDS = "DELETE FROM shard WHERE job = $1";
    SOME_SEGMENTS = "DELETE FROM segment WHERE ctid = ANY (ARRAY(SELECT ctid FROM segment WHERE job = $1 LIMIT $2))";
    SOME_RESULTS = "DELETE FROM result WHERE ctid = ANY (ARRAY(SELECT ctid FROM result WHERE job = $1 LIMIT $2))";
    SOME_FILES = "DELETE FROM file WHERE ctid = ANY (ARRAY(SELECT ctid FROM file WHERE job = $1 LIMIT $2))";
    SOME_SHARDS = "DELETE FROM shard WHERE ctid = ANY (ARRAY(SELECT ctid FROM shard WHERE job = $1 LIMIT $2))";
    PURGE_FILES = "DELETE FROM file WHERE job = $1";
    PURGE_SEGMENTS = "DELETE FROM segment WHERE job = $1";
    PURGE_RESULTS = "DELETE FROM result WHERE job = $1";
    PURGE_CODES = "DELETE FROM code WHERE job = $1";
    PURGE_EVENTS = "DELETE FROM event WHERE job = $1";
    PURGE_SPEC = "DELETE FROM job_spec WHERE job = $1";
    PURGE_JOB = "DELETE FROM job WHERE num = $1";

    LEASE_JOB = concat!(
        "UPDATE job SET leased = true, lease_epoch = lease_epoch + 1, lease_until = ",
        now!(),
        " + $3::bigint WHERE id = $2 AND NOT leased RETURNING lease_epoch"
    );
    EXISTS = "SELECT 1 FROM job WHERE id = $1";
    RENEW_JOB = concat!(
        "UPDATE job SET lease_until = ",
        now!(),
        " + $4::bigint WHERE id = $2 AND lease_epoch = $3 AND leased"
    );
    RELEASE_JOB = "UPDATE job SET leased = false, lease_until = NULL WHERE id = $1 AND lease_epoch = $2 AND leased";
    HOLD_JOB = "SELECT num FROM job WHERE id = $1 AND lease_epoch = $2 AND leased FOR NO KEY UPDATE";
    // What is locked is being renewed, or written by its holder.
    REAP_JOBS = concat!(
        "WITH over AS (SELECT num FROM job WHERE leased AND ($2::boolean OR lease_until <= ",
        now!(),
        ") ORDER BY num FOR NO KEY UPDATE SKIP LOCKED), \
         ended AS (UPDATE job SET leased = false, lease_until = NULL FROM over WHERE job.num = over.num RETURNING 1), \
         late AS (SELECT job, number FROM file WHERE state = 'leased' AND ($2::boolean OR lease_until <= ",
        now!(),
        ") ORDER BY job, number FOR UPDATE SKIP LOCKED), \
         freed AS (UPDATE file SET state = 'ready', lease_until = NULL FROM late \
         WHERE file.job = late.job AND file.number = late.number RETURNING 1) \
         SELECT (SELECT count(*) FROM ended) + (SELECT count(*) FROM freed)"
    );
    REAP_SHARDS = concat!(
        "WITH over AS (SELECT job, number FROM shard WHERE state = 'leased' AND ($2::boolean OR lease_until <= ",
        now!(),
        ") ORDER BY job, number FOR UPDATE SKIP LOCKED), \
         ended AS (UPDATE shard SET state = 'ready', lease_until = NULL FROM over \
         WHERE shard.job = over.job AND shard.number = over.number RETURNING 1) \
         SELECT count(*), ",
        now!(),
        " FROM ended"
    );

    CLEAR_SHARDS = "WITH gone AS (DELETE FROM shard \
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM shard WHERE job = $1 LIMIT $2)) RETURNING epoch) \
        SELECT count(*), coalesce(bool_or(epoch > 0), false) FROM gone";
    FEWER_SHARDS = "UPDATE job SET shards = shards - $2 WHERE num = $1";
    NO_SHARDS = "UPDATE job SET shards = 0, done = 0 WHERE num = $1";
    INSERT_SHARDS = "INSERT INTO shard (job, number, source, bytes, first_row, row_count) \
        SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) \
        ON CONFLICT DO NOTHING";
    MORE_SHARDS = "UPDATE job SET shards = shards + $2 WHERE num = $1";
    // The job's row is not locked, which all its workers share: whoever has claimed looks at its status afterwards.
    CLAIM = concat!(
        "WITH picked AS (SELECT job, number FROM shard WHERE state = 'ready' \
         AND job = (SELECT num FROM job WHERE id = $2 AND status = 'Active') \
         ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) \
         UPDATE shard SET state = 'leased', epoch = epoch + 1, lease_until = ",
        now!(),
        " + $3::bigint FROM picked WHERE shard.job = picked.job AND shard.number = picked.number RETURNING ",
        lease!()
    );
    IS_ACTIVE = "SELECT 1 FROM job WHERE id = $1 AND status = 'Active'";
    CHECKPOINT = concat!(
        "WITH step AS (UPDATE shard SET cursor_rows = $6::bigint, cursor_offset = $7::bigint, \
         segments = segments + ($8::bigint IS NOT NULL)::int, recorded = recorded OR $8::bigint IS NOT NULL, \
         counted = true, succeeded = shard.succeeded + $9::bigint, failed = shard.failed + $10::bigint, \
         report_bytes = shard.report_bytes + $11::bigint, codes = coalesce($12::text, codes), lease_until = ",
        now!(),
        " + $5::bigint WHERE ",
        holds!(),
        " AND cursor_rows = $6::bigint - $9::bigint - $10::bigint AND cursor_offset <= $7::bigint \
         AND $6::bigint <= row_count AND $7::bigint <= bytes AND segments = coalesce($8::bigint, segments) \
         AND ($12::text IS NULL OR codes IS NOT DISTINCT FROM $15::text) RETURNING shard.job, cursor_rows, cursor_offset), \
         written AS (INSERT INTO segment (job, shard, number, epoch, succeeded_rows, failed_rows) \
         SELECT step.job, $3, $8::bigint, $4, $13::bigint, $14::bigint FROM step WHERE $8::bigint IS NOT NULL) ",
        answer!()
    );
    RENEW_SHARD = concat!(
        "WITH step AS (UPDATE shard SET lease_until = ",
        now!(),
        " + $5::bigint WHERE ",
        holds!(),
        " RETURNING shard.job, cursor_rows, cursor_offset) ",
        answer!()
    );
    SHARD_CODES = concat!("SELECT codes, $1::bigint FROM shard WHERE ", holds!());
    HOLD_SHARD = concat!(
        "SELECT ",
        lease!(),
        ", shard.job, shard.succeeded, shard.failed, shard.report_bytes, shard.codes, $1::bigint FROM shard WHERE ",
        holds!(),
        " FOR UPDATE"
    );
    FINISH = "UPDATE shard SET state = 'done', lease_until = NULL, counted = false, succeeded = 0, failed = 0, \
        report_bytes = 0, codes = NULL WHERE job = $1 AND number = $2";
    FINISHED = "UPDATE job SET done = done + 1, succeeded = succeeded + $2, failed = failed + $3, \
        report_bytes = report_bytes + $4 WHERE num = $1 RETURNING shards - done";
    RELEASE_SHARD = concat!(
        "UPDATE shard SET state = 'ready', lease_until = $1::bigint WHERE ",
        holds!()
    );
    JOB_CODES = "SELECT code, tasks FROM code WHERE job = $1";
    SET_CODES = "INSERT INTO code (job, code, tasks) SELECT $1, * FROM unnest($2::text[], $3::bigint[]) \
        ON CONFLICT (job, code) DO UPDATE SET tasks = excluded.tasks";

    INSERT_FILES = "INSERT INTO file (job, number, source) SELECT $1, * FROM unnest($2::bigint[], $3::text[]) \
        ON CONFLICT DO NOTHING";
    // No lock on the job: who reads a file of a job that is no longer prepared does so in vain, and no more.
    CLAIM_FILE = concat!(
        "WITH picked AS (SELECT job, number FROM file WHERE state = 'ready' \
         AND job = (SELECT num FROM job WHERE id = $2 AND status = 'Preparing') \
         ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) \
         UPDATE file SET state = 'leased', epoch = epoch + 1, lease_until = ",
        now!(),
        " + $3::bigint FROM picked WHERE file.job = picked.job AND file.number = picked.number \
         RETURNING file.source, file.epoch"
    );
    RENEW_FILE = concat!("UPDATE file SET lease_until = ", now!(), " + $5::bigint WHERE ", holds_file!());
    FINISH_FILE = concat!(
        "UPDATE file SET state = 'done', lease_until = $1::bigint, outcome = $5 WHERE ",
        holds_file!()
    );
    RELEASE_FILE = concat!("UPDATE file SET state = 'ready', lease_until = $1::bigint WHERE ", holds_file!());
    FILES = "SELECT source, outcome FROM file WHERE job = (SELECT num FROM job WHERE id = $1) AND number >= $2 \
        ORDER BY number LIMIT $3";

    SHARDS_OPEN = "SELECT count(*) FROM shard WHERE job = $1 AND number = ANY ($2::bigint[]) AND state <> 'done'";
    DELETE_RESULTS = "DELETE FROM result WHERE job = $1 AND shard = ANY ($2::bigint[])";
    INSERT_RESULTS = "INSERT INTO result (job, shard, failed, key, md5, row_count) \
        SELECT $1, * FROM unnest($2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::bigint[])";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a statement are numbered without gaps: PostgreSQL cannot tell the type of one that is not used.
    #[test]
    fn every_value_is_used() {
        for (name, text) in ALL {
            let used = |number: u32| {
                let value = format!("${number}");
                text.split(&value).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            let most = (1..=20).rev().find(|number| used(*number)).unwrap_or(0);
            for number in 1..=most {
                assert!(used(number), "{name}: ${number} of {most} is not used");
            }
        }
    }
}
