-- How many jobs of work a process takes at one time: what is released follows what there are hands for.
ALTER TABLE pintle.processes ADD COLUMN slots integer NOT NULL DEFAULT 0 CHECK (slots >= 0);

-- What work does, so that not all hands do the same.
ALTER TABLE pintle.job_state ADD COLUMN work text;
UPDATE pintle.job_state s SET work = coalesce(j.body #>> '{job,kind}', 'none') FROM pintle.jobs j WHERE j.id = s.job_id AND s.queue <> 'rows';
ALTER TABLE pintle.job_state ADD CONSTRAINT job_state_work_check CHECK ((work IS NULL) = (queue = 'rows'));

-- Every index costs each job something. Old runs are found by their ids, and work has no plan.
DROP INDEX pintle.runs_decided_at_idx, pintle.jobs_plan_id_idx;
CREATE INDEX jobs_plan ON pintle.jobs (plan_id) WHERE plan_id IS NOT NULL;
