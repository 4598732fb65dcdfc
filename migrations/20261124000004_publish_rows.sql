-- What services that act on rows may rely on: read views, a change feed, and a place to say what they
-- did. The tables behind it are not part of that and may change with any version.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pintle_service') THEN
        BEGIN
            CREATE ROLE pintle_service NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this cluster was migrated at the same moment
        END;
    END IF;
END
$$;
CREATE SCHEMA pintle_api;
GRANT USAGE ON SCHEMA pintle_api TO pintle_service, pintle_reader, pintle_engine;

-- What a service did: apart from the rows, so that saying it is no change of them.
CREATE TABLE pintle.observed (
    uid                 uuid PRIMARY KEY,
    observed_generation bigint      NOT NULL CHECK (observed_generation >= 0),
    status              jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(status) = 'object' AND pg_column_size(status) <= 65536),
    observed_by         text        NOT NULL,
    observed_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, DELETE ON pintle.observed TO pintle_engine;

-- A view for each kind: instances_v1, tenants_v1, ….
CREATE FUNCTION pintle.publish_kind(table_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE VIEW pintle_api.%I AS SELECT t.uid, t.kind, t.name, t.partner, t.labels, t.annotations, t.spec, t.generation, t.tombstoned_at, t.created_at, t.updated_at,
            o.observed_generation, o.status, o.observed_at
        FROM pintle.%I t LEFT JOIN pintle.observed o ON o.uid = t.uid', table_name || '_v1', table_name);
    EXECUTE format('GRANT SELECT ON pintle_api.%I TO pintle_service, pintle_reader, pintle_engine', table_name || '_v1');
END
$$;
SELECT pintle.publish_kind(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'pintle.objects'::regclass;

CREATE OR REPLACE FUNCTION pintle.create_kind(table_name text, kind_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pintle.create_kind_table(table_name, kind_name);
    PERFORM pintle.log_kind(table_name, kind_name);
    PERFORM pintle.protect_kind(table_name);
    PERFORM pintle.publish_kind(table_name);
END
$$;

-- The change log serves as feed: it is kept for a day, and what was forgotten is remembered.
ALTER TABLE pintle.live_changes ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE TABLE pintle.forgotten_changes (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    xid       xid8 NOT NULL
);
INSERT INTO pintle.forgotten_changes (xid) VALUES (pg_current_xact_id());
GRANT SELECT, UPDATE ON pintle.forgotten_changes TO pintle_engine;

-- Which rows were written since `after`, a position that this function gave before. A row of a null
-- name means any row of its kind, a null kind any row at all: so does a position that is null, too old
-- or none. Each row carries the position to go on from; there is always one row, if only for that.
CREATE FUNCTION pintle_api.changes_v1(after text DEFAULT NULL) RETURNS TABLE (kind text, name text, "position" text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pintle, pg_catalog AS $$
DECLARE
    now_at pg_snapshot := pg_current_snapshot();
    since  pg_snapshot;
BEGIN
    BEGIN
        since := after::pg_snapshot;
    EXCEPTION WHEN OTHERS THEN
        since := NULL;
    END;
    IF since IS NULL OR pg_snapshot_xmin(since) <= (SELECT f.xid FROM forgotten_changes f WHERE f.xid < pg_snapshot_xmax(now_at)) OR pg_snapshot_xmin(since) > pg_snapshot_xmax(now_at) THEN
        RETURN QUERY SELECT NULL::text, NULL::text, now_at::text;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT DISTINCT c.kind, n.name, now_at::text FROM live_changes c LEFT JOIN LATERAL unnest(c.names) AS n (name) ON true
        WHERE c.xid >= pg_snapshot_xmin(since) AND NOT pg_visible_in_snapshot(c.xid, since);
    IF NOT FOUND THEN
        RETURN QUERY SELECT ''::text, ''::text, now_at::text;
    END IF;
END
$$;

-- A service says which generation of a row it has carried out, and how it stands. What it says of an
-- older generation than it said before is not taken, nor of one that there is not.
CREATE FUNCTION pintle_api.observe_v1(object uuid, generation bigint, status jsonb DEFAULT '{}') RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle, pg_catalog AS $$
DECLARE
    there bigint;
BEGIN
    SELECT o.generation INTO there FROM objects o WHERE o.uid = object;
    IF there IS NULL THEN
        RAISE EXCEPTION 'there is no row %', object USING ERRCODE = 'PN004';
    END IF;
    IF generation > there THEN
        RAISE EXCEPTION 'row % is at generation %, not %', object, there, generation USING ERRCODE = 'PN004';
    END IF;
    INSERT INTO observed AS o (uid, observed_generation, status, observed_by) VALUES (object, generation, status, session_user)
    ON CONFLICT (uid) DO UPDATE SET observed_generation = EXCLUDED.observed_generation, status = EXCLUDED.status,
        observed_by = EXCLUDED.observed_by, observed_at = clock_timestamp()
        WHERE o.observed_generation <= EXCLUDED.observed_generation;
    RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION pintle_api.changes_v1(text), pintle_api.observe_v1(uuid, bigint, jsonb), pintle.publish_kind(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pintle_api.changes_v1(text), pintle_api.observe_v1(uuid, bigint, jsonb) TO pintle_service;
