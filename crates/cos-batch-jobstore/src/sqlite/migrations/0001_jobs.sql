-- Jobs and their work. Times are Unix milliseconds. A job's id is the 16 bytes of its UUID, so that the order of blobs
-- is the order of creation; inside, a job is named by its row number.

CREATE TABLE store (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    -- Outlives the job, so that ids never repeat nor go back.
    last_job_id BLOB
) STRICT;
INSERT INTO store (one) VALUES (1);

CREATE TABLE tenant (
    tenant TEXT NOT NULL PRIMARY KEY,
    -- Jobs that have not ended, deleted ones included.
    live   INTEGER NOT NULL CHECK (live >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    num           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant        TEXT NOT NULL,
    token         TEXT NOT NULL,
    priority      INTEGER NOT NULL,
    -- The state as JSON; beside it, what is looked for.
    state         TEXT NOT NULL,
    status        TEXT NOT NULL,
    suspended_at  INTEGER,
    terminated_at INTEGER,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    deleted       INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    total         INTEGER NOT NULL DEFAULT 0 CHECK (total >= 0),
    -- These five are changed in the transaction that changes the shard.
    succeeded     INTEGER NOT NULL DEFAULT 0 CHECK (succeeded >= 0),
    failed        INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    ready         INTEGER NOT NULL DEFAULT 0 CHECK (ready >= 0),
    leased        INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0),
    done          INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
    lease_epoch   INTEGER NOT NULL DEFAULT 0,
    lease_until   INTEGER,
    UNIQUE (tenant, token)
) STRICT;
CREATE INDEX job_list ON job (tenant, id) WHERE deleted = 0;
CREATE INDEX job_list_by_status ON job (tenant, status, id) WHERE deleted = 0;
CREATE INDEX job_brief ON job (status, priority DESC, id);
CREATE INDEX job_ended ON job (terminated_at, id) WHERE terminated_at IS NOT NULL;
CREATE INDEX job_lease ON job (lease_until) WHERE lease_until IS NOT NULL;

-- Apart from the job, because counters change often and this never does.
CREATE TABLE job_spec (
    job  INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    spec TEXT NOT NULL
) STRICT;

CREATE TABLE event (
    job    INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE shard (
    job           INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    source        TEXT NOT NULL,
    first_row     INTEGER NOT NULL,
    row_count     INTEGER NOT NULL CHECK (row_count > 0),
    state         TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done')),
    epoch         INTEGER NOT NULL DEFAULT 0,
    lease_until   INTEGER,
    cursor_rows   INTEGER NOT NULL DEFAULT 0 CHECK (cursor_rows BETWEEN 0 AND row_count),
    cursor_offset INTEGER NOT NULL DEFAULT 0,
    segments      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
-- Shards that are held or finished are not in the way of a claim, and so on.
CREATE INDEX shard_ready ON shard (job, number) WHERE state = 'ready';
CREATE INDEX shard_lease ON shard (lease_until) WHERE state = 'leased';
CREATE INDEX shard_cut_off ON shard (job, number) WHERE state <> 'done' AND segments > 0;

CREATE TABLE segment (
    job            INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    shard          INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    succeeded_rows INTEGER NOT NULL,
    failed_rows    INTEGER NOT NULL,
    PRIMARY KEY (job, shard, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE result (
    job       INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    shard     INTEGER NOT NULL,
    failed    INTEGER NOT NULL CHECK (failed IN (0, 1)),
    key       TEXT NOT NULL,
    md5       TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    PRIMARY KEY (job, shard, failed)
) STRICT, WITHOUT ROWID;

CREATE TABLE code (
    job   INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    code  TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (job, code)
) STRICT, WITHOUT ROWID;
