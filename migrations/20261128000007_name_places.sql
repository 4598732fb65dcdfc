-- What slots are counted for: the region that work is done for, and the queue of somebody else that does it.
ALTER TABLE pintle.job_state ADD COLUMN region text;
UPDATE pintle.job_state s SET work = 'queue:' || (j.body #>> '{job,queue}') FROM pintle.jobs j
    WHERE j.id = s.job_id AND s.work = 'queue' AND j.body #>> '{job,queue}' IS NOT NULL;
-- What a change replaces: who brings it back within the day takes something back.
ALTER TABLE pintle.jobs ADD COLUMN before_digest bytea;
-- The name of a whole plan, beside the digest of its actions.
ALTER TABLE pintle.plans ADD COLUMN identity bytea;
