-- The ledger: what must happen, immutable, beside what became of it, narrow and mutable.
CREATE TABLE pintle.plans (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id text        NOT NULL REFERENCES pintle.sources (id),
    parent    bigint      REFERENCES pintle.plans (id),
    commit    text        NOT NULL,
    seq       bigint      NOT NULL,
    actions   bytea       NOT NULL CHECK (length(actions) = 32),
    made_at   timestamptz NOT NULL,
    counts    jsonb       NOT NULL,
    waiting   jsonb       NOT NULL
);

-- A plan becomes current only if its parent is the current one.
CREATE TABLE pintle.plan_heads (
    source_id text PRIMARY KEY REFERENCES pintle.sources (id),
    plan_id   bigint NOT NULL REFERENCES pintle.plans (id)
);

CREATE TABLE pintle.jobs (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id          bigint      NOT NULL REFERENCES pintle.plans (id),
    source_id        text        NOT NULL,
    object_kind      text        NOT NULL,
    object_name      text        NOT NULL,
    uid              uuid        NOT NULL,
    action           text        NOT NULL CHECK (action IN ('create', 'update', 'adopt', 'restore', 'delete')),
    cause            text        NOT NULL CHECK (cause IN ('intent', 'drift', 'conflict')),
    target_digest    bytea       CHECK (length(target_digest) = 32),
    written_digest   bytea       CHECK (length(written_digest) = 32),
    planned_revision bigint,     -- null for a create
    body             jsonb,      -- {annotations, labels, spec}; null for a delete
    file             text,
    line             integer,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((action = 'create') = (planned_revision IS NULL)),
    CHECK ((action = 'delete') = (body IS NULL))
);
CREATE INDEX ON pintle.jobs (plan_id);

CREATE TABLE pintle.job_state (
    job_id      bigint      PRIMARY KEY REFERENCES pintle.jobs (id),
    source_id   text        NOT NULL,
    object_kind text        NOT NULL,
    object_name text        NOT NULL,
    partner     text        NOT NULL DEFAULT '',
    priority    smallint    NOT NULL,
    state       text        NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'released', 'running', 'done', 'superseded', 'cancelled', 'dead')),
    attempts    smallint    NOT NULL DEFAULT 0,
    delivery    uuid,
    not_before  timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason      text
) WITH (fillfactor = 50);
-- One non-terminal job an object. A dead one is terminal, but remembered.
CREATE UNIQUE INDEX job_state_one_open ON pintle.job_state (source_id, object_kind, object_name)
    WHERE state IN ('queued', 'released', 'running');
CREATE INDEX job_state_queued ON pintle.job_state (partner, priority, job_id) WHERE state = 'queued';

CREATE TABLE pintle.job_needs (
    job_id bigint NOT NULL REFERENCES pintle.jobs (id) ON DELETE CASCADE,
    needs  bigint NOT NULL REFERENCES pintle.jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (job_id, needs)
);
CREATE INDEX ON pintle.job_needs (needs);

-- What was asked for by others than the repository: recorded before anything is done about it.
CREATE TABLE pintle.requests (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin     text        NOT NULL,
    request    text        NOT NULL,
    accepted   boolean     NOT NULL,
    reason     text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON pintle.plan_heads, pintle.jobs, pintle.job_state, pintle.job_needs TO pintle_engine;
GRANT SELECT, INSERT ON pintle.plans, pintle.requests TO pintle_engine;
