//! Many at once: schedules due together, and one partner's crowd beside another's single job.

use super::{daemon, program, schedule, world};
use crate::harness::Daemon;

/// Schedules in the database, as if applied: all fire at the same second.
const CROWD: i64 = 10_000;

#[tokio::test]
async fn ten_thousand_schedules_that_fall_due_together_each_fire_once() {
    let (path, text) = schedule("first", "cron: [\"0 0 1 1 *\"]", "{kind: exec, program: mark}");
    let world = world(&[(path, text)]).await;
    let first = world.daemon();
    world.settled().await;
    first.stop().await;
    // Nobody works: it is the firing that is looked at.
    let daemon = Daemon::start(&world, "daemon", &[("PINTLE_ROLE", "reconciler")]);
    world.database.until("((SELECT count(*) FROM pintle.schedule_clocks) = 1)").await;
    let db = &world.database;
    let spec = "jsonb_set(spec, '{cron}', to_jsonb(ARRAY[to_char((now() + interval '12 seconds') AT TIME ZONE 'UTC', 'SS MI HH24 DD MM') || ' *']))";
    db.run(&format!("INSERT INTO pintle.schedules (name, labels, annotations, spec) SELECT 's' || n, labels, annotations, {spec} FROM pintle.schedules, generate_series(1, {CROWD}) n")).await;
    db.until(&format!("((SELECT count(*) FROM pintle.runs WHERE outcome = 'run') >= {CROWD})")).await;
    let runs = "SELECT count(*) || ' ' || count(DISTINCT schedule) || ' ' || count(DISTINCT tick) || ' ' || max(decided_at - tick < interval '1 minute')::text FROM pintle.runs";
    assert_eq!(db.ask(&runs.replace("max(", "bool_and(")).await.unwrap(), format!("{CROWD} {CROWD} 1 true"));
    let jobs = db.count("SELECT count(*) FROM pintle.job_state WHERE queue <> 'rows'").await;
    assert_eq!(jobs, CROWD, "each has its job, once");
    daemon.stop().await;
}

#[tokio::test]
async fn a_crowd_of_one_partner_does_not_delay_the_single_job_of_another() {
    let by = |name: &str, partner: &str| {
        schedule(
            name,
            "cron: [\"0 0 1 1 *\"]\n  overlap: allow",
            &format!("{{kind: exec, program: mark, select: {{partner: {partner}}}}}"),
        )
    };
    let partner = |name: &str| (format!("partners/{name}.yaml"), crate::harness::partner(name));
    let world = world(&[by("crowd", "acme"), by("single", "nordwind"), partner("acme"), partner("nordwind")]).await;
    let mark = program(&world, "mark", "true");
    let first = daemon(&world, "daemon", "none=/bin/false");
    world.settled().await;
    first.stop().await;
    // Nobody is there: a crowd queues up, and then one of somebody else.
    super::triggered(&world, "crowd");
    let db = &world.database;
    db.run(
        "WITH copies AS (INSERT INTO pintle.jobs (source_id, object_kind, object_name, uid, action, cause, body, file)
             SELECT source_id, object_kind, object_name, uid, action, cause, body, file FROM pintle.jobs, generate_series(1, 100000) WHERE action = 'run' RETURNING id)
         INSERT INTO pintle.job_state (job_id, source_id, object_kind, object_name, partner, priority, queue, work, counted)
         SELECT c.id, s.source_id, s.object_kind, s.object_name, s.partner, s.priority, s.queue, s.work, false FROM copies c, pintle.job_state s WHERE s.queue <> 'rows'",
    )
    .await;
    let single = super::triggered(&world, "single");
    let daemon = daemon(&world, "daemon", &mark);
    db.until(&format!("(SELECT state = 'done' FROM pintle.job_state WHERE job_id = {single})")).await;
    let before = db.count("SELECT count(*) FROM pintle.job_state WHERE queue <> 'rows' AND state = 'done'").await;
    // Of the first window, half at most can be of the crowd before it.
    assert!(before <= 70, "{before} of the crowd were done before the single one");
    daemon.stop().await;
}
