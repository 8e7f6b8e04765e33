-- Files that a manifest lists, each read once by whichever node leases it. What came of one is JSON, and small: where its
-- pieces are, not what is in them.
--
-- A node of the release before knows nothing of them: it prepares a job alone, from the beginning, and where it forgets a
-- job it leaves these rows behind, which are in nobody's way.

CREATE TABLE file (
    job         bigint NOT NULL,
    number      bigint NOT NULL,
    source      text NOT NULL,
    state       text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done')),
    epoch       bigint NOT NULL DEFAULT 0,
    lease_until bigint,
    outcome     text CHECK ((outcome IS NOT NULL) = (state = 'done')),
    PRIMARY KEY (job, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX file_ready ON file (job, number) WHERE state = 'ready';
CREATE INDEX file_leased ON file (job, number) WHERE state = 'leased';
