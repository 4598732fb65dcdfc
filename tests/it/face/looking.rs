//! The commands that look, while everything is as declared.

use super::{Said, ask, begun, golden};
use crate::harness::World;

#[tokio::test]
async fn a_fleet_in_sync_is_shown_by_every_command_that_looks() {
    let (world, daemon) = begun(&[]).await;
    everything_is_shown(&world).await;
    what_is_not_there_is_said_with_what_to_do_next(&world);
    daemon.stop().await;
}

async fn everything_is_shown(world: &World) {
    let commit = world.repository.head();
    let looks =
        |questions: &[&[&str]]| -> Vec<Said> { questions.iter().map(|words| ask(world, words).ends(0)).collect() };
    insta::assert_snapshot!("status", golden(world, &looks(&[&["status"]])));
    insta::assert_snapshot!(
        "get",
        golden(
            world,
            &looks(&[&["get", "instances"], &["get", "suites"], &["get", "instance", "prod"], &["get", "tenants"]])
        )
    );
    insta::assert_snapshot!(
        "why",
        golden(world, &looks(&[&["why", "Instance/prod"], &["why", &commit], &["why", &commit[..7]]]))
    );
    insta::assert_snapshot!("history", golden(world, &looks(&[&["history"]])));
    insta::assert_snapshot!(
        "jobs",
        golden(world, &looks(&[&["jobs", "list"], &["jobs", "list", "--state", "dead"], &["jobs", "show", "1"]]))
    );
    insta::assert_snapshot!("wait", golden(world, &looks(&[&["wait", "HEAD"], &["apply"]])));
    let job = world
        .database
        .ask("SELECT job_id FROM pintle.audit_logs WHERE stage = 'effect' AND resource_name = 'prod'")
        .await
        .unwrap();
    insta::assert_snapshot!(
        "audit",
        golden(
            world,
            &looks(&[&["audit", "search"], &["audit", "search", "--name", "nobody"], &["audit", "show", "job", &job]])
        )
    );
}

fn what_is_not_there_is_said_with_what_to_do_next(world: &World) {
    let nothing = "0123456789012345678901234567890123456789";
    let questions: [&[&str]; 10] = [
        &["get", "instanses"],
        &["get", "widgets"],
        &["get", "instance", "nobody"],
        &["why", "Instance/nobody"],
        &["why", "no-such-branch"],
        &["jobs", "show", "999"],
        &["jobs", "retry", "999", "--reason", "hope"],
        &["audit", "show", "job", "999"],
        &["wait", nothing, "--timeout", "0s"],
        &["plan", "--rev", "no-such-branch"],
    ];
    let said: Vec<Said> = questions.iter().map(|words| ask(world, words).ends(1)).collect();
    assert!(said.iter().all(|said| said.out.is_empty()), "an error is on standard output");
    insta::assert_snapshot!("nothing_there", golden(world, &said));
    insta::assert_snapshot!("never_seen", golden(world, &[ask(world, &["why", nothing]).ends(0)]));
}

#[tokio::test]
async fn every_answer_for_programs_parses_and_an_export_has_every_record_once() {
    let (world, daemon) = begun(&[]).await;
    every_answer_parses_and_says_its_version(&world);
    daemon.stop().await;
    an_export_has_every_record_once_as_lines_or_as_cells(&world).await;
}

fn every_answer_parses_and_says_its_version(world: &World) {
    let questions: [&[&str]; 24] = [
        &["status"],
        &["get", "instances"],
        &["get", "instances", "prod"],
        &["why", "Instance/prod"],
        &["why", "HEAD"],
        &["history"],
        &["audit", "search"],
        &["audit", "show", "job", "1"],
        &["jobs", "list"],
        &["jobs", "show", "1"],
        &["plan"],
        &["verify"],
        &["wait"],
        &["apply"],
        &["migrate"],
        &["simulate", "--for", "1d"],
        &["snapshot"],
        &["explain", "Instance"],
        &["explain", "PIN0510"],
        &["render", "Instance/prod"],
        &["pause", "Suite", "--reason", "a test"],
        &["resume", "Suite"],
        &["schedules", "list"],
        &["jobs", "stats"],
    ];
    for words in questions {
        let said = ask(world, &[words, &["--output", "json"]].concat()).ends(0);
        said.json();
        assert_eq!(said.err, "", "{words:?}");
    }
    // Its work tree has a mistake.
    ask(world, &["validate", "-o", "json"]).ends(1).json();
    let wrong = ask(world, &["jobs", "show", "4711", "-o", "json"]).ends(1);
    let told: serde_json::Value = serde_json::from_str(&wrong.err).unwrap();
    crate::published::is_published(&["error", "-o", "json"], &wrong.err);
    assert_eq!((wrong.out.as_str(), told["error"]["exit"].as_i64()), ("", Some(1)));
    let standing = ask(world, &["status", "-o", "json"]).json();
    assert_eq!(standing["source"]["appliedCommit"], world.repository.head().as_str());
    let got = ask(world, &["get", "instances", "-o", "json"]).json();
    assert_eq!((&got["items"][0]["name"], &got["items"][0]["state"]), (&"prod".into(), &"in sync".into()));
}

async fn an_export_has_every_record_once_as_lines_or_as_cells(world: &World) {
    let records = world.database.count("SELECT count(*) FROM pintle.audit_logs").await;
    let lines = ask(world, &["audit", "export"]).ends(0);
    assert_eq!(lines.out.lines().count() as i64, records);
    for line in lines.out.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["formatVersion"], "1.0");
        assert!(line["leaf"]["action"].is_string() && line.get("sealed").is_none(), "{line}");
    }
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.audit_logs WHERE action = 'audit-export'").await, 1);
    let cells = ask(world, &["audit", "export", "--format", "csv", "--kind", "Instance"]).ends(0);
    insta::assert_snapshot!(
        "export",
        golden(world, &[cells, ask(world, &["audit", "export", "--format", "csv", "--sealed"]).ends(1)])
    );
}
