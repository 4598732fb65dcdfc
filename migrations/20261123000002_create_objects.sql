-- Live rows. Every kind's table has the spine of pintle.objects (by inheritance, so that one query
-- reads every kind) and columns generated from spec, so that there is one truth.
CREATE TABLE pintle.objects (
    uid            uuid        NOT NULL,
    source_id      text        NOT NULL,
    kind           text        NOT NULL,
    name           text        NOT NULL CHECK (length(name) BETWEEN 1 AND 253),
    labels         jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    annotations    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(annotations) = 'object'),
    spec           jsonb       NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
    applied        jsonb,      -- the base: {annotations, labels, spec} as last applied; null: never by Pintle
    applied_digest bytea       CHECK (length(applied_digest) = 32),
    written_digest bytea       CHECK (length(written_digest) = 32),
    applied_commit text,
    applied_file   text,       -- where its document stood then
    applied_seq    bigint      NOT NULL DEFAULT 0,
    generation     bigint      NOT NULL DEFAULT 0,
    revision       bigint      NOT NULL DEFAULT 1,
    tombstoned_at  timestamptz,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    partner        text GENERATED ALWAYS AS (CASE kind WHEN 'Partner' THEN name ELSE spec ->> 'partner' END) STORED,
    protected      boolean GENERATED ALWAYS AS (coalesce(annotations ->> 'pintle/protect' = 'true', false)) STORED,
    drifted        boolean GENERATED ALWAYS AS (
        applied IS NOT NULL AND (
            spec IS DISTINCT FROM applied -> 'spec'
            OR labels IS DISTINCT FROM applied -> 'labels'
            OR annotations IS DISTINCT FROM applied -> 'annotations')) STORED,
    CHECK ((applied IS NULL) = (applied_digest IS NULL))
);
COMMENT ON TABLE pintle.objects IS 'The spine of every kind''s table. Holds no rows of its own.';

-- Whoever writes a row bumps its revision; applied_seq never goes back.
CREATE FUNCTION pintle.bump_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    NEW.updated_at := clock_timestamp();
    IF NEW.applied_seq < OLD.applied_seq THEN
        RAISE EXCEPTION 'applied_seq of %/% would go back from % to %', OLD.kind, OLD.name, OLD.applied_seq, NEW.applied_seq
            USING ERRCODE = 'PN001';
    END IF;
    RETURN NEW;
END
$$;

-- The change log: one row a statement, so that a tick knows that nothing was written without reading rows.
CREATE TABLE pintle.live_changes (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL
);

CREATE FUNCTION pintle.log_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
BEGIN
    INSERT INTO pintle.live_changes (kind) VALUES (TG_ARGV[0]);
    PERFORM pg_notify('pintle_live', TG_ARGV[0]);
    RETURN NULL;
END
$$;

-- Everything that a kind's table needs; called once a kind, here and by whoever adds one.
CREATE FUNCTION pintle.create_kind(table_name text, kind_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE pintle.%I (CHECK (kind = %L), PRIMARY KEY (uid), UNIQUE (source_id, name)) INHERITS (pintle.objects)', table_name, kind_name);
    EXECUTE format('ALTER TABLE pintle.%I ALTER kind SET DEFAULT %L, ALTER uid SET DEFAULT gen_random_uuid(), ALTER source_id SET DEFAULT ''default''', table_name, kind_name);
    EXECUTE format('CREATE TRIGGER bump_revision BEFORE UPDATE ON pintle.%I FOR EACH ROW EXECUTE FUNCTION pintle.bump_revision()', table_name);
    EXECUTE format('CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pintle.%I FOR EACH STATEMENT EXECUTE FUNCTION pintle.log_change(%L)', table_name, kind_name);
    EXECUTE format('ALTER TABLE pintle.%I ENABLE ALWAYS TRIGGER bump_revision, ENABLE ALWAYS TRIGGER log_change', table_name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON pintle.%I TO pintle_engine', table_name);
END
$$;

SELECT pintle.create_kind('platform_config', 'PlatformConfig');
SELECT pintle.create_kind('suites', 'Suite');
SELECT pintle.create_kind('capabilities', 'Capability');
SELECT pintle.create_kind('versions', 'Version');
SELECT pintle.create_kind('channels', 'Channel');
SELECT pintle.create_kind('rollouts', 'Rollout');
SELECT pintle.create_kind('windows', 'MaintenanceWindow');
SELECT pintle.create_kind('profiles', 'Profile');
SELECT pintle.create_kind('partners', 'Partner');
SELECT pintle.create_kind('tenants', 'Tenant');
SELECT pintle.create_kind('instances', 'Instance');
SELECT pintle.create_kind('schedules', 'Schedule');
SELECT pintle.create_kind('members', 'Member');
SELECT pintle.create_kind('guardrails', 'Guardrail');

GRANT SELECT ON pintle.objects TO pintle_engine;
GRANT SELECT, DELETE ON pintle.live_changes TO pintle_engine;
