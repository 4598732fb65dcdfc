-- When a service said for the first time that it had carried out a generation: what it says again and again does not
-- begin a soak anew. And when a change that goes out in waves began, for the deadline of its first wave.
ALTER TABLE pintle.observed ADD COLUMN arrived_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE pintle.observed SET arrived_at = observed_at;
ALTER TABLE pintle.paced_runs ADD COLUMN began_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- As before; the daemon is rung when something arrives or fails, and not for what is said again.
CREATE OR REPLACE FUNCTION pintle_api.observe_v1(object uuid, generation bigint, status jsonb DEFAULT '{}') RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle, pg_catalog AS $$
DECLARE
    there bigint;
    before observed%ROWTYPE;
BEGIN
    SELECT o.generation INTO there FROM objects o WHERE o.uid = object;
    IF there IS NULL THEN
        RAISE EXCEPTION 'there is no row %', object USING ERRCODE = 'PN004';
    END IF;
    IF generation > there THEN
        RAISE EXCEPTION 'row % is at generation %, not %', object, there, generation USING ERRCODE = 'PN004';
    END IF;
    SELECT * INTO before FROM observed o WHERE o.uid = object FOR UPDATE;
    INSERT INTO observed AS o (uid, observed_generation, status, observed_by) VALUES (object, generation, status, session_user)
    ON CONFLICT (uid) DO UPDATE SET observed_generation = EXCLUDED.observed_generation, status = EXCLUDED.status,
        observed_by = EXCLUDED.observed_by, observed_at = clock_timestamp(),
        arrived_at = CASE WHEN o.observed_generation < EXCLUDED.observed_generation OR (o.status ? 'failed') <> (EXCLUDED.status ? 'failed')
            THEN clock_timestamp() ELSE o.arrived_at END
        WHERE o.observed_generation <= EXCLUDED.observed_generation;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF generation > coalesce(before.observed_generation, -1) OR (before.status ? 'failed') <> (status ? 'failed') THEN
        PERFORM pg_notify('pintle_jobs', 'arrived');
    END IF;
    RETURN true;
END
$$;

-- When somebody opened each wave: its deadline counts from then.
ALTER TABLE pintle.paced_runs ADD COLUMN advanced_at jsonb NOT NULL DEFAULT '{}';
