-- Nothing is looked for by what is in a body, a digest or a sentence: counting how often each occurs takes longer than all
-- else that is counted of a table, and is done again whenever it has grown by a tenth.
ALTER TABLE pintle.jobs ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN declared SET STATISTICS 0, ALTER COLUMN labels_before SET STATISTICS 0,
    ALTER COLUMN target_digest SET STATISTICS 0, ALTER COLUMN written_digest SET STATISTICS 0, ALTER COLUMN declared_digest SET STATISTICS 0,
    ALTER COLUMN before_digest SET STATISTICS 0;
ALTER TABLE pintle.job_state ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE pintle.runs ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE pintle.audit_logs ALTER COLUMN leaf SET STATISTICS 0, ALTER COLUMN mac SET STATISTICS 0, ALTER COLUMN salt SET STATISTICS 0,
    ALTER COLUMN sealed SET STATISTICS 0;

-- A partition has its columns from its parent, and how they are counted not.
CREATE OR REPLACE FUNCTION pintle.create_audit_partition(name text, bounds text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pintle AS $$
BEGIN
    EXECUTE format('CREATE TABLE pintle.%I PARTITION OF pintle.audit_logs %s', name, bounds);
    EXECUTE format('ALTER TABLE pintle.%I ALTER COLUMN leaf SET STATISTICS 0, ALTER COLUMN mac SET STATISTICS 0, ALTER COLUMN salt SET STATISTICS 0, ALTER COLUMN sealed SET STATISTICS 0', name);
    EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON pintle.%I FOR EACH ROW EXECUTE FUNCTION pintle.refuse_rewrite()', name);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON pintle.%I FOR EACH STATEMENT EXECUTE FUNCTION pintle.refuse_rewrite()', name);
    EXECUTE format('ALTER TABLE pintle.%I ENABLE ALWAYS TRIGGER refuse_change, ENABLE ALWAYS TRIGGER refuse_truncate', name);
END
$$;
