//! A real daemon: from the return of `git push` to a committed audit record, and a commit that
//! changes every instance at once.

use super::clock::{ms, quantile};
use super::fleet::{Fleet, git};
use super::report::{Goal, Report, Row};
use super::world::{Database, World};
use super::{live, pgbench};
use pintle_core::change::Oid;
use sqlx::PgConnection;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many audit records there are.
const RECORDS: &str = "SELECT coalesce(sum(seq), 0)::bigint FROM pintle.audit_writers";
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_mins(3);

pub async fn measure(world: &World, size: usize, runs: usize, report: &mut Report) {
    eprintln!("{size} instances under a daemon");
    let fleet = Fleet::make(&world.path("daemon-fleet"), size, runs);
    let database = world.database("daemon").await;
    live::fill(&database, &fleet).await;
    let origin = world.path("origin.git");
    clone(&fleet, &origin);
    let mut daemon = start(world, &fleet, &origin, &database);
    let mut owner = database.owner().await;
    until(&mut owner, "SELECT coalesce((SELECT applied_commit IS NOT NULL FROM pintle.sources), false)").await;
    pushes(world, &fleet, &origin, &mut owner, report, &database).await;
    waves(&fleet, &origin, &mut owner, report, &database).await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    daemon.wait().unwrap();
}

fn clone(fleet: &Fleet, to: &Path) {
    git(to, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
    push(fleet, to, fleet.base);
}

fn push(fleet: &Fleet, to: &Path, commit: Oid) {
    git(&fleet.path, &["push", "--quiet", "--force", to.to_str().unwrap(), &format!("{commit}:refs/heads/main")]);
}

fn start(world: &World, fleet: &Fleet, origin: &Path, database: &Database) -> Child {
    let introduction = Fleet::introduction(fleet.base);
    let log = std::fs::File::create(world.path("daemon.log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_pintle"))
        .args(["run", "--no-metrics", "--poll-interval", "3600"])
        .env("PINTLE_DATABASE_URL", &database.url)
        .env("PINTLE_REDIS_URL", world.redis_url())
        .env("PINTLE_REPO_URL", origin)
        .env("PINTLE_REPO_ID", &*introduction.repo_id)
        .env("PINTLE_INTRODUCTION_COMMIT", introduction.commit.to_string())
        .env("PINTLE_INTRODUCTION_POLICY", introduction.policy_sha256.to_string())
        .env("PINTLE_STATE_DIR", world.path("daemon-state"))
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until `question` is answered with yes; asks every millisecond.
async fn until(owner: &mut PgConnection, question: &str) {
    let started = Instant::now();
    while !sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(question.to_owned())).fetch_one(&mut *owner).await.unwrap()
    {
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {question}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn pushes(
    world: &World,
    fleet: &Fleet,
    origin: &Path,
    owner: &mut PgConnection,
    report: &mut Report,
    database: &Database,
) {
    let mut times = Vec::new();
    for edit in &fleet.edits {
        push(fleet, origin, *edit);
        let pushed = Instant::now();
        until(
            owner,
            &format!("SELECT EXISTS (SELECT FROM pintle.audit_logs WHERE commit = '{edit}' AND stage = 'effect')"),
        )
        .await;
        times.push(pushed.elapsed());
        // The next push meets a daemon that is done with this one.
        until(owner, &format!("SELECT applied_commit = '{edit}' FROM pintle.sources")).await;
    }
    let floor = script(world, fleet, owner, database).await;
    for (name, share) in [("git push to audit record, p50", 0.5), ("git push to audit record, p95", 0.95)] {
        report.add(Row {
            name,
            size: fleet.size,
            ours: ms(quantile(times.clone(), share)),
            floor: Some(ms(quantile(floor.clone(), share))),
            unit: "ms",
            goal: Goal::AtMost(1.0),
            note: format!("{} pushes; the floor is a shell script started by hand at the same moment", times.len()),
        });
    }
}

/// fetch, diff, psql: what a shell script does for the same commit.
async fn script(world: &World, fleet: &Fleet, owner: &mut PgConnection, database: &Database) -> Vec<Duration> {
    pgbench::tables(owner).await;
    let (origin, clone_path) = (world.path("script-origin.git"), world.path("script-clone.git"));
    clone(fleet, &origin);
    git(&clone_path, &["clone", "--quiet", "--bare", origin.to_str().unwrap(), "."]);
    let (mut before, mut times) = (fleet.base, Vec::new());
    for edit in &fleet.edits {
        push(fleet, &origin, *edit);
        let file = world.path("change.sql");
        std::fs::write(&file, format!("BEGIN; {} {} COMMIT;", pgbench::update("1"), pgbench::insert())).unwrap();
        let text = format!(
            "set -e; git fetch --quiet {} +main:main; git diff --name-only {before} {edit} >/dev/null; psql -qX -v ON_ERROR_STOP=1 '{}' -f {}",
            origin.display(),
            database.url,
            file.display()
        );
        let started = Instant::now();
        let status = Command::new("sh").args(["-c", &text]).current_dir(&clone_path).status().unwrap();
        times.push(started.elapsed());
        assert!(status.success());
        before = *edit;
    }
    times
}

/// Commits of which each changes every instance.
async fn waves(fleet: &Fleet, origin: &Path, owner: &mut PgConnection, report: &mut Report, database: &Database) {
    let mut best = Duration::MAX;
    for wave in &fleet.waves {
        let records: i64 = sqlx::query_scalar(RECORDS).fetch_one(&mut *owner).await.unwrap();
        push(fleet, origin, *wave);
        until(owner, &format!("SELECT EXISTS (SELECT FROM pintle.plans WHERE commit = '{wave}')")).await;
        // Asking is no part of what is measured: first by a table of few rows, and of the jobs when these must be over.
        until(owner, &format!("SELECT ({RECORDS}) >= {}", records + fleet.size as i64)).await;
        until(
            owner,
            "SELECT NOT EXISTS (SELECT FROM pintle.job_state WHERE queue = 'rows' AND state = 'queued')
                AND NOT EXISTS (SELECT FROM pintle.job_state WHERE queue = 'rows' AND state IN ('released', 'running'))",
        )
        .await;
        let ended = SystemTime::now();
        let began: i64 = sqlx::query_scalar(
            "SELECT (extract(epoch FROM min(made_at)) * 1000000)::bigint FROM pintle.plans WHERE commit = $1",
        )
        .bind(wave.to_string())
        .fetch_one(&mut *owner)
        .await
        .unwrap();
        let took = ended.duration_since(UNIX_EPOCH + Duration::from_micros(began as u64)).unwrap();
        let done: i64 = sqlx::query_scalar("SELECT count(*) FROM pintle.audit_logs WHERE commit = $1 AND stage = 'effect' AND resource_kind = 'Instance'").bind(wave.to_string()).fetch_one(&mut *owner).await.unwrap();
        assert_eq!(done as usize, fleet.size, "every instance has its record");
        best = best.min(took);
        until(owner, &format!("SELECT applied_commit = '{wave}' FROM pintle.sources")).await;
    }
    let (floor, clients) = pgbench::best(owner, database, fleet.size).await;
    report.add(Row {
        name: "applying row changes",
        size: fleet.size,
        ours: fleet.size as f64 / best.as_secs_f64(),
        floor: Some(floor),
        unit: "rows/s",
        goal: Goal::AtLeast(3.0),
        note: format!(
            "best of {}: from enqueue to the last commit in {:.0} ms; pgbench at its best with {clients} clients",
            fleet.waves.len(),
            ms(best)
        ),
    });
}
