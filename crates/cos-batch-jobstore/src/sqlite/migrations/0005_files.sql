-- Files that a manifest lists, each read once by whoever leases it. What came of one is JSON, and small: where its pieces
-- are, not what is in them.

CREATE TABLE file (
    job         INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    source      TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done')),
    epoch       INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    outcome     TEXT CHECK ((outcome IS NOT NULL) = (state = 'done')),
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_ready ON file (job, number) WHERE state = 'ready';
CREATE INDEX file_lease ON file (lease_until) WHERE state = 'leased';
