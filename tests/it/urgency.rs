//! What goes first where there is not room for all: each cause has its place in the ledger.

use crate::harness::{World, suite};

const SUITE: &str = "suites/shop.yaml";

fn version(number: &str, security: &str) -> String {
    let name = number.replace('.', "-");
    format!(
        "apiVersion: pintle/v1\nkind: Version\nmetadata: {{name: platform-{name}}}\n\
         spec: {{component: platform, version: {number}, stage: released{security}}}\n"
    )
}

fn channel(target: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Channel\nmetadata: {{name: stable}}\n\
         spec: {{mode: manual, component: platform, target: {target}}}\n"
    )
}

/// The priority of the last change of a row.
async fn priority(world: &World, name: &str) -> i64 {
    let sql =
        format!("SELECT priority::bigint FROM pintle.job_state WHERE object_name = '{name}' ORDER BY job_id DESC");
    world.database.count(&format!("{sql} LIMIT 1")).await
}

#[tokio::test]
async fn what_brings_back_what_was_there_goes_before_what_is_new_and_that_before_what_is_put_right() {
    let world = World::new(&[(SUITE, suite("shop", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    world.repository.change("alice", SUITE, &suite("shop", "two"));
    world.settled().await;
    let new = priority(&world, "shop").await;
    world.repository.change("alice", SUITE, &suite("shop", "one"));
    world.settled().await;
    let back = priority(&world, "shop").await;
    world.database.run("UPDATE pintle.suites SET spec = jsonb_set(spec, '{description}', '\"three\"')").await;
    let healed = "(SELECT count(*) = 4 FROM pintle.job_state WHERE object_name = 'shop' AND state = 'done')";
    world.database.until(healed).await;
    let healed = priority(&world, "shop").await;
    assert!(back < new && new < healed, "{back}, {new}, {healed}");
    daemon.stop().await;
}

#[tokio::test]
async fn what_brings_a_version_that_repairs_a_hole_goes_before_all_else() {
    let fixes = ", security: {fixes: [CVE-2026-0001], severity: critical}";
    let world = World::new(&[
        ("versions/a.yaml", version("4.6.0", "")),
        ("versions/b.yaml", version("4.7.0", "")),
        ("channels/stable.yaml", channel("4.6.0")),
    ])
    .await;
    let daemon = world.daemon();
    world.settled().await;
    world.repository.change("alice", "channels/stable.yaml", &channel("4.7.0"));
    world.settled().await;
    let ordinary = priority(&world, "stable").await;
    world.repository.write("versions/c.yaml", &version("4.7.1", fixes));
    world.repository.change("alice", "channels/stable.yaml", &channel("4.7.1"));
    world.settled().await;
    let repairs = priority(&world, "stable").await;
    assert!(repairs < ordinary, "{repairs}, {ordinary}");
    assert_eq!(priority(&world, "platform-4-7-1").await, repairs, "the version itself, too");
    assert_eq!(priority(&world, "platform-4-7-0").await, ordinary);
    daemon.stop().await;
}
