-- The scheduler reads the most urgent jobs of each tenant, and jobs whose confirmation does not come by how long they wait.

DROP INDEX job_brief;
CREATE INDEX job_brief ON job (tenant, status, priority DESC, id);
CREATE INDEX job_suspended ON job (suspended_at, id) WHERE status = 'Suspended';
