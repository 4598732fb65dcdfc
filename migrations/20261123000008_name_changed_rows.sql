-- The change log names the rows that a statement wrote, so that a tick reads those and no other.
-- Null names mean any row of the kind; a null kind means any row at all.
ALTER TABLE pintle.live_changes ADD names text[], ALTER kind DROP NOT NULL;
CREATE INDEX ON pintle.live_changes (xid);

-- Dead letters are part of every plan and few among many finished jobs.
CREATE INDEX job_state_dead ON pintle.job_state (source_id) WHERE state = 'dead';

CREATE FUNCTION pintle.log_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO live_changes (kind, names) SELECT TG_ARGV[0], array_agg(name) FROM new_rows HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO live_changes (kind, names) SELECT TG_ARGV[0], array_agg(name) FROM old_rows HAVING count(*) > 0;
    ELSE
        INSERT INTO live_changes (kind, names)
        SELECT TG_ARGV[0], array_agg(name) FROM (SELECT name FROM new_rows UNION SELECT name FROM old_rows) AS written HAVING count(*) > 0;
    END IF;
    IF FOUND THEN
        PERFORM pg_notify('pintle_live', TG_ARGV[0]);
    END IF;
    RETURN NULL;
END
$$;

-- The triggers of one kind's table. A trigger with transition tables serves one event.
CREATE FUNCTION pintle.log_kind(table_name text, kind_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TRIGGER log_change ON pintle.%I', table_name);
    EXECUTE format('CREATE TRIGGER log_insert AFTER INSERT ON pintle.%I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION pintle.log_rows(%L)', table_name, kind_name);
    EXECUTE format('CREATE TRIGGER log_update AFTER UPDATE ON pintle.%I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION pintle.log_rows(%L)', table_name, kind_name);
    EXECUTE format('CREATE TRIGGER log_delete AFTER DELETE ON pintle.%I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION pintle.log_rows(%L)', table_name, kind_name);
    EXECUTE format('CREATE TRIGGER log_truncate AFTER TRUNCATE ON pintle.%I FOR EACH STATEMENT EXECUTE FUNCTION pintle.log_change(%L)', table_name, kind_name);
    EXECUTE format('ALTER TABLE pintle.%I ENABLE ALWAYS TRIGGER log_insert, ENABLE ALWAYS TRIGGER log_update, ENABLE ALWAYS TRIGGER log_delete, ENABLE ALWAYS TRIGGER log_truncate', table_name);
END
$$;

SELECT pintle.log_kind(c.relname, substring(pg_get_expr(d.adbin, d.adrelid) FROM '''([^'']*)'''))
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'kind'
JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE i.inhparent = 'pintle.objects'::regclass;

-- A statement on the spine writes rows of any kind, and fires the triggers of the spine alone.
CREATE FUNCTION pintle.log_anything() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
BEGIN
    INSERT INTO live_changes (kind) VALUES (NULL);
    PERFORM pg_notify('pintle_live', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER log_anything AFTER UPDATE OR DELETE OR TRUNCATE ON pintle.objects FOR EACH STATEMENT EXECUTE FUNCTION pintle.log_anything();
ALTER TABLE pintle.objects ENABLE ALWAYS TRIGGER log_anything;

-- A kind made after this migration logs its rows as well.
ALTER FUNCTION pintle.create_kind(text, text) RENAME TO create_kind_table;
CREATE FUNCTION pintle.create_kind(table_name text, kind_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pintle.create_kind_table(table_name, kind_name);
    PERFORM pintle.log_kind(table_name, kind_name);
END
$$;
REVOKE ALL ON FUNCTION pintle.create_kind(text, text), pintle.create_kind_table(text, text), pintle.log_kind(text, text), pintle.log_rows(), pintle.log_anything() FROM PUBLIC;
