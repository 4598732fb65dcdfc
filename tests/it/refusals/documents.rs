//! A commit with an error anywhere is held whole: nothing applied, nothing deleted.

use super::{CRM, PROD, begun, codes, refuses, state};
use crate::harness::{World, instance, suite};

/// Commits `files` beside a change of the suite and a removal that would be fine alone.
fn commit_with(world: &World, files: &[(&str, &str)]) {
    world.repository.write(CRM, &suite("crm", "two"));
    world.repository.write("suites/new.yaml", &suite("new", "one"));
    for (name, text) in files {
        world.repository.write(name, text);
    }
    let base = world.repository.head();
    world.repository.commit("alice", "A mistake among others");
    if files.iter().any(|(name, _)| name.starts_with("instances")) {
        world.repository.approve("bob", &base);
    }
}

#[tokio::test]
async fn invalid_yaml_holds_the_whole_commit_and_every_mistake_is_told() {
    let mistakes = [
        ("suites/a.yaml", "kind: [\n"),
        ("suites/b.yaml", "apiVersion: pintle/v1\nkind: Nothing\nmetadata: {name: b}\nspec: {}\n"),
    ];
    let (world, daemon) =
        refuses(&["PIN0513", "PIN0101", "PIN0112"], async |world| commit_with(world, &mistakes)).await;
    world.repository.remove("suites/a.yaml");
    world.repository.remove("suites/b.yaml");
    world.repository.commit("alice", "Repair it");
    world.settled().await;
    assert_eq!(world.told("new").await, ["effect create ok"]);
    daemon.stop().await;
}

#[tokio::test]
async fn a_duplicate_identity_holds_the_whole_commit() {
    let twin = suite("crm", "twin");
    refuses(&["PIN0513", "PIN0201"], async |world| commit_with(world, &[("suites/twin.yaml", &twin)])).await;
}

#[tokio::test]
async fn a_dangling_reference_holds_the_whole_commit() {
    let lost = instance("lost", "nobody", 1);
    let (world, daemon) =
        refuses(&["PIN0203"], async |world| commit_with(world, &[("instances/lost.yaml", &lost)])).await;
    let base = world.repository.head();
    world.repository.remove("instances/lost.yaml");
    world.repository.commit("alice", "Take it back");
    world.repository.approve("carol", &base);
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect update ok"]);
    world.assert_plans_empty();
    daemon.stop().await;
}

#[tokio::test]
async fn a_broken_guardrail_holds_the_whole_commit() {
    let rule = "apiVersion: pintle/v1\nkind: Guardrail\nmetadata: {name: small}\nspec:\n  match: {kind: Suite}\n  \
                expression: 'object.spec.description != \"two\"'\n  message: not two\n  enforcement: deny\n";
    let (world, daemon) =
        refuses(&["PIN0301"], async |world| commit_with(world, &[("guardrails/small.yaml", rule)])).await;
    let folder = world.repository.path.to_str().unwrap().to_owned();
    for command in [&["validate", folder.as_str()] as &[&str], &["plan"], &["wait", "HEAD"]] {
        let (code, told) = world.pintle(command);
        assert_eq!(code, 3, "{command:?}: {told}");
    }
    let worse = [("guardrails/small.yaml", rule), ("suites/bad.yaml", "kind: [\n")];
    commit_with(&world, &worse);
    assert_eq!(world.pintle(&["plan"]).0, 1, "that is more than a guardrail");
    daemon.stop().await;
}

#[tokio::test]
async fn a_tree_without_documents_deletes_nothing() {
    refuses(&["PIN0401"], async |world| {
        world.repository.git(&["rm", "--quiet", "-r", "suites", "partners", "instances"]);
        let base = world.repository.head();
        world.repository.commit("alice", "Remove everything");
        world.repository.approve("bob", &base);
    })
    .await;
}

#[tokio::test]
async fn a_removed_policy_is_refused() {
    refuses(&["PIN0514"], async |world| {
        world.repository.remove(".pintle/trust.yaml");
        world.repository.write(CRM, &suite("crm", "two"));
        world.repository.commit("alice", "No more policy");
    })
    .await;
}

/// Puts rubbish where the daemon's mirror keeps `path` of HEAD.
fn corrupt(world: &World, path: &str) {
    let oid = world.repository.git(&["rev-parse", &format!("HEAD:{path}")]);
    let object = world.path().join("daemon.state/mirror.git/objects").join(&oid[..2]).join(&oid[2..]);
    let rubbish = world.path().join("rubbish");
    std::fs::write(&rubbish, "rubbish").unwrap();
    std::fs::create_dir_all(object.parent().unwrap()).unwrap();
    std::fs::rename(rubbish, object).unwrap();
}

#[tokio::test]
async fn a_corrupt_object_in_the_mirror_deletes_nothing() {
    let (world, daemon) = begun().await;
    let before = state(&world).await;
    daemon.stop().await;
    // A mirror that holds no pack, so that the object stands alone.
    std::fs::remove_dir_all(world.path().join("daemon.state")).unwrap();
    let mirror = world.path().join("daemon.state/mirror.git");
    std::fs::create_dir_all(world.path().join("daemon.state")).unwrap();
    world.repository.git(&[
        "clone",
        "--quiet",
        "--bare",
        "--no-local",
        "--config",
        "fetch.unpackLimit=1000",
        ".",
        mirror.to_str().unwrap(),
    ]);
    let packs: Vec<_> =
        std::fs::read_dir(mirror.join("objects/pack")).unwrap().flatten().map(|entry| entry.path()).collect();
    for pack in packs {
        std::fs::remove_file(pack).unwrap();
    }
    for oid in world.repository.git(&["rev-list", "--objects", "--no-object-names", "HEAD"]).lines() {
        let (folder, name) = (mirror.join("objects").join(&oid[..2]), &oid[2..]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(world.repository.path.join(".git/objects").join(&oid[..2]).join(name), folder.join(name))
            .unwrap();
    }
    corrupt(&world, PROD);
    let daemon = world.daemon();
    world.database.until("(SELECT verdict IS NOT NULL OR fetch_error IS NOT NULL FROM pintle.sources)").await;
    let verdict = world.database.json("SELECT verdict FROM pintle.sources").await;
    assert!(
        codes(&verdict).iter().any(|code| ["PIN0402", "PIN0515", "PIN0522"].contains(code)) || verdict.is_null(),
        "{verdict:#}"
    );
    world.ticks().await;
    assert_eq!(state(&world).await, before);
    world.assert_whole().await;
    daemon.stop().await;
}
