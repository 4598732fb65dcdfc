//! Properties over random histories: what trust says depends on who signed what, never on when one
//! looks, nor on anything that a party without a key can do.

use crate::notation::Story;
use crate::repository::PLAIN;
use pintle_core::change::Oid;
use pintle_core::trust::{AcceptedCommit, Verdict, Word};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody does next.
#[derive(Debug, Clone)]
enum Move {
    /// Edits an instance on the branch, signed or not.
    Edit { who: u8, what: u8, memory: u8 },
    /// Approves the change from the branch's base to its tip.
    Approve { who: u8 },
    /// The forge merges the branch into main, and the next branch begins there.
    Merge,
    /// The same by squashing; the approvals stay under the approvals ref.
    Squash,
    /// The branch is fast-forwarded onto main.
    Forward,
    /// Main goes back to the files of an earlier commit of its own.
    Revert { to: u8 },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (any::<u8>(), any::<u8>(), 1..4u8).prop_map(|(who, what, memory)| Move::Edit { who, what, memory }),
        4 => any::<u8>().prop_map(|who| Move::Approve { who }),
        2 => Just(Move::Merge),
        1 => Just(Move::Squash),
        1 => Just(Move::Forward),
        1 => any::<u8>().prop_map(|to| Move::Revert { to }),
    ];
    prop::collection::vec(one, 4..22)
}

/// A history that grew by moves: main's tips in order, and every approval.
struct History {
    story: Story,
    tips: Vec<Oid>,
    approvals: Vec<Oid>,
}

const WRITERS: [Option<&str>; 5] = [Some("alice"), Some("bob"), Some("dave"), None, Some("stranger")];
const APPROVERS: [&str; 5] = ["bob", "erin", "dave", "carol", "alice2"];

fn play(moves: &[Move]) -> History {
    let mut story = Story::begin();
    let first = story.repository.first;
    let (mut main, mut base, mut branch) = (first, first, first);
    let (mut tips, mut approvals) = (vec![first], Vec::new());
    for one in moves {
        let repository = &mut story.repository;
        let files = repository.files[&branch].clone();
        match one {
            Move::Edit { who, what, memory } => {
                let name = ["a", "b", "g"][usize::from(*what) % 3];
                let tier = if name == "g" { "gold" } else { "silver" };
                let mut files = files;
                let text = crate::repository::instance(name, tier, &format!("{memory}Gi"));
                files.insert(format!("instances/{name}.yaml"), (PLAIN, text.into_bytes()));
                branch = repository.commit(WRITERS[usize::from(*who) % WRITERS.len()], &[branch], &files, "Edit\n");
            }
            Move::Approve { who } => {
                let change = repository.change(base, branch);
                let said = pintle_core::trust::Statement::new(
                    Word::Approve,
                    crate::people::REPO,
                    crate::people::MAIN,
                    base,
                    change,
                );
                let message = pintle_core::trust::message_of(&pintle_core::trust::Trailer::Statement(said), "it");
                let who = APPROVERS[usize::from(*who) % APPROVERS.len()];
                branch = repository.commit(Some(who), &[branch], &files, &message);
                approvals.push(branch);
            }
            Move::Merge if branch != base => {
                main = repository.commit(None, &[main, branch], &files, "Merge\n");
                (base, branch) = (main, main);
                tips.push(main);
            }
            Move::Squash if branch != base => {
                main = repository.commit(None, &[main], &files, "Squash\n");
                (base, branch) = (main, main);
                tips.push(main);
            }
            Move::Forward => {
                (main, base) = (branch, branch);
                tips.push(main);
            }
            Move::Revert { to } => {
                let files = repository.files[&tips[usize::from(*to) % tips.len()]].clone();
                main = repository.commit(None, &[main], &files, "Revert\n");
                (base, branch) = (main, main);
                tips.push(main);
            }
            Move::Merge | Move::Squash => {}
        }
    }
    story.repository.evidence.clone_from(&approvals);
    History { story, tips, approvals }
}

fn commit(verdict: &Verdict) -> Oid {
    verdict.accepted.as_ref().map(AcceptedCommit::commit).unwrap()
}

/// The effective state: which instance has how much memory.
fn state(history: &History, oid: Oid) -> BTreeMap<String, Vec<u8>> {
    let files = &history.story.repository.files[&oid];
    files
        .iter()
        .filter(|(path, _)| path.starts_with("instances/"))
        .map(|(path, (_, text))| (path.clone(), text.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn acceptance_does_not_depend_on_when_one_polls(moves in moves(), picks in prop::collection::vec(any::<bool>(), 24)) {
        let mut history = play(&moves);
        let tip = *history.tips.last().unwrap();
        let once = history.story.repository.verdict(tip);
        history.story.repository.derives_again(&once);
        for (at, pick) in history.tips.clone().iter().zip(&picks) {
            if *pick {
                history.story.repository.poll(*at);
            }
        }
        let often = history.story.repository.verdict(tip);
        prop_assert_eq!(commit(&often), commit(&once));
        let points = |verdict: &Verdict| verdict.steps().iter().map(|step| step.commit).collect::<BTreeSet<_>>();
        let (often, once) = (points(&often), points(&once));
        prop_assert!(often.is_superset(&once) || once.is_superset(&often), "{:?} {:?}", often, once);
    }

    #[test]
    fn removing_an_approval_never_accepts_more(moves in moves(), which in any::<prop::sample::Index>()) {
        // Only what stands under the approvals ref can be withheld without rewriting the branch.
        let mut history = play(&moves);
        prop_assume!(!history.approvals.is_empty());
        let tip = *history.tips.last().unwrap();
        let approvals = history.story.repository.evidence.clone();
        history.story.repository.evidence.remove(which.index(approvals.len()));
        let fewer = history.story.repository.verdict(tip);
        // Asked step by step: what is held and then taken back leaves another way than what is accepted.
        history.story.repository.evidence = approvals;
        for (place, step) in fewer.steps().iter().enumerate().skip(1) {
            let before = &fewer.steps()[..place];
            prop_assert!(history.story.repository.may_follow(before, step.commit, tip), "{:?}", step);
        }
    }

    #[test]
    fn one_person_never_counts_twice_and_every_step_has_its_quorum(moves in moves()) {
        let history = play(&moves);
        let verdict = history.story.repository.verdict(*history.tips.last().unwrap());
        for step in verdict.steps().iter().skip(1) {
            let people: BTreeSet<_> = step.counted.iter().map(|one| one.person.clone()).collect();
            prop_assert!(!people.contains("alice2") && !people.contains("stranger"));
            let before = verdict.steps().iter().find(|one| one.seq + 1 == step.seq).unwrap().commit;
            let changed = state(&history, before) != state(&history, step.commit);
            let gold = state(&history, before).get("instances/g.yaml") != state(&history, step.commit).get("instances/g.yaml");
            prop_assert!(!changed || !people.is_empty(), "{:?}", step);
            let rollback = step.counted.iter().any(|one| one.rules.iter().any(|rule| &**rule == "gold"));
            prop_assert!(!gold || people.len() >= 2 || rollback, "{:?}", step);
        }
    }

    #[test]
    fn an_unsigned_party_never_enlarges_the_accepted_change(moves in moves(), junk in prop::collection::vec((any::<u8>(), 0..3u8), 1..6)) {
        let mut history = play(&moves);
        let tip = *history.tips.last().unwrap();
        let before = commit(&history.story.repository.poll(tip));
        // Whatever is stacked on top or merged in without a key moves nothing but what says the same.
        let mut at = tip;
        for (memory, how) in junk {
            let repository = &mut history.story.repository;
            let mut files = repository.files[&at].clone();
            let text = crate::repository::instance("a", "silver", &format!("{}Gi", 64 + u16::from(memory)));
            files.insert("instances/a.yaml".into(), (PLAIN, text.into_bytes()));
            let side = repository.commit(None, &[at], &files, "Junk\n");
            at = match how {
                0 => side,
                1 => repository.commit(None, &[at, side], &files, "Merge\n"),
                _ => repository.commit(None, &[side, at], &files, "Merge\n"),
            };
        }
        let after = commit(&history.story.repository.verdict(at));
        prop_assert_eq!(state(&history, after), state(&history, before));
    }
}
