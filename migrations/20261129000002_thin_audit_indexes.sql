-- Every record is written into every index of the log. Ids and jobs come about in the order of time: what of the log may hold
-- one is told by little (BRIN) as well as by an entry for each; a whole commit id is looked up for what it effected alone.
DROP INDEX pintle.audit_logs_id_idx, pintle.audit_logs_job_id_idx, pintle.audit_logs_commit_idx;
CREATE INDEX audit_logs_effects ON pintle.audit_logs (commit) WHERE stage = 'effect';
CREATE INDEX audit_logs_named ON pintle.audit_logs USING brin (id uuid_minmax_multi_ops, job_id int8_minmax_multi_ops)
    WITH (pages_per_range = 32, autosummarize = on);
