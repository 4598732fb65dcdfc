//! The commands of every day, on a real repository with the real daemon behind it.

use crate::harness::{Daemon, World, partner, suite};
use serde_json::Value;

const CHANNELS: &str = "# who follows what
apiVersion: pintle/v1
kind: Channel
metadata: {name: early}   # first
spec: {mode: manual, component: platform, target: 1.1.0}
---
apiVersion: pintle/v1
kind: Channel
metadata: {name: stable}
spec:
  mode: manual
  component: platform
  target: 1.0.0   # approved in May
";

fn version(number: &str) -> String {
    let name = number.replace('.', "-");
    format!(
        "apiVersion: pintle/v1\nkind: Version\nmetadata: {{name: platform-{name}}}\nspec: {{component: platform, version: {number}, stage: released}}\n"
    )
}

async fn begun() -> (World, Daemon) {
    let versions = [version("1.0.0"), version("1.1.0")].join("---\n");
    let files = [
        (
            "suites/crm.yaml",
            suite("crm", "one")
                .replace("metadata: {name: crm}", "metadata: {name: crm, labels: {tier: gold}} # labelled"),
        ),
        ("suites/pos.yaml", suite("pos", "one")),
        ("versions.yaml", versions),
        ("channels.yaml", CHANNELS.to_owned()),
        ("partners/acme.yaml", partner("acme")),
    ];
    let world = World::new(&files).await;
    let daemon = world.daemon();
    world.settled().await;
    (world, daemon)
}

fn file(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.repository.path.join(name)).unwrap()
}

#[tokio::test]
async fn set_edits_what_is_meant_keeps_comments_and_makes_a_signed_branch() {
    let (world, daemon) = begun().await;
    world.repository.sign_as("alice");
    let (code, said) =
        world.pintle(&["set", "-l", "tier=gold", "spec.description=two", "spec.owner=ops", "--branch", "gold"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Suite/crm") && !said.contains("Suite/pos"), "{said}");
    let text = file(&world, "suites/crm.yaml");
    assert!(text.contains("# labelled") && text.contains("description: two"), "{text}");
    assert!(world.repository.git(&["cat-file", "commit", "HEAD"]).contains("gpgsig "));
    // Merged, it is a change like any other.
    world.repository.git(&["switch", "--quiet", "main"]);
    world.repository.git(&["merge", "--quiet", "--ff-only", "gold"]);
    world.settled().await;
    let row = "SELECT (spec ->> 'owner') || ' ' || (spec ->> 'description') FROM pintle.suites WHERE name = 'crm'";
    assert_eq!(world.database.ask(row).await.as_deref(), Some("ops two"));
    daemon.stop().await;
}

#[tokio::test]
async fn set_writes_nothing_when_the_result_is_not_sound() {
    let (world, daemon) = begun().await;
    let before = file(&world, "channels.yaml");
    for words in [
        ["set", "Channel/stable", "spec.upstream.channel=nowhere"],
        ["set", "channels", "spec.mode=sometimes"],
        ["set", "Channel/none", "spec.mode=auto"],
    ] {
        let (code, said) = world.pintle(&words);
        assert_eq!(code, 1, "{said}");
        assert_eq!(file(&world, "channels.yaml"), before, "{words:?}");
    }
    daemon.stop().await;
}

#[tokio::test]
async fn promote_gives_the_target_on_and_a_rollback_takes_it_back() {
    let (world, daemon) = begun().await;
    world.repository.sign_as("alice");
    let (code, said) = world.pintle(&["promote", "early", "stable", "--branch", "promote"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        file(&world, "channels.yaml").contains("target: 1.1.0   # approved in May"),
        "{}",
        file(&world, "channels.yaml")
    );
    world.repository.git(&["switch", "--quiet", "main"]);
    world.repository.git(&["merge", "--quiet", "--ff-only", "promote"]);
    world.settled().await;
    let target = "SELECT spec ->> 'target' FROM pintle.channels WHERE name = 'stable'";
    assert_eq!(world.database.ask(target).await.as_deref(), Some("1.1.0"));
    let (code, said) = world.pintle(&["rollback", "HEAD", "--branch", "back", "--reason", "it was too early"]);
    assert_eq!(code, 0, "{said}");
    world.repository.git(&["merge", "--quiet", "--ff-only", "back"]);
    world.settled().await;
    assert_eq!(world.database.ask(target).await.as_deref(), Some("1.0.0"));
    let message = world.repository.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("it was too early") && message.contains("This reverts commit"), "{message}");
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_imported_from_the_rows_is_taken_on_without_a_change() {
    let (world, daemon) = begun().await;
    world.database.run("INSERT INTO pintle.partners (name, labels, spec) VALUES ('bolt', '{\"tier\": \"on\"}', '{\"displayName\": \"Bolt: \\\"B\\\"\", \"lifecycle\": \"suspended\"}')").await;
    world.database.run("INSERT INTO pintle.platform_config (name, spec) VALUES ('mail.retries', '{\"value\": 3}'), ('mail.from', '{\"value\": \"a@b.example\"}')").await;
    let instance = r#"{"type": "partner-deployed", "partner": "bolt", "lifecycle": "active", "driver": "record", "resources": {"cpu": 0.5, "memory": "8Gi", "replicas": 1}, "config": {"on": "no", "list": [1, {"a": null}], "text": "one\ntwo\n"}}"#;
    world.database.run(&format!("INSERT INTO pintle.instances (name, spec) VALUES ('bolt-prod', '{instance}')")).await;
    let (code, said) = world.pintle(&["import"]);
    assert_eq!(code, 0, "{said}");
    assert!(file(&world, "instances/bolt/bolt-prod.yaml").contains("\"on\": \"no\""));
    world.repository.sign_as("alice");
    world.repository.git(&["add", "--all"]);
    world.repository.git(&["commit", "--quiet", "-S", "-m", "What is live"]);
    let (code, plan) = world.pintle(&["plan", "-o", "json"]);
    assert_eq!(code, 0, "{plan}");
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 4, "{plan}");
    assert!(steps.iter().all(|step| step["action"] == "adopt" && step["fields"] == serde_json::json!([])), "{plan}");
    assert_eq!(plan["waiting"], serde_json::json!([]));
    daemon.stop().await;
}

#[tokio::test]
async fn records_of_a_file_become_documents_under_a_map() {
    let (world, daemon) = begun().await;
    std::fs::write(world.path().join("fleet.csv"), "slug,plan,cpus\nacme-a,premium,4\nacme-b,basic,0.5\n").unwrap();
    let map = "kind: Instance\nname: \"{slug}\"\nlabels: {tier: \"{plan}\"}\nspec: {type: partner-deployed, partner: acme, resources: {cpu: \"{cpus}\"}}\ntranslate: {plan: {premium: gold}}\n";
    std::fs::write(world.path().join("map.yaml"), map).unwrap();
    let (from, map) = (world.path().join("fleet.csv"), world.path().join("map.yaml"));
    let words = ["import", "--from", from.to_str().unwrap(), "--map", map.to_str().unwrap()];
    let (code, said) = world.pintle(&words);
    assert_eq!(code, 0, "{said}");
    let text = file(&world, "instances/acme/acme-a.yaml");
    assert!(text.contains("tier: gold") && text.contains("cpu: 4"), "{text}");
    let (code, said) = world.pintle(&words);
    assert!(code == 0 && said.contains("Nothing changes"), "{said}");
    let (code, said) = world.pintle(&["validate", world.repository.path.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    daemon.stop().await;
}

#[tokio::test]
async fn a_simulation_tells_what_would_happen_and_when() {
    let (world, daemon) = begun().await;
    world.repository.remove("suites/pos.yaml");
    world.repository.commit_unsigned("alice", "pos goes");
    let (code, said) = world.pintle(&["simulate", "--for", "3d"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("delete Suite/pos") && said.contains("remove Suite/pos") && said.contains("as declared"),
        "{said}"
    );
    let (code, plan) = world.pintle(&["plan", "--exclude", "suites"]);
    assert!(code == 0 && plan.contains("left out"), "{plan}");
    let (_, plan) = world.pintle(&["plan", "--target", "Suite/crm,tier=gold"]);
    assert!(!plan.contains("- tombstone"), "{plan}");
    daemon.stop().await;
}
