-- The append-only audit log. The leaf bytes are hashed as stored, never written again; everything
-- that may be personal or large stands in the sealed column, of which the leaf holds a salted hash.
CREATE TABLE pintle.audit_writers (
    slot        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq         bigint      NOT NULL DEFAULT 0,
    holder      uuid        NOT NULL,
    lease_until timestamptz NOT NULL
);

CREATE TABLE pintle.audit_logs (
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    id            uuid        NOT NULL,
    writer        integer     NOT NULL,
    seq           bigint      NOT NULL,
    leaf          bytea       NOT NULL,
    mac           bytea,
    salt          bytea,
    sealed        bytea,
    -- search columns, equal to what the leaf says
    stage         text        NOT NULL CHECK (stage IN ('effect', 'intent', 'outcome', 'denied', 'system')),
    actor         text        NOT NULL,
    action        text        NOT NULL,
    resource_kind text,
    resource_name text,
    partner       text,
    commit        text,
    job_id        bigint,
    outcome       text        NOT NULL,
    PRIMARY KEY (writer, seq, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX ON pintle.audit_logs (resource_kind, resource_name, recorded_at);
CREATE INDEX ON pintle.audit_logs (commit);

CREATE FUNCTION pintle.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_logs is append-only: % refused', TG_OP USING ERRCODE = 'PN002';
END
$$;

-- The one place that makes a partition, with the triggers that a parent would not give it.
CREATE FUNCTION pintle.create_audit_partition(name text, bounds text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
BEGIN
    EXECUTE format('CREATE TABLE pintle.%I PARTITION OF pintle.audit_logs %s', name, bounds);
    EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON pintle.%I FOR EACH ROW EXECUTE FUNCTION pintle.refuse_rewrite()', name);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON pintle.%I FOR EACH STATEMENT EXECUTE FUNCTION pintle.refuse_rewrite()', name);
    EXECUTE format('ALTER TABLE pintle.%I ENABLE ALWAYS TRIGGER refuse_change, ENABLE ALWAYS TRIGGER refuse_truncate', name);
END
$$;

-- This month and the next three, by the database's clock. Takes no argument, so that it can only add.
CREATE FUNCTION pintle.ensure_audit_partitions() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
DECLARE
    month date;
    made integer := 0;
BEGIN
    FOR ahead IN 0..3 LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
        IF to_regclass('pintle.audit_logs_' || to_char(month, 'YYYY_MM')) IS NULL THEN
            PERFORM pintle.create_audit_partition('audit_logs_' || to_char(month, 'YYYY_MM'),
                format('FOR VALUES FROM (%L) TO (%L)', month::text || ' 00:00+00', (month + interval '1 month')::date::text || ' 00:00+00'));
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

SELECT pintle.create_audit_partition('audit_logs_default', 'DEFAULT');
SELECT pintle.ensure_audit_partitions();

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON pintle.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION pintle.refuse_rewrite();
ALTER TABLE pintle.audit_logs ENABLE ALWAYS TRIGGER refuse_truncate;

REVOKE ALL ON FUNCTION pintle.create_audit_partition(text, text), pintle.create_kind(text, text), pintle.ensure_audit_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pintle.ensure_audit_partitions() TO pintle_engine;
GRANT SELECT, INSERT ON pintle.audit_logs TO pintle_engine;
GRANT SELECT, INSERT, UPDATE ON pintle.audit_writers TO pintle_engine;
