//! Private servers: they keep data, survive crashes, stay apart, and never outlive the process.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::eventually;
use pintle::dev::servers::{Binaries, Options, PrivatePostgres, PrivateRedis, ServerError, Servers};
use sqlx::{Connection, PgConnection};

const FAST: Options = Options { fast: true, keep_redis: true };

async fn postgres(servers: &PrivatePostgres) -> PgConnection {
    PgConnection::connect(&servers.url("postgres")).await.unwrap()
}

async fn number(servers: &PrivatePostgres) -> i32 {
    let mut db = postgres(servers).await;
    sqlx::query_scalar("select n from t").fetch_one(&mut db).await.unwrap()
}

async fn keep_number(servers: &PrivatePostgres, n: i32) {
    let mut db = postgres(servers).await;
    sqlx::query("create table t (n int)").execute(&mut db).await.unwrap();
    sqlx::query("insert into t values ($1)").bind(n).execute(&mut db).await.unwrap();
}

async fn redis_command(servers: &PrivateRedis, words: &[&str]) -> Option<String> {
    let client = redis::Client::open(servers.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd(words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(*word);
    });
    command.query_async(&mut connection).await.unwrap()
}

fn lives(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn a_second_start_in_the_same_directory_finds_the_data_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let first = Servers::start_with(directory.path(), FAST).await.unwrap();
    keep_number(&first.postgres, 7).await;
    redis_command(&first.redis, &["SET", "k", "v"]).await;
    let id = first.postgres.pid().unwrap();
    first.stop().await.unwrap();
    assert!(!lives(id));

    let second = Servers::start_with(directory.path(), FAST).await.unwrap();
    assert_eq!(number(&second.postgres).await, 7);
    assert_eq!(redis_command(&second.redis, &["GET", "k"]).await.as_deref(), Some("v"));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn killed_servers_start_again_with_the_same_url_and_data() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = Servers::start_with(directory.path(), FAST).await.unwrap();
    keep_number(&servers.postgres, 8).await;
    redis_command(&servers.redis, &["SET", "k", "v"]).await;
    let mut busy = postgres(&servers.postgres).await;
    let sleeping = tokio::spawn(async move { sqlx::query("select pg_sleep(60)").execute(&mut busy).await });
    let (id, url) = (servers.postgres.pid().unwrap(), servers.postgres.url("postgres"));

    servers.postgres.kill().await.unwrap();
    servers.redis.kill().await.unwrap();
    assert!(!lives(id), "the fault must have happened");
    assert!(sleeping.await.unwrap().is_err());
    assert!(PgConnection::connect(&url).await.is_err());

    servers.postgres.start_again().await.unwrap();
    servers.redis.start_again().await.unwrap();
    assert_eq!(servers.postgres.url("postgres"), url);
    assert_eq!(number(&servers.postgres).await, 8);
    assert_eq!(redis_command(&servers.redis, &["GET", "k"]).await.as_deref(), Some("v"));

    servers.postgres.stop_immediately().await.unwrap();
    servers.postgres.start_again().await.unwrap();
    servers.postgres.restart().await.unwrap();
    servers.redis.restart().await.unwrap();
    assert_eq!(number(&servers.postgres).await, 8);
}

#[tokio::test]
async fn two_pairs_run_side_by_side_and_one_directory_admits_one() {
    let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let starts = tokio::join!(Servers::start_with(left.path(), FAST), Servers::start_with(right.path(), FAST));
    let (left_servers, right_servers) = (starts.0.unwrap(), starts.1.unwrap());
    keep_number(&left_servers.postgres, 1).await;
    keep_number(&right_servers.postgres, 2).await;
    assert_eq!(number(&left_servers.postgres).await, 1);
    assert_eq!(number(&right_servers.postgres).await, 2);
    let third = Servers::start_with(left.path(), FAST).await;
    assert!(matches!(third, Err(ServerError::InUse { .. })));
}

#[test]
fn missing_programs_are_named_in_one_line_with_the_remedy() {
    let error = Binaries::among(&["/nonexistent".into()]).unwrap_err().to_string();
    assert_eq!(
        error,
        "initdb, postgres, redis-server not found on PATH or in Debian's directories; \
         install with: apt-get install postgresql redis-server"
    );
}

#[tokio::test]
async fn a_server_that_dies_at_start_shows_the_end_of_its_log() {
    let directory = tempfile::tempdir().unwrap();
    PrivatePostgres::start_with(directory.path(), FAST).await.unwrap().stop().await.unwrap();
    std::fs::write(directory.path().join("data/PG_VERSION"), "9\n").unwrap();
    let error = PrivatePostgres::start_with(directory.path(), FAST).await.unwrap_err().to_string();
    assert!(error.contains("not compatible"), "{error}");
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_does_not_keep_postgres_down() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = PrivatePostgres::start_with(directory.path(), FAST).await.unwrap();
    let redis = PrivateRedis::start_with(&directory.path().join("redis"), FAST).await.unwrap();
    let pid_file = directory.path().join("data/postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let ours = server.pid().unwrap().to_string();
    server.kill().await.unwrap();
    let stranger = redis.pid().unwrap().to_string();
    std::fs::write(&pid_file, text.replacen(&ours, &stranger, 1)).unwrap();
    server.start_again().await.unwrap();
}

#[tokio::test]
async fn servers_outlive_the_thread_and_runtime_that_started_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let started = std::thread::spawn(move || run(Servers::start_with(&path, FAST)).unwrap());
    let servers = started.join().unwrap();
    // A server that was told of its parent's death is gone within this time.
    let since = std::time::Instant::now();
    eventually("a moment has passed", async || since.elapsed() > Duration::from_millis(300)).await;
    let ids = [servers.postgres.pid().unwrap(), servers.redis.pid().unwrap()];
    assert!(ids.into_iter().all(lives));
    keep_number(&servers.postgres, 4).await;
    drop(servers);
    assert!(!ids.into_iter().any(lives));
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

const VICTIM: &str = "SERVERS_DIRECTORY";

#[tokio::test]
async fn servers_go_away_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    // libtest names a test by its module; the suffix finds it wherever this file is mounted.
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("a_victim_starts_servers_where_it_is_told_and_waits_to_be_killed")
        .env(VICTIM, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ids_file = directory.path().join("ids");
    eventually("servers started", async || ids_file.exists()).await;
    let text = std::fs::read_to_string(&ids_file).unwrap();
    let ids: Vec<u32> = text.split_whitespace().map(|id| id.parse().unwrap()).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| lives(*id)));

    child.kill().unwrap();
    child.wait().unwrap();
    // An immediate restart must cope with servers that are still ending.
    let again = Servers::start_with(&directory.path().join("s"), FAST).await.unwrap();
    eventually("servers gone", async || !ids.iter().any(|id| lives(*id))).await;
    drop(again);
}

/// Does something only in the process that the test above starts.
#[test]
fn a_victim_starts_servers_where_it_is_told_and_waits_to_be_killed() {
    let Some(directory) = std::env::var_os(VICTIM) else {
        return;
    };
    let directory = Path::new(&directory);
    let servers = run(Servers::start_with(&directory.join("s"), FAST)).unwrap();
    let ids = format!("{} {}", servers.postgres.pid().unwrap(), servers.redis.pid().unwrap());
    std::fs::write(directory.join("ids.new"), ids).unwrap();
    std::fs::rename(directory.join("ids.new"), directory.join("ids")).unwrap();
    // Whoever started us writes nothing: this ends by the kill.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[tokio::test]
async fn root_is_dropped_and_a_directory_of_roots_own_is_opened_only_for_passing() {
    let directory = tempfile::tempdir().unwrap();
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(directory.path(), closed).unwrap();
    let servers = Servers::start_with(&directory.path().join("x"), FAST).await.unwrap();
    for id in [servers.postgres.pid().unwrap(), servers.redis.pid().unwrap()] {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        assert!(!status.contains("Uid:\t0\t"), "{status}");
    }
    let meta = std::fs::metadata(directory.path()).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o711);
}
