-- Jobs and their work. Times are Unix milliseconds, by the clock of this database. Inside, a job is named by its number.
--
-- There are no foreign keys: each insert would lock the job's row, which all its workers share. Whoever forgets a job
-- takes along what hangs on it.

CREATE TABLE store (
    one         integer PRIMARY KEY CHECK (one = 1),
    -- Outlives the job, so that ids never repeat nor go back. Whoever makes a job locks this row first.
    last_job_id uuid
);
INSERT INTO store (one) VALUES (1);

CREATE TABLE tenant (
    tenant text COLLATE "C" PRIMARY KEY,
    -- Jobs that have not ended, deleted ones included.
    live   bigint NOT NULL CHECK (live >= 0)
);

CREATE TABLE job (
    num           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            uuid NOT NULL UNIQUE,
    tenant        text COLLATE "C" NOT NULL,
    token         text COLLATE "C" NOT NULL,
    priority      bigint NOT NULL,
    -- The state as JSON; beside it, what is looked for.
    state         text NOT NULL,
    status        text COLLATE "C" NOT NULL,
    suspended_at  bigint,
    terminated_at bigint,
    version       bigint NOT NULL DEFAULT 0,
    created_at    bigint NOT NULL,
    deleted       boolean NOT NULL DEFAULT false,
    retry_of      uuid,
    total         bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    -- Counts of finished shards. Those of shards that are worked on stand with the shard, so that its holders do not
    -- wait for each other.
    succeeded     bigint NOT NULL DEFAULT 0 CHECK (succeeded >= 0),
    failed        bigint NOT NULL DEFAULT 0 CHECK (failed >= 0),
    report_bytes  bigint NOT NULL DEFAULT 0 CHECK (report_bytes >= 0),
    -- Shards there are, and how many of them are finished.
    shards        bigint NOT NULL DEFAULT 0 CHECK (shards >= 0),
    done          bigint NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND shards),
    lease_epoch   bigint NOT NULL DEFAULT 0,
    leased        boolean NOT NULL DEFAULT false,
    lease_until   bigint,
    UNIQUE (tenant, token)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX job_list ON job (tenant, id) WHERE NOT deleted;
CREATE INDEX job_list_by_status ON job (tenant, status, id) WHERE NOT deleted;
CREATE INDEX job_brief ON job (tenant, status, priority DESC, id);
CREATE INDEX job_suspended ON job (suspended_at, id) WHERE status = 'Suspended';
CREATE INDEX job_ended ON job (terminated_at, id) WHERE status IN ('Cancelled', 'Complete', 'Failed');
CREATE INDEX job_leased ON job (num) WHERE leased;
CREATE INDEX job_retry ON job (retry_of, id) WHERE retry_of IS NOT NULL;

-- Apart from the job, because counters change often and this never does.
CREATE TABLE job_spec (
    job  bigint PRIMARY KEY,
    spec text NOT NULL
);

CREATE TABLE event (
    job    bigint NOT NULL,
    number bigint NOT NULL,
    at     bigint NOT NULL,
    status text NOT NULL,
    reason text,
    PRIMARY KEY (job, number)
);

-- No column that a checkpoint changes each time is in an index, nor in the condition of one: so the row's new version
-- goes into the same page, and no index grows.
CREATE TABLE shard (
    job           bigint NOT NULL,
    number        bigint NOT NULL,
    source        text NOT NULL,
    bytes         bigint NOT NULL,
    first_row     bigint NOT NULL,
    row_count     bigint NOT NULL CHECK (row_count > 0),
    state         text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done')),
    epoch         bigint NOT NULL DEFAULT 0,
    lease_until   bigint,
    cursor_rows   bigint NOT NULL DEFAULT 0 CHECK (cursor_rows BETWEEN 0 AND row_count),
    cursor_offset bigint NOT NULL DEFAULT 0 CHECK (cursor_offset BETWEEN 0 AND bytes),
    segments      bigint NOT NULL DEFAULT 0,
    -- There is at least one segment.
    recorded      boolean NOT NULL DEFAULT false,
    -- What is not yet in the counts of the job, and whether there is anything. Codes are JSON: tasks by code.
    counted       boolean NOT NULL DEFAULT false,
    succeeded     bigint NOT NULL DEFAULT 0,
    failed        bigint NOT NULL DEFAULT 0,
    report_bytes  bigint NOT NULL DEFAULT 0,
    codes         text,
    PRIMARY KEY (job, number)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- Shards that are held or finished are not in the way of a claim, and so on.
CREATE INDEX shard_ready ON shard (job, number) WHERE state = 'ready';
CREATE INDEX shard_leased ON shard (job, number) WHERE state = 'leased';
CREATE INDEX shard_counted ON shard (job, number) WHERE counted;
CREATE INDEX shard_cut_off ON shard (job, number) WHERE recorded AND state <> 'done';

CREATE TABLE segment (
    job            bigint NOT NULL,
    shard          bigint NOT NULL,
    number         bigint NOT NULL,
    epoch          bigint NOT NULL,
    succeeded_rows bigint NOT NULL,
    failed_rows    bigint NOT NULL,
    PRIMARY KEY (job, shard, number)
);
CREATE INDEX segment_failed ON segment (job, shard, number) WHERE failed_rows > 0;

CREATE TABLE result (
    job       bigint NOT NULL,
    shard     bigint NOT NULL,
    failed    boolean NOT NULL,
    key       text NOT NULL,
    md5       text NOT NULL,
    row_count bigint NOT NULL,
    PRIMARY KEY (job, shard, failed)
);

CREATE TABLE code (
    job   bigint NOT NULL,
    code  text COLLATE "C" NOT NULL,
    tasks bigint NOT NULL,
    PRIMARY KEY (job, code)
);
