-- Where the daemon stands: which source, what it saw, what it accepted. A row here never makes an
-- accepted commit; every one is derived again from the Git objects.
CREATE TABLE pintle.sources (
    id                  text PRIMARY KEY,
    repo_id             uuid        NOT NULL,
    git_ref             text        NOT NULL,
    introduction_commit text        NOT NULL,
    introduction_policy text        NOT NULL,
    seen_tip            text,
    fetched_at          timestamptz,
    fetch_error         text,
    fetch_failed_since  timestamptz,
    verdict             jsonb,      -- held or refused, with reasons; null when the tip is accepted
    held_since          timestamptz,
    applied_commit      text,       -- the newest accepted commit all of whose steps are applied or wait
    applied_at          timestamptz,
    applied_in_ms       bigint,
    waiting             jsonb       NOT NULL DEFAULT '[]', -- what should move and does not, as of the last plan
    waiting_count       bigint      NOT NULL DEFAULT 0
);

-- Rings for whoever waits for a commit. Only a doorbell.
CREATE FUNCTION pintle.ring_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pintle_source', NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER ring_source AFTER UPDATE ON pintle.sources FOR EACH ROW
    WHEN ((NEW.seen_tip, NEW.verdict, NEW.applied_commit, NEW.fetch_error) IS DISTINCT FROM (OLD.seen_tip, OLD.verdict, OLD.applied_commit, OLD.fetch_error))
    EXECUTE FUNCTION pintle.ring_source();

CREATE TABLE pintle.accepted_commits (
    source_id   text        NOT NULL REFERENCES pintle.sources (id),
    seq         bigint      NOT NULL CHECK (seq > 0),
    commit      text        NOT NULL,
    change_id   text        NOT NULL,
    accepted_at timestamptz NOT NULL,
    acceptance  jsonb       NOT NULL,
    PRIMARY KEY (source_id, seq),
    UNIQUE (source_id, commit)
);

-- At most one leader. Every write of the leader locks this row by its token, so that a takeover
-- (a new token) conflicts with it, and a renewal (the same token) does not.
CREATE TABLE pintle.leader (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    token      uuid        NOT NULL UNIQUE,
    holder     text        NOT NULL,
    term       bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE pintle.processes (
    id         uuid PRIMARY KEY,
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    version    text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON pintle.sources, pintle.accepted_commits, pintle.leader TO pintle_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON pintle.processes TO pintle_engine;
