//! One golden for each format and shape of plan.

use super::world::{World, alike, approvals, deleting, header, instance, mixed, now, paper};
use crate::render::{Paper, plan_human, plan_json, plan_markdown};
use insta::assert_snapshot;

#[test]
fn a_plan_of_everything_reads_like_the_face() {
    assert_snapshot!(plan_human(&mixed(), &header(), Some(&approvals()), &paper()));
}

#[test]
fn narrow_paper_keeps_every_name_whole() {
    assert_snapshot!(plan_human(&mixed(), &header(), Some(&approvals()), &Paper::plain(48, now())));
}

#[test]
fn colour_only_repeats_what_the_signs_say() {
    let coloured = plan_human(&mixed(), &header(), Some(&approvals()), &Paper { colour: true, ..paper() });
    let plain = plan_human(&mixed(), &header(), Some(&approvals()), &paper());
    assert!(coloured.contains("\u{1b}["));
    let stripped: String = coloured
        .split("\u{1b}[")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_eq!(stripped, plain);
}

#[test]
fn hundreds_of_like_changes_are_one() {
    assert_snapshot!(plan_human(&alike(212), &header(), None, &paper()));
}

#[test]
fn every_deletion_is_named_at_the_terminal() {
    assert_snapshot!(plan_human(&deleting(12, |at| format!("trial-{at}")), &header(), None, &paper()));
}

#[test]
fn an_empty_plan_says_so() {
    let documents = (0..16).map(|at| instance(&format!("i-{at}"), "")).collect::<Vec<_>>().join("---\n");
    let plan = World::applied(&[("all.yaml", &documents)]).plan(&[("all.yaml", &documents)]);
    let text = plan_human(&plan, &header(), None, &paper());
    assert!(text.ends_with("\n\nNo changes. 16 objects are as declared.\n"), "{text}");
    assert_snapshot!(plan_markdown(&plan, &header(), None));
}

#[test]
fn many_new_objects_are_shown_in_part_and_counted() {
    let documents = (0..30)
        .map(|at| instance(&format!("new-{at:02}"), "  resources: {memory: 8Gi}\n"))
        .collect::<Vec<_>>()
        .join("---\n");
    assert_snapshot!(plan_human(&World::empty().plan(&[("all.yaml", &documents)]), &header(), None, &paper()));
}

#[test]
fn waits_of_one_reason_are_told_together_but_never_a_deletion() {
    let all = |names: std::ops::Range<usize>, memory: &str| {
        names
            .map(|at| instance(&format!("i-{at}"), &format!("  resources: {{memory: {memory}}}\n")))
            .collect::<Vec<_>>()
            .join("---\n")
    };
    let world = (0_i32..9).fold(World::applied(&[("all.yaml", &all(0..9, "8Gi"))]), |world, at| {
        world.job(at.into(), &format!("Instance/i-{at}"), true, None)
    });
    let plan = world.plan(&[("all.yaml", &all(0..5, "9Gi"))]);
    assert_snapshot!(plan_human(&plan, &header(), None, &paper()));
    assert_snapshot!(plan_markdown(&plan, &header(), None));
}

#[test]
fn what_was_done_by_hand_already_is_adopted_not_done_again() {
    let document = |memory: &str| instance("a", &format!("  resources: {{memory: {memory}}}\n"));
    let world =
        World::applied(&[("a.yaml", &document("8Gi"))]).by_hand("Instance/a", "spec.resources.memory", &"16Gi".into());
    assert_snapshot!(plan_human(&world.plan(&[("a.yaml", &document("16Gi"))]), &header(), None, &paper()));
}

#[test]
fn the_comment_of_everything() {
    assert_snapshot!(plan_markdown(&mixed(), &header(), Some(&approvals())));
}

#[test]
fn the_comment_groups_like_changes() {
    assert_snapshot!(plan_markdown(&alike(212), &header(), None));
}

#[test]
fn the_json_of_everything() {
    assert_snapshot!(serde_json::to_string_pretty(&plan_json(&mixed(), &header(), Some(&approvals()))).unwrap());
}

#[test]
fn a_plan_beyond_a_limit_is_refused_in_every_format() {
    let world = World::applied(&six());
    let desired = super::world::resolved(&six()[..1]);
    let guards = crate::model::guard::Guards::default();
    let circumstances = crate::gate::Circumstances {
        guards: &guards,
        desired: &desired,
        live: &world.live,
        moved: &[],
        standing: crate::gate::UNWATCHED,
        seq: None,
        keeps: None,
        allowed: &[],
    };
    let plan = crate::gate::judge(world.plan(&six()[..1]), &circumstances);
    assert_eq!(plan.refused().len(), 1);
    let json = plan_json(&plan, &header(), None);
    let told = [
        plan_human(&plan, &header(), None, &paper()),
        plan_markdown(&plan, &header(), None),
        format!("{:#}", json["refused"]),
    ];
    assert_snapshot!(told.join("\n────\n"));
}

/// Six partners, each in a file of its own.
fn six() -> Vec<(&'static str, &'static str)> {
    let text = |name: &str| &*super::world::partner(name).leak();
    ["a", "b", "c", "d", "e", "f"].map(|name| (&*format!("partners/{name}.yaml").leak(), text(name))).to_vec()
}
