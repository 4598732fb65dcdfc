-- The engine role may read which migrations ran, and nothing else of the owner's.
CREATE FUNCTION pintle.migrations_applied() RETURNS TABLE (version bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT version FROM _sqlx_migrations WHERE success ORDER BY version';
GRANT EXECUTE ON FUNCTION pintle.migrations_applied() TO pintle_engine;
