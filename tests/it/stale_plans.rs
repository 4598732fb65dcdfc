//! A plan becomes current only if what was current when it was made still is.

use crate::harness::{Database, Repository, suite};
use pintle::planner::{Planned, Planner};
use pintle::source::GitObjects;
use pintle::store::acceptance::SOURCE;
use pintle::store::motion::Motion;
use pintle::store::{Store, StoreError};
use pintle_core::gate::{AdmittedPlan, gate};
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guards;
use pintle_core::trust::{AcceptedCommit, Introduction, Memory, Question, Session, accept};
use std::sync::Arc;

/// Someone who plans the accepted commit against the rows.
struct Someone {
    planner: Planner,
    accepted: AcceptedCommit,
}

impl Someone {
    async fn planned(&mut self) -> (Planned, AdmittedPlan) {
        let guards = Guards::default();
        let planned = self.planner.plan(SOURCE, &guards).await.unwrap().unwrap();
        let motion = Motion::default();
        let circumstances = self.planner.circumstances(&guards, &motion, (1, None), &[]).unwrap();
        let admitted = gate(planned.plan.clone(), &self.accepted, &circumstances).unwrap();
        (planned, admitted)
    }
}

#[tokio::test]
async fn of_two_plans_from_one_state_the_second_is_refused_the_very_first_one_too() {
    let database = Database::new().await;
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::new(folder.path().join("repository"), &[("suites/crm.yaml", suite("crm", "one"))]);
    let objects = Arc::new(GitObjects::open(&repository.path).unwrap());
    let introduced = &repository.introduced;
    let introduction = Introduction {
        repo_id: introduced.repo_id.as_str().into(),
        git_ref: "refs/heads/main".into(),
        commit: introduced.commit.parse().unwrap(),
        policy_sha256: introduced.policy.parse().unwrap(),
    };
    let store = Store::open(&database.url, 4).unwrap();
    assert!(store.introduce(&introduction).await.unwrap());
    let proof = store.lead("test").await.unwrap().unwrap();
    let now = jiff::Timestamp::now();
    let mut memory = Memory::default();
    let mut session = Session::new(objects.as_ref(), Catalog::standard(), &mut memory);
    let verdict = accept(&Question::new(&introduction, introduction.commit, now), &mut session);
    let accepted = verdict.accepted.unwrap();
    let someone = || {
        let mut planner = Planner::new(store.clone(), objects.clone(), Catalog::standard());
        assert!(planner.read(introduction.commit, now).unwrap().is_empty());
        Someone { planner, accepted: accepted.clone() }
    };
    let (mut one, mut other) = (someone(), someone());
    // Neither saw any plan: both are the first.
    let ((first, admitted), (second, late)) = (one.planned().await, other.planned().await);
    assert_eq!((first.seen.parent, second.seen.parent), (None, None));
    assert_eq!(store.enqueue(&proof, SOURCE, &first.seen, &admitted).await.unwrap().added, 1);
    database.run("UPDATE pintle.job_state SET state = 'cancelled'").await;
    let refused = store.enqueue(&proof, SOURCE, &second.seen, &late).await;
    assert!(matches!(refused, Err(StoreError::StalePlan)), "{refused:?}");
    assert_eq!(database.count("SELECT count(*) FROM pintle.jobs").await, 1, "nothing of it is left");
    // Made anew from what is, it is taken; and so is refused whoever saw the same.
    let ((first, admitted), (second, late)) = (someone().planned().await, someone().planned().await);
    store.enqueue(&proof, SOURCE, &first.seen, &admitted).await.unwrap();
    database.run("UPDATE pintle.job_state SET state = 'cancelled'").await;
    let refused = store.enqueue(&proof, SOURCE, &second.seen, &late).await;
    assert!(matches!(refused, Err(StoreError::StalePlan)), "{refused:?}");
}
