-- Work beside row changes: what a Schedule does when it fires, and what somebody asks for by hand. It is in the same
-- ledger, with the same states; it is claimed one by one, under a fence.
ALTER TABLE pintle.jobs
    ALTER COLUMN plan_id DROP NOT NULL,
    DROP CONSTRAINT jobs_action_check,
    DROP CONSTRAINT jobs_cause_check,
    DROP CONSTRAINT jobs_check,
    ADD CONSTRAINT jobs_action_check CHECK (action IN ('create', 'update', 'adopt', 'restore', 'delete', 'remove', 'run')),
    ADD CONSTRAINT jobs_cause_check CHECK (cause IN ('intent', 'drift', 'conflict', 'schedule', 'request')),
    ADD CONSTRAINT jobs_revision_check CHECK ((action IN ('create', 'run')) = (planned_revision IS NULL)),
    ADD CONSTRAINT jobs_plan_check CHECK ((action = 'run') = (plan_id IS NULL));

ALTER TABLE pintle.job_state
    ADD COLUMN queue      text NOT NULL DEFAULT 'rows' CHECK (queue IN ('rows', 'work', 'external')),
    ADD COLUMN turn       uuid,        -- of jobs with the same one, one is out at a time
    ADD COLUMN fence      bigint,      -- drawn with every start; grows over all jobs
    ADD COLUMN process    uuid,        -- that runs it
    ADD COLUMN started_at timestamptz,
    ADD COLUMN cancel     text;        -- why somebody wants it to end, while it runs
CREATE SEQUENCE pintle.fences;

DROP INDEX pintle.job_state_one_open, pintle.job_state_queued;
CREATE UNIQUE INDEX job_state_one_open ON pintle.job_state (source_id, object_kind, object_name)
    WHERE queue = 'rows' AND state IN ('queued', 'released', 'running');
CREATE INDEX job_state_queued ON pintle.job_state (queue, partner, priority, job_id) WHERE state = 'queued';
CREATE INDEX job_state_turn ON pintle.job_state (turn, (state = 'queued'), job_id) WHERE turn IS NOT NULL AND state IN ('queued', 'released', 'running');
-- What is out is few beside what waits, and is counted with every release. Open rows of a source are found by
-- `job_state_one_open`, dead ones by `job_state_dead`.
DROP INDEX pintle.job_state_unsettled;
CREATE INDEX job_state_out ON pintle.job_state (queue) WHERE state IN ('released', 'running');

-- Up to when the ticks of a Schedule were looked at. What was looked at is never looked at again.
CREATE TABLE pintle.schedule_clocks (
    uid          uuid        PRIMARY KEY,
    looked_until timestamptz NOT NULL,
    suspended    boolean     NOT NULL DEFAULT false,
    clock        text        NOT NULL,  -- of which fields that is: with another clock it begins anew
    position     timestamptz            -- up to when an export of the log went
);

-- What became of each tick.
CREATE TABLE pintle.runs (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id    text        NOT NULL,
    schedule     text        NOT NULL,
    schedule_uid uuid        NOT NULL,
    tick         timestamptz NOT NULL,
    trigger      text        NOT NULL CHECK (trigger IN ('clock', 'late', 'hand', 'backfill')),
    outcome      text        NOT NULL CHECK (outcome IN ('run', 'cancelled', 'overlap', 'closed', 'missed')),
    job_id       bigint,
    by_whom      text,
    reason       text,
    decided_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((outcome IN ('run', 'cancelled')) = (job_id IS NOT NULL))
);
-- A tick is a run once, whichever leader looks and however often; what was missed or cancelled may be run by hand later.
CREATE UNIQUE INDEX runs_once ON pintle.runs (schedule_uid, tick) WHERE outcome = 'run' AND trigger <> 'hand';
CREATE UNIQUE INDEX runs_told_once ON pintle.runs (schedule_uid, tick, outcome) WHERE outcome NOT IN ('run', 'cancelled');
CREATE INDEX ON pintle.runs (source_id, schedule, id DESC);
CREATE INDEX ON pintle.runs (job_id);
CREATE INDEX ON pintle.runs (decided_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON pintle.schedule_clocks, pintle.runs TO pintle_engine;
GRANT USAGE ON SEQUENCE pintle.fences, pintle.jobs_id_seq TO pintle_engine;

-- When every row was compared with its document last, and not only what the change log named.
ALTER TABLE pintle.sources ADD COLUMN compared_at timestamptz;
