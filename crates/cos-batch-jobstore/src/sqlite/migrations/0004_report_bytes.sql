-- Bytes of a job's report so far, for a limit on them.
ALTER TABLE job ADD COLUMN report_bytes INTEGER NOT NULL DEFAULT 0;
