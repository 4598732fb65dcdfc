//! Each kind of job does what it says.

use super::{YEARLY, daemon, ran, schedule, triggered, world};
use crate::harness::{Daemon, World, eventually, eventually_within, instance, partner};
use crate::shared::FakeForge;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

pub async fn said(world: &World, name: &str) -> String {
    let sql = format!(
        "SELECT s.reason FROM pintle.runs r JOIN pintle.job_state s ON s.job_id = r.job_id WHERE r.schedule = '{name}' ORDER BY r.id DESC"
    );
    world.database.ask(&sql).await.unwrap_or_default()
}

/// The files of the destination that begin with `name`.
fn files(world: &World, name: &str) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(world.path().join("out")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name));
    files.sort();
    files
}

#[tokio::test]
async fn http_calls_with_a_key_and_a_signature_and_goes_again_after_a_fault() {
    let forge = FakeForge::start();
    let job = format!("{{kind: http, url: \"{}/hook\", secretRef: hook, data: {{list: retail}}}}", forge.url);
    let world = world(&[schedule("call", YEARLY, &job)]).await;
    forge.look(|held| held.fault = Some(503));
    let settings = [("PINTLE_SECRET_HOOK", "s3cret"), ("PINTLE_ALLOW_PRIVATE_ADDRESSES", "true")];
    let daemon = Daemon::start(&world, "daemon", &settings);
    world.settled().await;
    triggered(&world, "call");
    eventually("it was tried while it failed", async || forge.look(|held| held.asked > 0)).await;
    forge.look(|held| held.fault = None);
    ran(&world, "call", "done", 1).await;
    let hooks = forge.look(|held| held.hooks.clone());
    let (signature, body) = hooks.last().unwrap();
    let (time, code) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    assert_eq!(hex::encode(mac.finalize().into_bytes()), code);
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["schedule"], &body["data"]["list"]), (&"call".into(), &"retail".into()));
    daemon.stop().await;
}

#[tokio::test]
async fn http_reaches_no_private_address_unless_the_host_allows_it() {
    let forge = FakeForge::start();
    let world = world(&[schedule("call", YEARLY, &format!("{{kind: http, url: \"{}/hook\"}}", forge.url))]).await;
    let daemon = world.daemon();
    world.settled().await;
    triggered(&world, "call");
    ran(&world, "call", "dead", 1).await;
    assert!(said(&world, "call").await.contains("private network"), "{}", said(&world, "call").await);
    assert_eq!(forge.look(|held| held.asked), 0, "nothing was called");
    daemon.stop().await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_is_cut_off() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/never", listener.local_addr().unwrap());
    // Reads the call and says nothing, until the other side hangs up.
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        std::io::Read::read_to_end(&mut connection, &mut heard).map(|_| heard)
    });
    let world = world(&[schedule("call", YEARLY, &format!("{{kind: http, url: \"{url}\"}}"))]).await;
    let daemon = daemon(&world, "daemon", "none=/bin/false");
    world.settled().await;
    let job = triggered(&world, "call");
    world.database.until(&format!("(SELECT state = 'running' FROM pintle.job_state WHERE job_id = {job})")).await;
    assert!(!server.is_finished(), "the call is under way");
    let (code, text) = world.pintle(&["jobs", "cancel", &job.to_string(), "--reason", "enough", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    ran(&world, "call", "cancelled", 1).await;
    // Left alone it would go on until its own time is over, a minute after it began.
    eventually_within(Duration::from_secs(20), "the call was cut off", async || server.is_finished()).await;
    let heard = server.join().unwrap().unwrap();
    assert!(heard.starts_with(b"POST /never"), "{}", String::from_utf8_lossy(&heard));
    daemon.stop().await;
}

#[tokio::test]
async fn whoever_asks_to_be_left_alone_for_a_while_is() {
    let forge = FakeForge::start();
    forge.look(|held| (held.fault, held.retry_after) = (Some(429), Some(600)));
    let world = world(&[schedule("call", YEARLY, &format!("{{kind: http, url: \"{}/hook\"}}", forge.url))]).await;
    let daemon = daemon(&world, "daemon", "none=/bin/false");
    world.settled().await;
    let job = triggered(&world, "call");
    let waits = "SELECT not_before > clock_timestamp() + interval '500 seconds' FROM pintle.job_state";
    world.database.until(&format!("({waits} WHERE job_id = {job} AND attempts = 1)")).await;
    assert_eq!(forge.look(|held| held.asked), 1);
    assert!(world.told("call").await.contains(&"outcome http failed".to_owned()));
    daemon.stop().await;
}

#[tokio::test]
async fn reconcile_compares_every_row_whatever_the_change_log_says() {
    let world = world(&[schedule("settle", YEARLY, "{kind: reconcile}")]).await;
    let daemon = world.daemon();
    world.settled().await;
    let before = world.database.ask("SELECT compared_at FROM pintle.sources").await.unwrap();
    triggered(&world, "settle");
    ran(&world, "settle", "done", 1).await;
    let after = world.database.ask("SELECT compared_at FROM pintle.sources").await.unwrap();
    assert_ne!(after, before);
    assert!(said(&world, "settle").await.starts_with("compared at"));
    daemon.stop().await;
}

/// Runs `name` by hand as if its tick came `minutes` from now, while no daemon is there to take it earlier.
async fn triggered_ahead(world: &World, name: &str, minutes: u32) {
    triggered(world, name);
    world
        .database
        .run(&format!(
            "UPDATE pintle.jobs SET body = jsonb_set(body, '{{tick}}', to_jsonb(to_char((clock_timestamp() + interval '{minutes} minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')))
             WHERE id = (SELECT max(job_id) FROM pintle.runs)"
        ))
        .await;
}

#[tokio::test]
async fn audit_exports_follow_each_other_without_a_gap_or_a_record_twice() {
    let world = world(&[schedule("archive", YEARLY, "{kind: audit-export, format: jsonl, destination: out}")]).await;
    let first = daemon(&world, "daemon", "none=/bin/false");
    world.settled().await;
    first.stop().await;
    // Both ticks lie far enough back and ahead that the log between them is exported by the second.
    for (count, ahead) in [(1, 2), (2, 20)] {
        triggered_ahead(&world, "archive", ahead).await;
        let daemon = daemon(&world, "daemon", "none=/bin/false");
        ran(&world, "archive", "done", count).await;
        daemon.stop().await;
    }
    let exported: Vec<Vec<String>> = files(&world, "archive-")
        .iter()
        .map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let id =
                |line: &str| serde_json::from_str::<Value>(line).unwrap()["leaf"]["id"].as_str().unwrap().to_owned();
            text.lines().map(id).collect()
        })
        .collect();
    assert_eq!(exported.len(), 2);
    assert!(!exported[0].is_empty() && !exported[1].is_empty(), "both hold something: {exported:?}");
    let mut all = exported.concat();
    all.sort();
    let some = all.len();
    all.dedup();
    assert_eq!(all.len(), some, "a record was exported twice");
    // What the second export itself recorded before it read is in it; nothing older is missing.
    let logged = world
        .database
        .list("SELECT id FROM pintle.audit_logs WHERE recorded_at < (SELECT max(started_at) FROM pintle.job_state)")
        .await;
    let missing: Vec<&String> = logged.iter().filter(|id| !all.contains(id)).collect();
    assert!(missing.is_empty(), "records are missing: {missing:?}");
}

#[tokio::test]
async fn a_health_report_names_the_instances_that_were_selected() {
    let files_of = [
        ("partners/acme.yaml", partner("acme")),
        ("instances/one.yaml", instance("one", "acme", 1)),
        ("instances/two.yaml", instance("two", "acme", 2)),
    ];
    let (path, text) =
        schedule("report", YEARLY, "{kind: health-report, destination: out, select: {labels: {region: eu-west-1}}}");
    let mut all: Vec<(&str, String)> = files_of.to_vec();
    all.push((path.as_str(), text));
    let world = World::new(&all).await;
    let daemon = daemon(&world, "daemon", "none=/bin/false");
    world.settled().await;
    world
        .database
        .run("UPDATE pintle.instances SET labels = labels || '{\"region\": \"elsewhere\"}' WHERE name = 'two'")
        .await;
    world.settled().await;
    triggered(&world, "report");
    ran(&world, "report", "done", 1).await;
    let report = std::fs::read_to_string(&files(&world, "report-")[0]).unwrap();
    assert!(report.contains("| one | acme | active |"), "{report}");
    daemon.stop().await;
}

#[tokio::test]
async fn a_backup_is_a_dump_whose_list_can_be_read_and_a_database_that_is_unknown_is_said() {
    let files_of = [("partners/acme.yaml", partner("acme")), ("instances/one.yaml", instance("one", "acme", 1))];
    let (path, text) = schedule("nightly", YEARLY, "{kind: backup}");
    let mut all: Vec<(&str, String)> = files_of.to_vec();
    all.push((path.as_str(), text));
    let world = World::new(&all).await;
    let folder = world.path().join("backups");
    let database = format!("one={}", world.database.url);
    let settings = |databases: &'static str| {
        let databases = if databases.is_empty() { database.clone() } else { databases.to_owned() };
        [("PINTLE_BACKUP_DATABASES", databases), ("PINTLE_BACKUP_DIR", folder.display().to_string())]
    };
    let start = |name: &str, databases| {
        let settings = settings(databases);
        let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Daemon::start(&world, name, &settings)
    };
    let unknowing = start("daemon", "other=postgres:///x");
    world.settled().await;
    triggered(&world, "nightly");
    ran(&world, "nightly", "dead", 1).await;
    assert!(
        said(&world, "nightly").await.contains("have no database on this host"),
        "{}",
        said(&world, "nightly").await
    );
    unknowing.stop().await;
    let daemon = start("daemon", "");
    triggered(&world, "nightly");
    ran(&world, "nightly", "done", 1).await;
    let dumps: Vec<_> = std::fs::read_dir(folder.join("one")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(dumps.len(), 1, "{dumps:?}");
    let list = std::process::Command::new("pg_restore").arg("--list").arg(&dumps[0]).output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("audit_logs"));
    daemon.stop().await;
}
