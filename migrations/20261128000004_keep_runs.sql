-- Wide changes that go out in waves: since which accepted step, and which waves somebody opened by hand.
CREATE TABLE pintle.paced_runs (
    source_id text   NOT NULL,
    rollout   text   NOT NULL,
    since_seq bigint NOT NULL,
    advanced  text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (source_id, rollout)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pintle.paced_runs TO pintle_engine;
CREATE TRIGGER tell_advance AFTER UPDATE ON pintle.paced_runs FOR EACH STATEMENT EXECUTE FUNCTION pintle.tell_pause();
