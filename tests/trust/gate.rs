//! What the gate admits, and only it can: a plan of the very commit that was accepted, that breaks no invariant.

use super::repository::Repository;
use jiff::Timestamp;
use pintle::source::load_files;
use pintle_core::diff::{Differing, LiveState};
use pintle_core::gate::{Circumstances, Refusal, UNWATCHED, gate};
use pintle_core::model::Catalog;
use pintle_core::model::guard::{Guard, Guards};
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::{Resolved, resolve};
use pintle_core::trust::AcceptedCommit;

fn suite(description: &str) -> Resolved {
    let text = format!(
        "apiVersion: pintle/v1\nkind: Suite\nmetadata: {{name: crm}}\nspec: {{description: {description}, owner: us}}\n"
    );
    let loaded = load_files(vec![("suites/crm.yaml".into(), text.into_bytes())]);
    resolve(&loaded.tree, Catalog::standard(), None, Timestamp::UNIX_EPOCH)
}

/// An accepted commit, a document that changed, and the row that it had.
struct World {
    accepted: AcceptedCommit,
    desired: Resolved,
    live: LiveState,
    guards: Guards,
}

impl World {
    fn new() -> Self {
        let repository = Repository::new();
        let accepted = repository.verdict(repository.first).accepted.unwrap();
        let live = LiveState::as_applied(&suite("one"), "before", Timestamp::UNIX_EPOCH);
        Self { accepted, desired: suite("two"), live, guards: Guards::only(Guard::default()) }
    }

    fn plan(&self, commit: &str) -> Plan {
        plan(PlanInput {
            commit,
            desired: &self.desired,
            live: &self.live,
            differing: &Differing::of(&self.desired, &self.live),
            guards: &self.guards,
            catalog: Catalog::standard(),
            now: Timestamp::UNIX_EPOCH,
        })
    }

    /// How many steps the gate admits of `plan` beside `live`.
    fn admits(&self, plan: Plan, live: &LiveState) -> Result<usize, Refusal> {
        let circumstances = Circumstances {
            guards: &self.guards,
            desired: &self.desired,
            live,
            moved: &[],
            standing: UNWATCHED,
            seq: None,
            keeps: None,
            allowed: &[],
        };
        gate(plan, &self.accepted, &circumstances).map(|admitted| admitted.plan().steps().len())
    }
}

#[test]
fn a_plan_of_the_accepted_commit_is_admitted_and_of_no_other() {
    let world = World::new();
    let accepted = world.accepted.commit().to_string();
    assert_eq!(world.admits(world.plan(&accepted), &world.live), Ok(1));
    let other = "0".repeat(40);
    let refused = world.admits(world.plan(&other), &world.live);
    assert_eq!(refused, Err(Refusal::OtherCommit { plan: other, accepted }));
}

#[test]
fn a_plan_that_breaks_an_invariant_is_not_admitted() {
    let world = World::new();
    let plan = world.plan(&world.accepted.commit().to_string());
    let mut moved = world.live.clone();
    moved.objects.iter_mut().for_each(|row| row.revision += 1);
    let Err(Refusal::Invariant(broken)) = world.admits(plan, &moved) else { panic!("the row is another by now") };
    assert_eq!(broken[0].rule, "a step is for the row as it was read");
}
