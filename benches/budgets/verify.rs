//! Verifying a long signed history.

use super::clock::{best, time};
use super::fleet::git;
use super::history::History;
use super::report::{Goal, Report, Row};
use super::signing::{REPO_ID, policy};
use super::world::World;
use jiff::Timestamp;
use pintle::source::GitObjects;
use pintle_core::change::{Digest, Oid};
use pintle_core::model::Catalog;
use pintle_core::trust::{Introduction, Memory, Question, Session, accept};
use std::time::Duration;

const THREADS: usize = 2;

pub fn measure(world: &World, length: usize, report: &mut Report) {
    eprintln!("{length} signed commits: making the history");
    let history = History::make(&world.path("history"), length);
    let (floor, words) = time(|| git(&history.path, &["log", "--format=%G?"]));
    assert_eq!(words.lines().filter(|word| *word == "G").count(), length, "git verifies every commit");
    let rate = |time: Duration| length as f64 / time.as_secs_f64();
    let row = |name, time: Duration, goal, note: &str| Row {
        name,
        size: length,
        ours: rate(time),
        floor: Some(rate(floor)),
        unit: "commits/s",
        goal,
        note: note.into(),
    };
    let objects = GitObjects::open(&history.path).unwrap();
    let sealed = best(3, || assert_eq!(seals(&objects, &history.commits), length));
    report.add(row(
        "verifying signed commits",
        sealed,
        Goal::AtLeast(150.0),
        "signatures, as `git log --format=%G?`; 2 threads",
    ));
    let accepted = time(|| walk(&objects, &history)).0;
    report.add(row(
        "accepting the same history",
        accepted,
        Goal::AtLeast(150.0),
        "every commit's change, rules and quorum too; signatures on 2 threads",
    ));
}

/// How many of `commits` carry a signature that verifies.
fn seals(objects: &GitObjects, commits: &[Oid]) -> usize {
    std::thread::scope(|scope| {
        let parts: Vec<_> = commits
            .chunks(commits.len().div_ceil(THREADS))
            .map(|part| {
                scope.spawn(move || {
                    let (own, mut memory) = (objects.another().unwrap(), Memory::default());
                    let mut session = Session::new(&own, Catalog::standard(), &mut memory);
                    part.iter().filter(|oid| session.seal(**oid).unwrap().is_ok()).count()
                })
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    })
}

/// Accepts the whole history, step by step.
fn walk(objects: &GitObjects, history: &History) {
    let introduction = Introduction {
        repo_id: REPO_ID.into(),
        git_ref: "refs/heads/main".into(),
        commit: history.commits[0],
        policy_sha256: Digest::of(policy().as_bytes()),
    };
    let tip = *history.commits.last().unwrap();
    let question = Question::new(&introduction, tip, Timestamp::now());
    let mut memory = Memory::default();
    let verdict = accept(&question, &mut Session::new(objects, Catalog::standard(), &mut memory));
    assert!(verdict.held.is_none() && verdict.refused.is_none(), "{:?} {:?}", verdict.held, verdict.refused);
    let accepted = verdict.accepted.unwrap();
    assert_eq!((accepted.commit(), accepted.steps().len()), (tip, history.commits.len()));
}
