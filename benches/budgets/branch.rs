//! One step: a pull request of many signed commits, merged into a repository of many documents.

use super::clock::{best, time};
use super::fleet::{Fleet, git, ours};
use super::report::{Goal, Report, Row};
use super::signing::{REPO_ID, allowed_signers, people};
use super::world::World;
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::model::Catalog;
use pintle_core::trust::{Memory, Question, Session, Statement, Trailer, Word, accept, change_id, message_of};

const COMMITS: usize = 200;
const SECOND: i64 = 1_750_100_000;

pub fn measure(world: &World, documents: usize, report: &mut Report) {
    eprintln!("a branch of {COMMITS} signed commits over {documents} documents: making it");
    let fleet = Fleet::make(&world.path("branch"), documents, COMMITS);
    let signers = fleet.path.join("allowed_signers");
    std::fs::write(&signers, allowed_signers()).unwrap();
    git(&fleet.path, &["config", "gpg.format", "ssh"]);
    git(&fleet.path, &["config", "gpg.ssh.allowedSignersFile", signers.to_str().unwrap()]);
    let (merge, branch) = merged(&fleet);
    let range = format!("{}..{branch}", fleet.base);
    let (floor, words) = time(|| git(&fleet.path, &["log", "--format=%G?", &range]));
    assert_eq!(words.lines().filter(|word| *word == "G").count(), COMMITS + 1, "git verifies every commit");
    let ours = best(3, || accepted(&fleet, merge));
    report.add(Row {
        name: "a step: 200 signed commits merged",
        size: documents,
        ours: ours.as_secs_f64() * 1e3,
        floor: Some(floor.as_secs_f64() * 1e3),
        unit: "ms",
        goal: Goal::AtMost(1.0),
        note: "nothing remembered; the floor is `git log --format=%G?` of the branch".into(),
    });
}

/// The merge of the approved branch into the base, and the branch.
fn merged(fleet: &Fleet) -> (Oid, Oid) {
    let (objects, last) = (fleet.objects(), *fleet.edits.last().unwrap());
    let mut memory = Memory::default();
    let mut session = Session::new(objects.as_ref(), Catalog::standard(), &mut memory);
    let change = change_id(&mut session, REPO_ID, fleet.base, last).unwrap();
    let said = Statement::new(Word::Approve, REPO_ID, "refs/heads/main", fleet.base, change);
    let repository = git2::Repository::open_bare(&fleet.path).unwrap();
    let theirs = |oid: Oid| git2::Oid::from_bytes(&oid.0).unwrap();
    let tree = repository.find_commit(theirs(last)).unwrap().tree_id();
    let message = message_of(&Trailer::Statement(said), "the branch");
    let odb = repository.odb().unwrap();
    let approval = people()[0].commit(tree, Some(theirs(last)), SECOND, &message);
    let approval = odb.write(git2::ObjectType::Commit, &approval).unwrap();
    let who = format!("Forge <forge@bench.example> {} +0000", SECOND + 60);
    let merge = format!(
        "tree {tree}\nparent {}\nparent {approval}\nauthor {who}\ncommitter {who}\n\nMerge the branch\n",
        theirs(fleet.base)
    );
    let merge = odb.write(git2::ObjectType::Commit, merge.as_bytes()).unwrap();
    git(&fleet.path, &["update-ref", "refs/bench/merge", &merge.to_string()]);
    (ours(merge), ours(approval))
}

fn accepted(fleet: &Fleet, merge: Oid) {
    let (objects, introduction) = (fleet.objects(), Fleet::introduction(fleet.base));
    let now = Timestamp::from_second(SECOND + 120).unwrap();
    let mut memory = Memory::default();
    let mut session = Session::new(objects.as_ref(), Catalog::standard(), &mut memory);
    let verdict = accept(&Question::new(&introduction, merge, now), &mut session);
    assert_eq!(verdict.accepted.unwrap().commit(), merge, "{:?}", verdict.held);
}
