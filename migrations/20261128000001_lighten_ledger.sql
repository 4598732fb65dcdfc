-- A job's state and needs are written by the statement after the one that writes the job, in one transaction, and no
-- job is ever deleted: what these held is so by construction, and held it at the price of a lookup for each row.
ALTER TABLE pintle.job_state DROP CONSTRAINT job_state_job_id_fkey;
ALTER TABLE pintle.job_needs DROP CONSTRAINT job_needs_job_id_fkey, DROP CONSTRAINT job_needs_needs_fkey;
ALTER TABLE pintle.jobs DROP CONSTRAINT jobs_plan_id_fkey;

-- Bodies and sealed records are compressed with every write; lz4 costs a fraction of the default, where the server has it.
DO $$
DECLARE
    wide record;
BEGIN
    FOR wide IN
        SELECT c.oid::regclass AS name, a.attname AS column_name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'pintle'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
          AND a.attname IN ('spec', 'applied', 'body', 'declared', 'sealed', 'leaf') AND a.atttypid IN ('jsonb'::regtype, 'bytea'::regtype)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', wide.name, wide.column_name);
    END LOOP;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server was built without lz4; its default compression is kept';
END
$$;

-- Thousands of jobs may come at once, long before the server counts anew by itself: plans kept for an almost empty
-- table would read all of it for each row. Counting them makes every session plan anew.
CREATE FUNCTION pintle.count_ledger() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
BEGIN
    -- Not the bodies: nothing asks for rows by them.
    ANALYZE pintle.jobs (id, plan_id, source_id, object_kind, object_name, action), pintle.job_state, pintle.job_needs;
END
$$;
REVOKE ALL ON FUNCTION pintle.count_ledger() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pintle.count_ledger() TO pintle_engine;
