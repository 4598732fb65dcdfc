-- What the gate needs of the ledger: what ends an object, what is declared beside what is written, and
-- what moved within a day.
ALTER TABLE pintle.jobs
    DROP CONSTRAINT jobs_action_check,
    DROP CONSTRAINT jobs_check1,
    ADD CHECK (action IN ('create', 'update', 'adopt', 'restore', 'delete', 'remove')),
    ADD CHECK ((action IN ('delete', 'remove')) = (body IS NULL)),
    ADD COLUMN destructive     boolean NOT NULL DEFAULT false,
    ADD COLUMN moves_followers boolean NOT NULL DEFAULT false,
    ADD COLUMN labels_before   jsonb,      -- of the row when it was planned, and its partner: what a limit counts by
    ADD COLUMN partner_before  text,
    ADD COLUMN declared        jsonb,      -- the base to record, where drifted fields are left as they are
    ADD COLUMN declared_digest bytea CHECK (length(declared_digest) = 32),
    ADD CHECK ((declared IS NULL) = (declared_digest IS NULL));
UPDATE pintle.jobs SET destructive = action = 'delete';
-- What was tombstoned before rows went for good begins its grace anew.
UPDATE pintle.objects SET tombstoned_at = clock_timestamp() WHERE tombstoned_at IS NOT NULL;
-- What limits count is few among what is new.
ALTER TABLE pintle.job_state ADD COLUMN counted boolean NOT NULL DEFAULT true;
CREATE INDEX job_state_counted ON pintle.job_state (source_id, changed_at) WHERE state = 'done' AND counted;
CREATE INDEX ON pintle.plans (source_id, seq);

-- Since when the leader leads: what cannot be undone comes from a plan of its own.
ALTER TABLE pintle.leader ADD COLUMN since timestamptz NOT NULL DEFAULT clock_timestamp();

-- The newest accepted step whose plan passed the gate, and the step before it whose guard it passed:
-- no commit is judged by its own.
ALTER TABLE pintle.sources
    ADD COLUMN admitted_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN guard_seq    bigint NOT NULL DEFAULT 0,
    ADD COLUMN fetched_tip  text,                         -- before anything is known of it
    ADD COLUMN lifted       jsonb  NOT NULL DEFAULT '[]'; -- limits that somebody lifted, by accepted step
UPDATE pintle.sources s SET admitted_seq = a.seq, guard_seq = a.seq FROM pintle.accepted_commits a
WHERE a.source_id = s.id AND a.commit = s.applied_commit;

-- What somebody paused. Who pauses takes the lock alone, who applies shares it: nothing starts after it.
CREATE TABLE pintle.pauses (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text,
    name       text CHECK (name IS NULL OR kind IS NOT NULL),
    labels     jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    reason     text        NOT NULL CHECK (length(trim(reason)) BETWEEN 1 AND 500),
    by_whom    text        NOT NULL,
    until      timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    ended_by   text,
    end_reason text
);
CREATE INDEX ON pintle.pauses (id) WHERE ended_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON pintle.pauses TO pintle_engine;

CREATE FUNCTION pintle.tell_pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pintle_live', 'pause');
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_pause AFTER INSERT OR UPDATE ON pintle.pauses FOR EACH STATEMENT EXECUTE FUNCTION pintle.tell_pause();

-- A protected row is neither tombstoned nor deleted, whoever asks: the protection is lifted first, by a
-- write of its own.
CREATE FUNCTION pintle.refuse_protected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.protected AND (TG_OP = 'DELETE' OR (NEW.tombstoned_at IS NOT NULL AND OLD.tombstoned_at IS NULL)) THEN
        RAISE EXCEPTION '%/% is protected by pintle/protect', OLD.kind, OLD.name
            USING ERRCODE = 'PN003', HINT = 'take the annotation away first, by an accepted commit of its own';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION pintle.protect_kind(table_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER a_refuse_protected BEFORE UPDATE OF tombstoned_at OR DELETE ON pintle.%I FOR EACH ROW EXECUTE FUNCTION pintle.refuse_protected()', table_name);
    EXECUTE format('ALTER TABLE pintle.%I ENABLE ALWAYS TRIGGER a_refuse_protected', table_name);
END
$$;
SELECT pintle.protect_kind(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'pintle.objects'::regclass;

CREATE OR REPLACE FUNCTION pintle.create_kind(table_name text, kind_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pintle.create_kind_table(table_name, kind_name);
    PERFORM pintle.log_kind(table_name, kind_name);
    PERFORM pintle.protect_kind(table_name);
END
$$;
REVOKE ALL ON FUNCTION pintle.protect_kind(text), pintle.refuse_protected(), pintle.tell_pause() FROM PUBLIC;
