-- What was made of what one statement saw, another writes in one, as long as what was seen still holds. Otherwise it is
-- refused, and nothing of it is written.
CREATE FUNCTION pintle.insist(holds boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'what was seen does not hold any more' USING ERRCODE = 'PN005';
    END IF;
END $$;

-- Takes the lock that pausing takes alone, and says what is paused then. What a statement reads besides is from before it
-- waited; what a volatile function reads is not. Daemons of before this call `hold_pauses` until they are replaced.
CREATE FUNCTION pintle.paused_under(lock bigint) RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(lock);
    RETURN ARRAY(SELECT id FROM pintle.pauses WHERE ended_at IS NULL AND (until IS NULL OR until > clock_timestamp()) ORDER BY id);
END $$;
REVOKE EXECUTE ON FUNCTION pintle.insist(boolean), pintle.paused_under(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pintle.insist(boolean), pintle.paused_under(bigint) TO pintle_engine;

-- A server notes 256 ranges a minute that are to be summarised, and tells its log of each more. A range is 1 MB now, not a
-- quarter.
DROP INDEX pintle.audit_logs_named;
CREATE INDEX audit_logs_named ON pintle.audit_logs USING brin (id uuid_minmax_multi_ops, job_id int8_minmax_multi_ops)
    WITH (pages_per_range = 128, autosummarize = on);
