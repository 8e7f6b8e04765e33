-- Which job another one tries again, and which segments have failed rows: both are looked for when somebody asks what
-- became of a job.

ALTER TABLE job ADD COLUMN retry_of BLOB CHECK (retry_of IS NULL OR length(retry_of) = 16);
CREATE INDEX job_retry ON job (retry_of, id) WHERE retry_of IS NOT NULL;
CREATE INDEX segment_failed ON segment (job, shard, number) WHERE failed_rows > 0;
