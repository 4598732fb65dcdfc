-- The schema and the roles. Migrations run as the owner; the daemon runs as pintle_engine, which owns
-- nothing. Roles are global to a cluster, so they may exist already.
CREATE SCHEMA pintle;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['pintle_engine', 'pintle_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this cluster was migrated at the same moment
            END;
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA pintle TO pintle_engine, pintle_reader;
