//! The order of a plan, what waits in it and why, and the name of what it does.

use super::documents::Files;
use super::scenario::{golden, told};
use super::world::World;

#[test]
fn what_refers_comes_after_what_it_refers_to() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Tenant/kano: {partner: acme, instance: home, displayName: Kano}
        Instance/home: {type: partner-deployed, partner: acme, update: {channel: late}}
        Partner/acme: {displayName: Acme}
        Channel/late: {mode: manual, component: platform, upstream: {channel: soon, soak: 1h}}
        Channel/soon: {mode: manual, component: platform}
    "
    ));
}

#[test]
fn deletes_go_the_other_way_round() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Tenant/kano: {partner: acme, instance: home, displayName: Kano}
        Instance/home: {type: partner-deployed, partner: acme}
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
        ## commit
        Partner/bolt: {displayName: Bolt}
    "
    ));
}

#[test]
fn what_a_worker_is_at_waits_and_so_does_what_needs_it() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/bolt: {displayName: Bolt}
        Partner/acme: {displayName: Acme}
        Instance/home: {type: partner-deployed, partner: acme}
        Tenant/kano: {partner: acme, instance: home, displayName: Kano}
        ## jobs
        running 7 Partner/acme
    "
    ));
}

#[test]
fn an_update_of_what_is_live_does_not_hold_what_refers_to_it() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/acme: {displayName: Acme}
        ## commit
        Partner/acme: {displayName: New}
        Instance/home: {type: partner-deployed, partner: acme}
        ## jobs
        running 7 Partner/acme
    "
    ));
}

#[test]
fn a_dead_letter_waits_until_its_target_is_another() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
        ## jobs
        dead 7 Partner/acme
        dead 9 Partner/acme
        dead-other 8 Partner/bolt
    "
    ));
}

#[test]
fn a_running_job_counts_before_a_dead_one_in_whatever_order_they_come() {
    let story = |jobs: &str| golden(&format!("## commit\nPartner/acme: {{displayName: Acme}}\n## jobs\n{jobs}"));
    let end = |text: String| text.split_once("────").map(|(_, plan)| plan.to_owned()).unwrap();
    let one = end(story("dead 9 Partner/acme\nrunning 7 Partner/acme"));
    assert_eq!(one, end(story("running 7 Partner/acme\ndead 9 Partner/acme")));
    assert!(one.contains("job 7 is running"), "{one}");
}

#[test]
fn a_protected_row_is_not_deleted_with_its_document() {
    insta::assert_snapshot!(golden(
        r#"
        ## commit
        Partner/acme [annotations: {pintle/protect: "true"}]: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
        ## commit
        Partner/bolt: {displayName: Bolt}
    "#
    ));
}

#[test]
fn the_action_digest_is_of_what_happens_and_of_nothing_else() {
    let (world, desired) = told(
        "## commit\nPartner/acme: {displayName: Acme}\n## commit\nPartner/acme: {displayName: New}\nPartner/bolt: {displayName: Bolt}",
    );
    let daemon = world.plan_as(&desired, "aaaa", "2026-11-20T12:00:00Z");
    let ci = world.plan_as(&desired, "bbbb", "2027-03-01T08:30:00Z");
    assert_eq!(daemon.actions(), ci.actions());
    assert_ne!(serde_json::to_string(&daemon).unwrap(), serde_json::to_string(&ci).unwrap());

    let mut moved = Files::short("Partner/bolt: {displayName: Bolt}").0;
    let text = moved.remove("partner/bolt.yaml").unwrap();
    moved.insert("elsewhere/b.yaml".into(), [b"# moved\n", text.as_slice()].concat());
    moved.extend(Files::short("Partner/acme: {displayName: New}").0);
    assert_eq!(world.plan(&Files(moved).resolved()).actions(), daemon.actions(), "another file is not another action");

    let other = Files::short("Partner/acme: {displayName: Newer}\nPartner/bolt: {displayName: Bolt}").resolved();
    assert_ne!(world.plan(&other).actions(), daemon.actions());
    assert_ne!(World::default().plan(&desired).actions(), daemon.actions(), "what is before counts");
}

#[test]
fn what_waits_is_not_part_of_the_action_digest() {
    let with = |jobs: &str| {
        told(&format!(
            "## commit\nPartner/acme: {{displayName: A}}\n## jobs\n{jobs}\n## commit\nPartner/bolt: {{displayName: B}}\nPartner/acme: {{displayName: A}}"
        ))
    };
    let (mut world, desired) = with("");
    let alone = world
        .plan(&Files::short("Partner/acme: {displayName: A}\nPartner/bolt: {displayName: B}").resolved())
        .actions();
    world.jobs.clear();
    assert_eq!(world.plan(&desired).actions(), alone);
}

#[test]
fn the_counts_are_those_of_the_steps() {
    let (world, desired) = told(
        "
        ## commit
        Partner/a: {displayName: A}
        Partner/b: {displayName: B}
        Partner/c: {displayName: C}
        ## live
        set Partner/b spec.displayName \"X\"
        ## commit
        Partner/a: {displayName: New}
        Partner/b: {displayName: B}
        Partner/d: {displayName: D}
    ",
    );
    let counts = world.plan(&desired).counts();
    assert_eq!((counts.create, counts.change, counts.delete, counts.heal, counts.waiting), (1, 1, 1, 1, 0));
}

#[test]
fn a_circle_among_live_rows_loses_no_deletion() {
    insta::assert_snapshot!(golden(
        r#"
        ## commit
        Channel/a: {mode: manual, component: platform, upstream: {channel: b, soak: 1h}}
        Channel/b: {mode: manual, component: platform}
        Partner/acme: {displayName: Acme}
        ## live
        set Channel/b spec.upstream {"channel": "a", "soak": "1h"}
        ## commit
        Partner/acme: {displayName: Acme}
    "#
    ));
}

#[test]
fn a_tree_with_a_circle_is_planned_without_losing_a_step() {
    let desired = Files::short("Channel/a: {mode: manual, component: platform, upstream: {channel: b, soak: 1h}}\nChannel/b: {mode: manual, component: platform, upstream: {channel: a, soak: 1h}}").resolved();
    assert!(desired.has_errors());
    assert_eq!(World::default().plan(&desired).steps().len(), 2);
}

#[test]
fn a_long_chain_of_references_is_held_at_once() {
    use std::fmt::Write;
    let mut story = "## commit\nChannel/c0: {mode: manual, component: platform}\n".to_owned();
    for at in 1..3000 {
        writeln!(
            story,
            "Channel/c{at}: {{mode: manual, component: platform, upstream: {{channel: c{}, soak: 1h}}}}",
            at - 1
        )
        .unwrap();
    }
    let (world, desired) = told(&(story + "## jobs\nrunning 7 Channel/c0"));
    let plan = world.plan(&desired);
    assert_eq!((plan.steps().len(), plan.waiting().len()), (0, 3000));
}
