-- Why each object waits that should move and does not, as of the newest plan. Many wait for the same reason: it stands once,
-- and when only its words change, nothing of its objects is written.
CREATE TABLE pintle.waiting_reasons (
    source_id text    NOT NULL REFERENCES pintle.sources (id) ON DELETE CASCADE,
    id        integer NOT NULL,
    code      text    NOT NULL,
    message   text    NOT NULL,
    lifted_by text    NOT NULL,
    until     timestamptz,
    -- The Rollout in whose waves it waits, and what keeps its wave closed until somebody acts.
    rollout   text,
    held      text,
    PRIMARY KEY (source_id, id)
);
CREATE TABLE pintle.waiting_objects (
    source_id   text    NOT NULL,
    object_kind text    NOT NULL,
    object_name text    NOT NULL,
    reason      integer NOT NULL,
    PRIMARY KEY (source_id, object_kind, object_name)
);
CREATE VIEW pintle.waiting AS
    SELECT o.source_id, o.object_kind, o.object_name, r.code, r.message, r.lifted_by, r.until, r.rollout, r.held
    FROM pintle.waiting_objects o JOIN pintle.waiting_reasons r ON r.source_id = o.source_id AND r.id = o.reason;
GRANT SELECT, INSERT, UPDATE, DELETE ON pintle.waiting_reasons, pintle.waiting_objects TO pintle_engine;
GRANT SELECT ON pintle.waiting TO pintle_engine;
-- Daemons of before this write the first thousand here until they are replaced; nothing reads them any more.
COMMENT ON COLUMN pintle.sources.waiting IS 'of daemons before 2026-12-01';
COMMENT ON COLUMN pintle.sources.waiting_count IS 'of daemons before 2026-12-01';
