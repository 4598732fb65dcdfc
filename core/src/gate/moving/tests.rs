//! A fleet of which a service says how far it has come, and one change of all of it.

use super::super::{Circumstances, Standing, judge};
use crate::change::ObjectKey;
use crate::model::guard::{Guard, Guards};
use crate::plan::Plan;
use crate::render::tests::world::{World, partner, resolved};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Where an instance is, and whose tenants it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Home {
    partner: usize,
    region: usize,
    tenants: usize,
}

const PARTNERS: [&str; 3] = ["acme", "aurora", "harbor"];
const REGIONS: [&str; 2] = ["eu", "ng"];
const ALL: &str = "all.yaml";

fn name(at: usize) -> String {
    format!("i{at:02}")
}

/// The documents of a fleet, each with that memory.
fn documents(homes: &[Home], memory: &str) -> String {
    let mut all: Vec<String> = PARTNERS.iter().map(|name| partner(name)).collect();
    for (at, home) in homes.iter().enumerate() {
        let (name, partner, region) = (name(at), PARTNERS[home.partner], REGIONS[home.region]);
        all.push(format!(
            "apiVersion: pintle/v1\nkind: Instance\nmetadata: {{name: {name}, labels: {{region: {region}}}}}\nspec: {{type: partner-deployed, partner: {partner}, resources: {{memory: {memory}}}}}\n"
        ));
        all.extend((0..home.tenants).map(|tenant| {
            format!("apiVersion: pintle/v1\nkind: Tenant\nmetadata: {{name: t{tenant}-{name}}}\nspec: {{partner: {partner}, instance: {name}, displayName: T}}\n")
        }));
    }
    all.join("---\n")
}

/// What moves of a change of all of `homes`, by their places in the fleet, while those in `standing` stand like that and
/// the others are there.
fn moves(homes: &[Home], standing: &[(usize, Standing)], guard: &str) -> (BTreeSet<usize>, Plan) {
    let before = documents(homes, "8Gi");
    let after = documents(homes, "16Gi");
    let mut world = World::applied(&[(ALL, &before)]);
    for (at, home) in homes.iter().enumerate() {
        world.row(&format!("Instance/{}", name(at))).labels =
            format!("{{\"region\": \"{}\"}}", REGIONS[home.region]).into();
    }
    let key = |at: usize| ObjectKey::new("Instance", name(at));
    let mut all: BTreeMap<ObjectKey, Standing> =
        (0..homes.len()).map(|at| (key(at), Standing::There(Timestamp::MIN))).collect();
    all.extend(standing.iter().map(|(at, how)| (key(*at), *how)));
    let (guard, wrong) = Guard::parse(&format!("limits: []\n{guard}"));
    assert!(wrong.is_empty(), "{wrong:?}");
    let (desired, guards) = (resolved(&[(ALL, &after)]), Guards::only(guard));
    let circumstances = Circumstances {
        guards: &guards,
        desired: &desired,
        live: &world.live,
        moved: &[],
        standing: &all,
        seq: None,
        keeps: None,
        allowed: &[],
    };
    let plan = judge(world.plan(&[(ALL, &after)]), &circumstances);
    assert_eq!(crate::check::check_judged(&plan, &circumstances), []);
    let number = |key: &ObjectKey| key.name[1..].parse::<usize>().unwrap();
    (plan.steps().iter().map(|step| number(&step.change.key)).collect(), plan)
}

fn of(partner: usize, region: usize) -> Home {
    Home { partner, region, tenants: 0 }
}

fn reasons(plan: &Plan) -> Vec<String> {
    plan.waiting().iter().map(|waiting| waiting.reason.sentence()).collect()
}

const WIDE: &str = "global: 100, perPartner: 100, perRegion: 100, maxUnavailable: 100%";

#[test]
fn each_bound_holds_back_what_is_too_much_and_says_of_what() {
    let homes = [of(0, 0), of(0, 0), of(1, 0), of(1, 1)];
    for (bound, moving, said) in [
        ("global: 3", vec![0, 1, 2], "3 of the fleet move, 3 may at once"),
        ("perPartner: 1", vec![0, 2], "1 of partner acme move, 1 may at once"),
        ("perRegion: 2", vec![0, 1, 3], "2 of region eu move, 2 may at once"),
        ("maxUnavailable: 50%", vec![0, 1], "2 of those that may be down move, 2 may at once"),
    ] {
        let guard = format!(
            "moving: {{{}}}",
            WIDE.split(", ")
                .filter(|one| one.split(':').next() != bound.split(':').next())
                .chain([bound])
                .collect::<Vec<_>>()
                .join(", ")
        );
        let (moves, plan) = moves(&homes, &[], &guard);
        assert_eq!(moves, moving.into_iter().collect(), "{guard}");
        assert!(reasons(&plan).iter().any(|one| one.contains(said)), "{guard}: {:?}", reasons(&plan));
    }
}

#[test]
fn one_may_always_be_down_unless_none_is_written() {
    let homes = [of(0, 0), of(1, 1)];
    assert_eq!(moves(&homes, &[], "moving: {maxUnavailable: 1%}").0.len(), 1);
    assert_eq!(moves(&homes, &[], "moving: {maxUnavailable: 0%}").0.len(), 0);
}

#[test]
fn what_is_under_way_takes_a_place_and_moves_on_and_what_is_down_already_costs_nothing() {
    let homes = [of(0, 0), of(1, 0), of(2, 0)];
    let guard = "moving: {global: 1, maxUnavailable: 100%}";
    assert_eq!(moves(&homes, &[(1, Standing::UnderWay)], guard).0, BTreeSet::from([1]), "it is on its way already");
    let guard = "moving: {maxUnavailable: 34%}";
    let failed = [(2, Standing::Failed(Timestamp::MIN))];
    assert_eq!(moves(&homes, &failed, guard).0, BTreeSet::from([2]), "it is down already, and no other may be");
}

#[test]
fn whoever_weighs_more_than_all_that_may_move_goes_alone() {
    let homes = [Home { tenants: 5, ..of(0, 0) }, Home { tenants: 1, ..of(1, 0) }, Home { tenants: 1, ..of(2, 1) }];
    let guard = format!("moving: {{{WIDE}, maxTenantsMoving: 3}}");
    assert_eq!(moves(&homes, &[], &guard).0, BTreeSet::from([0]));
    assert_eq!(moves(&homes[1..], &[], &guard).0, BTreeSet::from([0, 1]));
}

#[test]
fn what_nobody_reports_on_is_held_back_for_nobody() {
    let (before, after) = (documents(&[of(0, 0); 9], "8Gi"), documents(&[of(0, 0); 9], "16Gi"));
    let (world, desired) = (World::applied(&[(ALL, &before)]), resolved(&[(ALL, &after)]));
    let (guard, _) = Guard::parse("limits: []\nmoving: {global: 1}");
    let guards = Guards::only(guard);
    let circumstances = Circumstances {
        guards: &guards,
        desired: &desired,
        live: &world.live,
        moved: &[],
        standing: super::super::UNWATCHED,
        seq: None,
        keeps: None,
        allowed: &[],
    };
    let plan = judge(world.plan(&[(ALL, &after)]), &circumstances);
    assert_eq!(plan.steps().len(), 9);
}

fn home() -> impl Strategy<Value = Home> {
    (0..3_usize, 0..2_usize, 0..3_usize).prop_map(|(partner, region, tenants)| Home { partner, region, tenants })
}

fn standing() -> impl Strategy<Value = Option<Standing>> {
    let at = Timestamp::MIN;
    prop_oneof![3 => Just(None), 1 => Just(Some(Standing::UnderWay)), 1 => Just(Some(Standing::Failed(at)))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_more_than_may_ever_move_and_what_waits_could_not_have_moved(
        fleet in prop::collection::vec((home(), standing()), 1..12),
        (global, per_partner, per_region) in (1..6_usize, 1..4_usize, 1..5_usize),
    ) {
        let homes: Vec<Home> = fleet.iter().map(|(home, _)| *home).collect();
        let standing: Vec<(usize, Standing)> = fleet.iter().enumerate().filter_map(|(at, (_, how))| Some((at, (*how)?))).collect();
        let guard = format!("moving: {{global: {global}, perPartner: {per_partner}, perRegion: {per_region}, maxUnavailable: 100%}}");
        let (moves, plan) = moves(&homes, &standing, &guard);
        let before: BTreeSet<usize> = standing.iter().filter(|(_, how)| *how == Standing::UnderWay).map(|(at, _)| *at).collect();
        let all: BTreeSet<usize> = moves.union(&before).copied().collect();
        let most = |of: &dyn Fn(&Home) -> bool, bound: usize| {
            let now = all.iter().filter(|at| of(&homes[**at])).count();
            let then = before.iter().filter(|at| of(&homes[**at])).count();
            // What is on its way may be more than may, and then no other joins it.
            (now, now <= bound.max(then))
        };
        let (moving, holds) = most(&|_| true, global);
        prop_assert!(holds);
        for waiting in plan.waiting() {
            prop_assert_eq!(waiting.reason.code(), "moving");
            let at = waiting.change.key.name[1..].parse::<usize>().unwrap();
            let beside = most(&|home| home.partner == homes[at].partner, per_partner).0;
            let there = most(&|home| home.region == homes[at].region, per_region).0;
            prop_assert!(moving >= global || beside >= per_partner || there >= per_region, "{at} could have moved");
        }
        for one in &homes {
            prop_assert!(most(&|home| home.partner == one.partner, per_partner).1);
            prop_assert!(most(&|home| home.region == one.region, per_region).1);
        }
    }
}
