-- Which documents each accepted step touched: an audit record names those who signed for this object,
-- not everyone who signed since it was last written. Derived from Git; `*` stands for any name.
CREATE TABLE pintle.accepted_touches (
    source_id text   NOT NULL,
    kind      text   NOT NULL,
    name      text   NOT NULL,
    seq       bigint NOT NULL,
    PRIMARY KEY (source_id, kind, name, seq)
);
GRANT SELECT, INSERT ON pintle.accepted_touches TO pintle_engine;

-- What is open or dead is few among what is over; the sweep, the snapshot and the metrics ask for it often.
CREATE INDEX job_state_unsettled ON pintle.job_state (source_id) WHERE state IN ('queued', 'released', 'running', 'dead');
CREATE INDEX job_state_over ON pintle.job_state (changed_at) WHERE state IN ('done', 'superseded', 'cancelled');
CREATE INDEX ON pintle.jobs (object_kind, object_name, id DESC);
-- The newest records first, without sorting the log.
CREATE INDEX ON pintle.audit_logs (recorded_at DESC, writer DESC, seq DESC);
CREATE INDEX ON pintle.audit_logs (job_id);
CREATE INDEX ON pintle.audit_logs (id);
