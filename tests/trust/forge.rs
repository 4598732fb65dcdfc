//! A forge that may do anything but sign: it holds every object that people pushed, and builds from
//! them whatever main it likes. Nothing that nobody approved is ever accepted, whatever it tries.

use crate::dice::{Dice, number};
use crate::notation::Story;
use crate::people::{MAIN, REPO};
use crate::repository::{Files, PLAIN, instance};
use pintle_core::change::Oid;
use pintle_core::trust::{AcceptedCommit, Statement, Trailer, Word, message_of};

/// What people pushed: branches of each its own document, approved or not, and one to be reverted.
struct Pushed {
    story: Story,
    commits: Vec<Oid>,
    approvals: Vec<Oid>,
}

/// Memory that was approved for `a`, `b` and `g` at some time; anything else nobody approved.
const APPROVED: [(&str, &[&str]); 4] =
    [("a", &["8Gi", "9Gi"]), ("b", &["8Gi", "9Gi"]), ("c", &["8Gi"]), ("g", &["8Gi", "9Gi"])];

fn people_push() -> Pushed {
    let mut story = Story::begin();
    for line in [
        "wa alice on 0: a=9Gi",
        "pa bob on wa: approve 0..wa",
        "wb dave on 0: b=9Gi",
        "pb erin on wb: approve 0..wb",
        "wg alice on 0: g=9Gi",
        "pg bob on wg: approve 0..wg",
        // Written and never approved.
        "xa alice on 0: a=66Gi",
        // Approved and withdrawn.
        "xg alice on 0: g=66Gi",
        "yg erin on xg: approve 0..xg",
        "zg bob on yg: withdraw 0..xg",
        "xc mallory on 0: c=66Gi",
        "yc mallory on xc: approve 0..xc",
        "wip alice on wa: a=67Gi",
        "late bob on 0: approve 0..wb ref=refs/heads/other",
    ] {
        story.line(line);
    }
    let names = ["wa", "wb", "wg", "xa", "xg", "xc", "wip", "pa", "pb", "pg", "yg", "zg", "yc", "late"];
    let commits: Vec<Oid> = names.iter().map(|name| story.oid(name)).collect();
    let approvals = commits[7..].to_vec();
    Pushed { story, commits, approvals }
}

/// The forge's next main: a squash, a merge (evil or not), a rewind, a graft, a null merge, a replay,
/// a half of a branch, another root.
fn next_main(pushed: &mut Pushed, main: Oid, dice: &mut Dice) -> Oid {
    let first = pushed.story.repository.first;
    let other = dice.pick(&pushed.commits);
    let repository = &mut pushed.story.repository;
    let (ours, theirs) = (repository.files[&main].clone(), repository.files[&other].clone());
    let made = match dice.roll(11) {
        0 => repository.commit(None, &[main], &theirs, "Squash\n"),
        1 => {
            let files = brought(&ours, &theirs, &repository.files[&first]);
            repository.commit(None, &[main, other], &files, "Merge\n")
        }
        2 => {
            let mut files = brought(&ours, &theirs, &repository.files[&first]);
            evil(&mut files, dice);
            repository.commit(None, &[main, other], &files, "Merge\n")
        }
        3 => return dice.pick(&pushed.commits),
        4 => repository.commit(None, &[main, other], &ours, "Null merge\n"),
        5 => repository.commit(None, &[other, main], &brought(&ours, &theirs, &repository.files[&first]), "Foxtrot\n"),
        6 => repository.commit(None, &[], &theirs, "Another root\n"),
        7 => {
            let mut files = ours;
            evil(&mut files, dice);
            repository.commit(None, &[main], &files, "Surely nobody minds\n")
        }
        8 => {
            // An approval that the forge writes itself, for a change that it made.
            let mut files = ours.clone();
            evil(&mut files, dice);
            let work = repository.commit(None, &[main], &files, "Work\n");
            let said = Statement::new(Word::Approve, REPO, MAIN, main, repository.change(main, work));
            repository.commit(None, &[work], &files, &message_of(&Trailer::Statement(said), "it"))
        }
        9 => first,
        _ => repository.commit(None, &[main, other, dice.pick(&pushed.commits)], &theirs, "Octopus\n"),
    };
    pushed.commits.push(made);
    made
}

fn brought(ours: &Files, theirs: &Files, base: &Files) -> Files {
    let mut files = ours.clone();
    files.extend(
        theirs
            .iter()
            .filter(|(path, text)| base.get(*path) != Some(text))
            .map(|(path, text)| (path.clone(), text.clone())),
    );
    files
}

fn evil(files: &mut Files, dice: &mut Dice) {
    let name = dice.pick(&["a", "b", "c", "g"]);
    let tier = if name == "g" { "gold" } else { "silver" };
    files.insert(format!("instances/{name}.yaml"), (PLAIN, instance(name, tier, "99Gi").into_bytes()));
}

/// Whether every instance in `files` says what somebody with authority approved once.
fn was_approved(files: &Files) -> Result<(), String> {
    for (name, memories) in APPROVED {
        let text =
            files.get(&format!("instances/{name}.yaml")).map(|(_, text)| String::from_utf8_lossy(text).into_owned());
        let Some(text) = text else { return Err(format!("{name} is gone")) };
        if !memories.iter().any(|memory| text.contains(&format!("memory: {memory}"))) {
            return Err(format!("{name} says\n{text}"));
        }
    }
    Ok(())
}

#[test]
fn whatever_the_forge_does_nothing_unapproved_is_ever_accepted() {
    let lives = number("PINTLE_FORGES", 120);
    let mut moved = 0;
    for seed in 1..=lives {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut pushed = people_push();
        let mut main = pushed.story.repository.first;
        let mut reverted = false;
        for _ in 0..8 {
            main = next_main(&mut pushed, main, &mut dice);
            // It shows as many of the approvals as it likes; the withdrawal was seen before, and is kept.
            let withdrawal = pushed.story.oid("zg");
            let approvals = pushed.approvals.iter().copied();
            let shown: Vec<Oid> = approvals.filter(|oid| dice.roll(3) > 0 || *oid == withdrawal).collect();
            pushed.story.repository.evidence = shown;
            if dice.roll(2) == 0 {
                continue;
            }
            let verdict = pushed.story.repository.poll(main);
            let accepted = verdict.accepted.as_ref().map(AcceptedCommit::commit).unwrap();
            let files = &pushed.story.repository.files[&accepted];
            was_approved(files).unwrap_or_else(|why| panic!("forge {seed}: {} was accepted: {why}", accepted.short()));
            moved += usize::from(accepted != pushed.story.repository.first);
            if !reverted && accepted != pushed.story.repository.first {
                reverted = revert(&mut pushed, accepted, &mut main);
            }
        }
    }
    assert!(moved > 0, "some forge let an approved change through");
}

/// People take everything back, by their own approvals: from now on nothing of it may return.
fn revert(pushed: &mut Pushed, accepted: Oid, main: &mut Oid) -> bool {
    let repository = &mut pushed.story.repository;
    let files = repository.files[&repository.first].clone();
    if repository.files[&accepted] == files {
        return false;
    }
    let back = repository.commit(Some("alice"), &[accepted], &files, "Take it back\n");
    let change = repository.change(accepted, back);
    let mut tip = back;
    for who in ["bob", "erin", "dave"] {
        let said = Statement::new(Word::Approve, REPO, MAIN, accepted, change);
        tip = repository.commit(Some(who), &[tip], &files, &message_of(&Trailer::Statement(said), "it"));
    }
    let verdict = repository.poll(tip);
    assert_eq!(verdict.accepted.unwrap().commit(), tip, "the revert is approved");
    *main = tip;
    true
}

#[test]
fn what_was_taken_back_never_returns_by_the_old_approvals() {
    for seed in 1..=60 {
        let mut dice = Dice(0x2545_f491_4f6c_dd1d_u64.wrapping_mul(seed));
        let mut pushed = people_push();
        let first = pushed.story.repository.first;
        pushed.story.line("m - on 0,pa: merge 0");
        let merged = pushed.story.oid("m");
        assert_eq!(pushed.story.repository.poll(merged).accepted.unwrap().commit(), merged);
        let mut main = merged;
        assert!(revert(&mut pushed, merged, &mut main));
        let original = pushed.story.repository.files[&first]["instances/a.yaml"].clone();
        for _ in 0..6 {
            main = next_main(&mut pushed, main, &mut dice);
            pushed.story.repository.evidence.clone_from(&pushed.approvals);
            let verdict = pushed.story.repository.poll(main);
            let accepted = verdict.accepted.unwrap().commit();
            assert_eq!(pushed.story.repository.files[&accepted]["instances/a.yaml"], original, "forge {seed}");
        }
    }
}
