//! Plans: in three forms, against three things.

use super::{CRM, PROD, Said, ask, begun, golden};
use crate::harness::{World, instance, suite};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../schemas/output/plan.schema.json");

/// A world whose daemon has gone, with a commit that makes, changes and removes something.
async fn changed() -> World {
    let (world, daemon) = begun(&[]).await;
    daemon.stop().await;
    world.repository.remove("suites/pos.yaml");
    world.repository.write("suites/hr.yaml", &suite("hr", "new"));
    world.repository.write(CRM, &suite("crm", "two"));
    world.repository.write(PROD, &instance("prod", "acme", 4));
    world.repository.commit("alice", "Grow prod, begin hr, end pos");
    world
}

#[tokio::test]
async fn a_plan_is_drawn_for_people_for_programs_and_for_pull_requests() {
    let world = changed().await;
    let validator = jsonschema::draft202012::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let valid = |said: &Said| -> Value {
        let plan = said.json();
        let errors: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{}", said.out);
        plan
    };
    insta::assert_snapshot!("human", golden(&world, &[ask(&world, &["plan"]).ends(0)]));
    insta::assert_snapshot!("markdown", golden(&world, &[ask(&world, &["plan", "-o", "markdown"]).ends(0)]));
    let plan = ask(&world, &["plan", "-o", "json"]).ends(0);
    valid(&plan);
    insta::assert_snapshot!("json", golden(&world, &[plan]));

    let file = world.path().join("live.json").display().to_string();
    let sides = [
        ask(&world, &["snapshot", &file]).ends(0),
        ask(&world, &["plan", "--live", &file]).ends(0),
        ask(&world, &["plan", "--against", "HEAD~1"]).ends(0),
    ];
    insta::assert_snapshot!("other_sides", golden(&world, &sides));
    let actions =
        |more: &[&str]| valid(&ask(&world, &[&["plan", "-o", "json"], more].concat()).ends(0))["actions"].clone();
    let digest = actions(&[]);
    assert!(digest.is_string(), "{digest}");
    assert_eq!(digest, actions(&["--live", &file]), "the snapshot is the database");

    let copy = world.path().join("plan.md").display().to_string();
    let said = ask(&world, &["plan", "-o", "markdown", "--out", &copy]).ends(0);
    assert_eq!(std::fs::read_to_string(&copy).unwrap().trim_end(), said.out.trim_end());
}

#[tokio::test]
async fn changes_end_with_2_only_when_that_was_asked_for() {
    let world = changed().await;
    ask(&world, &["plan"]).ends(0);
    ask(&world, &["plan", "--detailed-exitcode"]).ends(2);
    ask(&world, &["plan", "--against", "HEAD", "--detailed-exitcode"]).ends(0);
    let nothing = [
        ask(&world, &["plan", "--rev", "HEAD~1", "--detailed-exitcode"]).ends(0),
        ask(&world, &["plan", "--against", "HEAD", "-o", "markdown"]).ends(0),
    ];
    insta::assert_snapshot!("nothing", golden(&world, &nothing));
}

#[tokio::test]
async fn an_invalid_revision_is_drawn_with_every_error_and_ends_with_1() {
    let world = World::new(&[(CRM, suite("crm", "one"))]).await;
    world.repository.write(CRM, &suite("crm", "one").replace("owner:", "ownr:"));
    world.repository.write(PROD, &instance("prod", "acme", 2));
    world.repository.commit("alice", "Two slips");
    let forms: [&[&str]; 3] = [&["plan"], &["plan", "-o", "markdown"], &["plan", "--detailed-exitcode"]];
    let said: Vec<Said> = forms.iter().map(|words| ask(&world, words).ends(1)).collect();
    insta::assert_snapshot!("invalid", golden(&world, &said));
    let answer = ask(&world, &["plan", "-o", "json"]).ends(1).json();
    let codes: Vec<&str> =
        answer["diagnostics"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(codes.contains(&"PIN0107"), "{answer:#}");
}
