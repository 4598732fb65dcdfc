-- The raw commits that proved accepted steps, and those that revoke, withdraw or ratify: refs that
-- brought them may be deleted, or withheld by the forge. Each is named by its own hash.
CREATE TABLE pintle.evidence (
    source_id text        NOT NULL REFERENCES pintle.sources (id),
    oid       text        NOT NULL CHECK (oid ~ '^[0-9a-f]{40}$'),
    raw       bytea       NOT NULL,
    standing  boolean     NOT NULL, -- still says something by itself: looked at with every verdict
    kept_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source_id, oid)
);
GRANT SELECT, INSERT, UPDATE (standing) ON pintle.evidence TO pintle_engine;

-- What someone must look at although nothing is held by it, and since when main is blocked.
ALTER TABLE pintle.sources ADD COLUMN alarms jsonb NOT NULL DEFAULT '[]';
