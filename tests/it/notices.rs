//! Who is told: the forge by a status, webhooks by a signed post, each transition once.

use crate::harness::{Daemon, World, eventually, suite};
use crate::shared::{FakeForge, TOKEN};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;

fn told(world: &World, forge: &FakeForge, kind: &str) -> Daemon {
    let url = format!("{}/{kind}", forge.url);
    let settings = [
        ("PINTLE_FORGE", kind),
        ("PINTLE_FORGE_URL", url.as_str()),
        ("PINTLE_FORGE_REPO", "acme/state"),
        ("PINTLE_FORGE_TOKEN", TOKEN),
        ("PINTLE_SECRET_HOOK", "s3cret"),
    ];
    Daemon::start(world, "daemon", &settings)
}

#[tokio::test]
async fn the_forge_is_told_what_became_of_each_commit() {
    for kind in ["github", "gitlab", "forgejo"] {
        let forge = FakeForge::start();
        let world = World::new(&[("suites/crm.yaml", suite("crm", "one"))]).await;
        let daemon = told(&world, &forge, kind);
        let statuses = || forge.look(|held| held.statuses.clone());
        let has = |commit: &str, state: &str| {
            statuses().iter().any(|(have, is, name, _)| have == commit && is == state && name == "pintle/applied")
        };
        let first = world.repository.head();
        eventually("the first is applied", async || has(&first, "success")).await;
        world.repository.write("suites/crm.yaml", &suite("crm", "two"));
        let held = world.repository.commit_unsigned("mallory", "Two");
        eventually("the second is held", async || has(&held, "pending")).await;
        let approved = world.repository.approve("alice", &first);
        eventually("the approval is applied", async || has(&approved, "success")).await;
        world.database.until(&format!("(SELECT told ->> 'applied' = '{approved}' FROM pintle.sources)")).await;
        daemon.stop().await;
        // A restart tells nothing again.
        let before = statuses().len();
        world.lease_expires().await;
        let daemon = told(&world, &forge, kind);
        world.ticks().await;
        daemon.stop().await;
        assert_eq!(statuses().len(), before, "{kind}: {:?}", statuses());
    }
}

#[tokio::test]
async fn the_forge_is_told_that_a_wide_change_waits_for_a_word_and_is_applied_when_its_waves_are_over() {
    let forge = FakeForge::start();
    let suites = |description: &str| ["a", "b", "c"].map(|name| suite(name, description)).join("---\n");
    let rollout = "apiVersion: pintle/v1\nkind: Rollout\nmetadata: {name: careful}\n\
        spec: {waves: [{name: canary, count: 1}, {name: all, percent: 100, gate: manual}]}\n";
    let guard = "pace: [{match: {kind: Suite}, above: 1, rollout: careful}]\n";
    let files = [
        ("suites/all.yaml", suites("one")),
        (".pintle/guard.yaml", guard.to_owned()),
        ("rollouts/careful.yaml", rollout.to_owned()),
    ];
    let world = World::new(&files).await;
    let daemon = told(&world, &forge, "github");
    world.settled().await;
    world.repository.change("alice", "suites/all.yaml", &suites("two"));
    let wide = world.repository.head();
    let states = || -> Vec<String> {
        let all = forge.look(|held| held.statuses.clone());
        all.into_iter()
            .filter(|(commit, _, name, _)| *commit == wide && name == "pintle/applied")
            .map(|one| one.1)
            .collect()
    };
    eventually("it is told to wait for a word", async || states() == ["pending"]).await;
    let (code, said) = world.pintle(&["advance", "careful", "all", "--reason", "looks fine"]);
    assert_eq!(code, 0, "{said}");
    eventually("its end is told", async || states() == ["pending", "success"]).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_webhook_of_the_guard_gets_what_it_asks_for_signed_and_again_after_a_fault() {
    let forge = FakeForge::start();
    let guard = format!(
        "notify: [{{url: \"{}/hook\", secretRef: hook, events: [applied, drift]}}]\ndrift: [{{match: {{kind: Suite}}, mode: report}}]\n",
        forge.url
    );
    let world = World::new(&[("suites/crm.yaml", suite("crm", "one")), (".pintle/guard.yaml", guard)]).await;
    forge.look(|held| held.fault = Some(503));
    let daemon = Daemon::start(&world, "daemon", &[("PINTLE_SECRET_HOOK", "s3cret")]);
    eventually("it was tried while it failed", async || forge.look(|held| held.asked > 0)).await;
    assert_eq!(forge.look(|held| held.hooks.len()), 0);
    forge.look(|held| held.fault = None);
    world
        .database
        .run("UPDATE pintle.suites SET spec = jsonb_set(spec, '{owner}', '\"them\"') WHERE name = 'crm'")
        .await;
    eventually("both are told", async || forge.look(|held| held.hooks.len() >= 2)).await;
    daemon.stop().await;
    let hooks = forge.look(|held| held.hooks.clone());
    let mut events: Vec<String> = Vec::new();
    for (signature, body) in &hooks {
        let (time, code) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s3cret").unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        assert_eq!(hex::encode(mac.finalize().into_bytes()), code);
        let body: Value = serde_json::from_str(body).unwrap();
        events.push(body["event"].as_str().unwrap().to_owned());
    }
    assert!(events.contains(&"applied".to_owned()) && events.contains(&"drift".to_owned()), "{events:?}");
    assert!(events.iter().all(|event| event == "applied" || event == "drift"), "{events:?}");
}

#[tokio::test]
async fn who_has_heard_is_not_told_again_because_another_has_not() {
    let (hears, deaf) = (FakeForge::start(), FakeForge::start());
    let receiver = |forge: &FakeForge| format!("{{url: \"{}/hook\", events: [applied]}}", forge.url);
    let guard = format!("notify: [{}, {}]\n", receiver(&hears), receiver(&deaf));
    let world = World::new(&[("suites/crm.yaml", suite("crm", "one")), (".pintle/guard.yaml", guard)]).await;
    deaf.look(|held| held.fault = Some(503));
    let daemon = world.daemon();
    eventually("the other was asked more than once", async || deaf.look(|held| held.asked > 2)).await;
    deaf.look(|held| held.fault = None);
    eventually("both are told", async || deaf.look(|held| held.hooks.len()) == 1).await;
    assert_eq!(hears.look(|held| held.hooks.len()), 1);
    daemon.stop().await;
}
