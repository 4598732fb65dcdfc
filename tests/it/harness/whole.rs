//! The checker: ledger, Redis, rows and audit log say the same. Each query must find nothing.

use super::{World, eventually};

const LEDGER: &[(&str, &str)] = &[
    ("a job is open", "SELECT job_id FROM pintle.job_state WHERE state IN ('queued', 'released', 'running')"),
    (
        "a done job has not exactly one effect on record",
        "SELECT s.job_id FROM pintle.job_state s WHERE s.queue = 'rows' AND s.state = 'done' AND (SELECT count(*) FROM pintle.audit_logs a
            WHERE a.job_id = s.job_id AND a.stage = 'effect') <> 1",
    ),
    (
        "an effect is on record whose job is not done",
        "SELECT a.job_id FROM pintle.audit_logs a LEFT JOIN pintle.job_state s USING (job_id)
         WHERE a.stage = 'effect' AND s.state IS DISTINCT FROM 'done'",
    ),
    (
        "work that is done has not exactly one outcome that says so",
        "SELECT s.job_id FROM pintle.job_state s WHERE s.queue <> 'rows' AND s.state = 'done' AND (SELECT count(*) FROM pintle.audit_logs a
            WHERE a.job_id = s.job_id AND a.stage = 'outcome' AND a.outcome = 'ok') <> 1",
    ),
    (
        "work began without a record of it",
        "SELECT a.id FROM pintle.audit_logs a WHERE a.stage = 'outcome' AND NOT EXISTS (SELECT FROM pintle.audit_logs i WHERE i.stage = 'intent' AND i.job_id = a.job_id)",
    ),
    (
        "a try has no outcome, or more than one",
        "SELECT job_id FROM pintle.audit_logs WHERE stage IN ('intent', 'outcome') AND job_id IS NOT NULL
         GROUP BY job_id HAVING count(*) FILTER (WHERE stage = 'intent') <> count(*) FILTER (WHERE stage = 'outcome')",
    ),
    (
        "a tick ran twice",
        "SELECT schedule || ' ' || tick FROM pintle.runs WHERE outcome = 'run' AND trigger <> 'hand' GROUP BY schedule_uid, schedule, tick HAVING count(*) > 1",
    ),
    (
        "the accepted commits have a gap, or one without a record",
        "SELECT seq FROM (SELECT seq, commit, row_number() OVER (ORDER BY seq) AS place FROM pintle.accepted_commits) c
         WHERE seq <> place OR (SELECT count(*) FROM pintle.audit_logs a WHERE a.action = 'accept' AND a.commit = c.commit) <> 1",
    ),
];

const ROWS: &[(&str, &str)] = &[
    (
        "a row's generation is not the number of its effects",
        "SELECT o.kind || '/' || o.name FROM pintle.objects o WHERE o.generation <> (SELECT count(*) FROM pintle.audit_logs a
            WHERE a.stage = 'effect' AND convert_from(a.leaf, 'UTF8')::jsonb #>> '{resource,uid}' = o.uid::text)",
    ),
    (
        "a row's digest is not the target of its last job",
        "SELECT o.kind || '/' || o.name FROM pintle.objects o WHERE o.applied IS NOT NULL AND o.tombstoned_at IS NULL
            AND o.applied_digest IS DISTINCT FROM (SELECT j.target_digest FROM pintle.jobs j JOIN pintle.job_state s ON s.job_id = j.id
                WHERE s.state = 'done' AND j.action <> 'run' AND j.uid = o.uid ORDER BY j.id DESC LIMIT 1)",
    ),
    (
        "a row is not what its last effect says it became",
        "SELECT o.kind || '/' || o.name FROM pintle.objects o WHERE o.applied IS NOT NULL AND o.tombstoned_at IS NULL
            AND o.applied IS DISTINCT FROM (SELECT convert_from(a.sealed, 'UTF8')::jsonb -> 'after' FROM pintle.audit_logs a
                WHERE a.stage = 'effect' AND a.resource_kind = o.kind AND a.resource_name = o.name ORDER BY a.job_id DESC LIMIT 1)",
    ),
];

const AUDIT: &[(&str, &str)] = &[
    (
        "a writer's numbers have a gap",
        "SELECT w.slot FROM pintle.audit_writers w WHERE w.seq <> (SELECT count(*) FROM pintle.audit_logs a WHERE a.writer = w.slot)
            OR w.seq <> coalesce((SELECT max(seq) FROM pintle.audit_logs a WHERE a.writer = w.slot), 0)",
    ),
    (
        "a search column is not what the leaf says",
        "SELECT a.id FROM (SELECT *, convert_from(leaf, 'UTF8')::jsonb AS l FROM pintle.audit_logs) a
         WHERE (a.id::text, a.writer::text, a.seq::text, a.stage, a.actor, a.action, a.outcome)
                IS DISTINCT FROM (l ->> 'id', l ->> 'writer', l ->> 'seq', l ->> 'stage', l #>> '{actor,id}', l ->> 'action', l #>> '{outcome,status}')
            OR (a.resource_kind, a.resource_name, a.partner, a.commit, a.job_id::text)
                IS DISTINCT FROM (l #>> '{resource,kind}', l #>> '{resource,name}', l #>> '{scope,partner}', l #>> '{git,commit}', l #>> '{job,id}')
            OR a.recorded_at <> (l ->> 'time')::timestamptz",
    ),
    (
        "a sealed part is not the one the leaf names",
        "SELECT id FROM pintle.audit_logs WHERE convert_from(leaf, 'UTF8')::jsonb ->> 'sealed' IS DISTINCT FROM encode(sha256(salt || sealed), 'hex')",
    ),
];

impl World {
    /// Fails unless everything agrees and nothing is on its way.
    pub async fn assert_whole(&self) {
        eventually("Redis carries nothing", async || self.in_redis().await == 0).await;
        self.find_nothing(LEDGER.iter().chain(ROWS).chain(AUDIT)).await;
    }

    /// Fails unless the audit log agrees with itself, whatever is on its way.
    pub async fn assert_log(&self) {
        self.find_nothing(AUDIT.iter()).await;
    }

    async fn find_nothing(&self, wrongs: impl Iterator<Item = &'static (&'static str, &'static str)>) {
        for (what, sql) in wrongs {
            let found = self.database.list(sql).await;
            assert!(found.is_empty(), "{what}: {found:?}");
        }
    }

    /// Deliveries that Redis lists as waiting or active.
    async fn in_redis(&self) -> u64 {
        let mut carried = 0;
        for queue in ["rows", "work", "external"] {
            for list in ["wait", "active"] {
                carried += self.redis.ask::<u64>(&["LLEN", &format!("pintle:{queue}:{list}")]).await;
            }
        }
        carried
    }
}
