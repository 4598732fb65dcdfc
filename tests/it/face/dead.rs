//! A dead letter: seen, tried again, and recorded.

use super::{CRM, ask, golden};
use crate::harness::{World, suite};

const VERSION: &str = "apiVersion: pintle/v1
kind: Version
metadata: {name: platform-1-0-0}
spec:
  component: platform
  version: 1.0.0
  stage: released
  changelog: first
  artifacts: {image: \"registry.example/platform@sha256:6cb049e77d5c63a33eb10a2bdd4e3be320aa860f4be03844f24c1063bb50fb78\"}
";
/// A reason that a spreadsheet would run.
const WICKED: &str = "=HYPERLINK(\"http://x.example\")";

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_error_and_tried_again_on_record() {
    let world = World::new(&[(CRM, suite("crm", "one")), ("versions.yaml", VERSION.to_owned())]).await;
    world.database.run("INSERT INTO pintle.versions (name, spec) VALUES ('squatter', '{\"component\": \"platform\", \"version\": \"1.0.0\", \"stage\": \"draft\"}')").await;
    let daemon = world.daemon();
    world.settled().await;
    let job =
        world.database.ask("SELECT job_id FROM pintle.job_state WHERE state = 'dead'").await.expect("nothing died");
    let looks = [
        ask(&world, &["jobs", "list", "--state", "dead"]).ends(0),
        ask(&world, &["jobs", "show", &job]).ends(0),
        ask(&world, &["why", "Version/platform-1-0-0"]).ends(0),
        ask(&world, &["status"]).ends(0),
        ask(&world, &["wait"]).ends(0),
        ask(&world, &["jobs", "retry", &job]).ends(1),
    ];
    insta::assert_snapshot!("seen", golden(&world, &looks));

    world.database.run("DELETE FROM pintle.versions WHERE name = 'squatter'").await;
    let retried = ask(&world, &["jobs", "retry", &job, "--reason", WICKED]).ends(0);
    world.database.until("(SELECT state = 'done' FROM pintle.job_state WHERE object_name = 'platform-1-0-0' ORDER BY job_id DESC LIMIT 1)").await;
    let again = ask(&world, &["jobs", "retry", &job, "--reason", "once more"]).ends(1);
    let told = ask(&world, &["audit", "search", "--name", "platform-1-0-0"]).ends(0);
    insta::assert_snapshot!("retried", golden(&world, &[retried, again, told]));
    let cells = ask(&world, &["audit", "export", "--format", "csv", "--action", "retry"]).ends(0).out;
    assert!(cells.contains(",\"'=HYPERLINK("), "a reason is a formula: {cells}");
    daemon.stop().await;
}
