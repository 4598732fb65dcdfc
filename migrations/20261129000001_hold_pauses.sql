-- Takes the lock that pausing takes alone, and says whether anything is paused then. What a statement reads besides is from
-- before it waited; what a volatile function reads is not: a claim need not be two statements.
CREATE FUNCTION pintle.hold_pauses(lock bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(lock);
    RETURN EXISTS (SELECT FROM pintle.pauses WHERE ended_at IS NULL AND (until IS NULL OR until > clock_timestamp()));
END $$;
REVOKE EXECUTE ON FUNCTION pintle.hold_pauses(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pintle.hold_pauses(bigint) TO pintle_engine;
