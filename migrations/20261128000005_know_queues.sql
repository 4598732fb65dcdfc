-- Queues that somebody else's BullMQ worker serves: a flushed Redis forgets which version does.
CREATE TABLE pintle.external_queues (
    name    text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 253),
    version text        NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE ON pintle.external_queues TO pintle_engine;

-- Which cluster this is, and on which timeline it was written last. Another one may lack what was acknowledged: numbers
-- that were given away must not be given away twice.
CREATE TABLE pintle.cluster (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    system_id text NOT NULL,
    timeline  text NOT NULL
);
GRANT SELECT ON pintle.cluster TO pintle_engine;

-- Says whether cluster or timeline are others than those of the last time; then every number goes on past a margin.
CREATE FUNCTION pintle.know_cluster() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle, pg_catalog AS $$
DECLARE
    here pintle.cluster := ROW (true, (SELECT system_identifier::text FROM pg_control_system()), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8));
    known pintle.cluster;
    numbers record;
BEGIN
    SELECT * INTO known FROM pintle.cluster;
    IF NOT FOUND THEN
        INSERT INTO pintle.cluster SELECT here.* ON CONFLICT DO NOTHING;
        RETURN false;
    END IF;
    IF (known.system_id, known.timeline) = (here.system_id, here.timeline) THEN
        RETURN false;
    END IF;
    PERFORM FROM pintle.cluster FOR UPDATE;
    FOR numbers IN SELECT format('%I.%I', schemaname, sequencename) AS name, coalesce(last_value, start_value) AS last
        FROM pg_sequences WHERE schemaname = 'pintle' AND data_type = 'bigint'::regtype LOOP
        PERFORM setval(numbers.name::regclass, numbers.last + 1000000);
    END LOOP;
    UPDATE pintle.cluster SET system_id = here.system_id, timeline = here.timeline;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION pintle.know_cluster() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pintle.know_cluster() TO pintle_engine;

-- Requests are forgotten with the ticks that asked for them.
GRANT DELETE ON pintle.requests TO pintle_engine;
