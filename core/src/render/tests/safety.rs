//! What must hold for any plan: no escape bytes, no secrets, no way out of the table, no lost deletion.

use super::world::{World, deleting, header, instance, mixed, now, paper};
use crate::plan::Plan;
use crate::render::{COMMENT_LIMIT, Paper, plan_human, plan_json, plan_markdown, plan_output_schema};
use proptest::prelude::*;

const HOSTILE: &str =
    "x | y ``` </details> @everyone <img src=x> \u{1b}[2J\u{202e}\n| 🗑 | forged | row |\n```\n# title";

fn hostile(text: &str) -> Plan {
    let document = instance("a", "  config: {note: fine}\n");
    World::applied(&[("all.yaml", &document)])
        .by_hand("Instance/a", "spec.config.note", &text.into())
        .plan(&[("all.yaml", &document.replace("fine", "better"))])
}

#[test]
fn hostile_values_cannot_leave_the_table() {
    let text = plan_markdown(&hostile(HOSTILE), &header(), None);
    let (table, fold) = text.split_once("<details>").unwrap();
    assert!(!table.contains('@') && !table.contains("<img") && !table.contains("forged | row"), "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("| ")).count(), 2, "{table}");
    let fence = fold.lines().find(|line| line.starts_with("```")).unwrap().trim_end_matches("text");
    assert_eq!(fold.lines().filter(|line| line.starts_with(fence)).count(), 2, "{fold}");
    assert!(fold.trim_end().ends_with(&format!("{fence}\n\n</details>")), "{fold}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}

#[test]
fn hostile_short_values_and_names_stay_in_their_cell() {
    for value in ["a|b", "`", "\\|", "@all", "<b>"] {
        let text = plan_markdown(&hostile(value), &header(), None);
        let row = text.lines().find(|line| line.starts_with("| ✏️")).unwrap();
        assert_eq!(row.matches('|').count(), 4, "{row}");
    }
    let text = plan_markdown(&deleting(2, |at| format!("a|`@x`\n| {at}")), &header(), None);
    assert!(
        text.lines()
            .filter(|line| line.starts_with("| 🗑"))
            .all(|row| row.matches('|').count() == 4 && !row.contains('@')),
        "{text}"
    );
}

#[test]
fn a_terminal_is_given_no_command() {
    for plan in [hostile(HOSTILE), mixed(), deleting(3, |at| format!("\u{1b}]0;x\u{7}{at}"))] {
        let text = plan_human(&plan, &header(), None, &paper());
        assert!(!text.chars().any(|c| c.is_control() && c != '\n') && !text.contains('\u{202e}'), "{text:?}");
    }
}

#[test]
fn a_hostile_commit_and_approver_give_no_command() {
    let header = crate::render::Header { subject: Some(HOSTILE.into()), author: Some(HOSTILE.into()), ..header() };
    let mut approvals = super::world::approvals();
    approvals.rules[0].have = vec![HOSTILE.into()];
    approvals.approve_with = Some(HOSTILE.into());
    let human = plan_human(&mixed(), &header, Some(&approvals), &paper());
    assert!(!human.chars().any(|c| c.is_control() && c != '\n') && !human.contains('\u{202e}'), "{human:?}");
    let markdown = plan_markdown(&mixed(), &header, Some(&approvals));
    assert!(
        !markdown.contains("@everyone") && !markdown.contains("<img") && !markdown.contains("\n# title"),
        "{markdown}"
    );
}

#[test]
fn rows_that_do_not_fit_are_counted_and_leave_room_for_the_approvals() {
    let all = |memory: usize| {
        (0..1500)
            .map(|at| instance(&format!("shop-{at}"), &format!("  resources: {{memory: {}Gi}}\n", memory + at / 2)))
            .collect::<Vec<_>>()
            .join("---\n")
    };
    let plan = World::applied(&[("all.yaml", &all(1))]).plan(&[("all.yaml", &all(1001))]);
    let text = plan_markdown(&plan, &header(), Some(&super::world::approvals()));
    let rows = text.lines().filter(|line| line.starts_with("| ✏️")).count();
    assert!(text.len() <= COMMENT_LIMIT && rows < 1500 && text.contains("Approvals: 1 of 2 (sre, release, rule gold)"));
    assert!(text.contains(&format!("\n{} more rows did not fit", 1500 - rows)), "{rows}");
}

#[test]
fn boundless_approvals_and_deletions_stay_within_a_comment() {
    let mut approvals = super::world::approvals();
    let names: Vec<String> = (0..500).map(|at| format!("{at}{}", "@|".repeat(400))).collect();
    approvals.rules = (0..40)
        .map(|_| crate::render::RuleLine {
            have: names.clone(),
            from: names.clone(),
            missing: names.clone(),
            needed: 900,
            ..approvals.rules[0].clone()
        })
        .collect();
    for deleted in [0, 2000, 6000] {
        let text = plan_markdown(&deleting(deleted, |at| format!("trial-{at}")), &header(), Some(&approvals));
        assert!(text.len() <= COMMENT_LIMIT && text.matches("Approvals: 500 of 900").count() == 10, "{}", text.len());
    }
}

#[test]
fn no_format_shows_a_secret_typed_over_its_reference() {
    let plan = mixed();
    let texts = [
        plan_human(&plan, &header(), None, &paper()),
        plan_markdown(&plan, &header(), None),
        plan_json(&plan, &header(), None).to_string(),
    ];
    for text in texts {
        assert!(!text.contains("hunter2") && !text.contains("secretRef"), "{text}");
        assert!(text.contains("(secret acme-smtp-2)") && text.contains("(hidden)"), "{text}");
    }
}

#[test]
fn secrets_inside_lists_and_beside_references_are_hidden() {
    let desired = instance("a", "  config: {logins: [{name: x, password: {secretRef: one}}]}\n");
    let planned = |live: serde_json::Value| {
        let world = World::applied(&[("all.yaml", &desired)]).by_hand("Instance/a", "spec.config.logins", &live);
        plan_json(&world.plan(&[("all.yaml", &desired)]), &header(), None).to_string()
    };
    for live in [
        serde_json::json!([{"name": "y", "password": "hunter2"}, {"name": "z", "password": {"value": "hunter2"}}]),
        serde_json::json!(["hunter2"]),
        serde_json::json!("hunter2"),
        serde_json::json!([{"name": "y", "password": {"secretRef": "one", "plain": "hunter2"}}]),
        serde_json::json!([{"name": "ghp_hunter2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]),
    ] {
        let text = planned(live.clone());
        assert!(!text.contains("hunter2") && text.contains("(secret one)"), "{live}: {text}");
    }
}

#[test]
fn the_json_satisfies_its_published_schema() {
    let validator = jsonschema::draft202012::new(&plan_output_schema()).unwrap();
    let json = plan_json(&mixed(), &header(), Some(&super::world::approvals()));
    let wrong: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut broken = json;
    broken["steps"][0]["action"] = 7.into();
    assert!(!validator.is_valid(&broken), "the schema refuses something");
}

#[test]
fn deletions_that_do_not_fit_as_rows_are_still_all_named() {
    let plan = deleting(3000, |at| format!("trial-{at}"));
    let text = plan_markdown(&plan, &header(), None);
    assert!(text.len() <= COMMENT_LIMIT && text.contains("**3,000 delete**"));
    assert!((0..3000).all(|at| text.contains(&format!("`trial-{at}`"))));
}

#[test]
fn deletions_that_do_not_fit_as_names_are_counted() {
    let plan = deleting(6000, |at| format!("a-rather-long-name-for-a-trial-instance-{at:05}"));
    let text = plan_markdown(&plan, &header(), None);
    assert!(text.len() <= COMMENT_LIMIT);
    let named = text.matches("`a-rather-long").count();
    assert!(named > 1000 && text.contains(&super::super::text::counted(6000 - named, "more deletion")), "{named}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_comment_keeps_its_limit_and_every_deletion(deleted in 0_usize..1400, ended in 0_usize..200, changed in 0_usize..400, values in prop::collection::vec("[ -~\u{1b}`|@\n]{0,80}", 1..8)) {
        let names: Vec<String> = (0..changed).map(|at| format!("i-{at}")).collect();
        let lives = |lifecycle: &str| (0..ended).map(|at| instance(&format!("ends-{at}"), &format!("  lifecycle: {lifecycle}\n"))).collect::<Vec<_>>();
        let documents = |word: &str| names.iter().enumerate().map(|(at, name)| {
            let value = serde_json::to_string(&format!("{}{word}{}", values[at % values.len()].replace(['\n', '\u{1b}'], " "), at / 3)).unwrap();
            instance(name, &format!("  config: {{note: {value}}}\n"))
        }).chain(lives(if word == "a" { "active" } else { "terminated" })).chain([instance("stays", "")]).collect::<Vec<_>>().join("---\n");
        let mut world = World::applied(&[("all.yaml", &documents("a"))]);
        let gone = World::applied(&[("all.yaml", &(0..deleted).map(|at| instance(&format!("gone-{at}"), "")).collect::<Vec<_>>().join("---\n"))]);
        world.live.objects.extend(gone.live.objects);
        world.live.bodies.extend(gone.live.bodies);
        world.live.objects.sort_by(|a, b| a.key.cmp(&b.key));
        let plan = world.plan(&[("all.yaml", &documents("b"))]);
        let text = plan_markdown(&plan, &header(), None);
        prop_assert!(text.chars().count() <= COMMENT_LIMIT && text.len() <= COMMENT_LIMIT);
        let goes: Vec<String> = (0..deleted).map(|at| format!("gone-{at}")).chain((0..ended).map(|at| format!("ends-{at}"))).collect();
        for name in &goes {
            prop_assert!(text.contains(&format!("`Instance/{name}`")) || text.contains(&format!("`{name}`")), "{} is lost", name);
        }
        prop_assert_eq!(&text, &plan_markdown(&plan, &header(), None));
        for width in [0, 60, 120] {
            let human = plan_human(&plan, &header(), None, &Paper::plain(width, now()));
            let escapes = human.contains('\u{1b}');
            let named = goes.iter().filter(|name| human.contains(&format!("Instance/{name}"))).count();
            prop_assert_eq!((escapes, named), (false, goes.len()));
        }
    }
}

#[test]
fn a_comment_says_of_when_the_snapshot_is_that_it_was_planned_against() {
    let told = |of_snapshot| {
        let header = crate::render::Header { of_snapshot, ..header() };
        plan_markdown(&mixed(), &header, None).contains("a snapshot of the live state of ")
    };
    assert_eq!((told(true), told(false)), (true, false));
}
