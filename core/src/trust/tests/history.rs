//! Cases: history.

use super::story::{Story, instance};
use crate::change::Oid;
use crate::model::Catalog;
use crate::trust::{Memory, Question, Session, accept_from};

/// A story with one accepted step after the introduction.
fn accepted() -> (Story, Oid) {
    let mut story = Story::default();
    let first = story.first;
    let work = story.raise("alice", first, "g", "9Gi");
    let tip = story.approve("bob", work, first, work);
    assert_eq!(story.poll(tip).accepted.unwrap().commit(), tip);
    (story, tip)
}

#[test]
fn a_tip_that_equals_the_accepted_commit_says_so_and_nothing_more() {
    let (story, tip) = accepted();
    let verdict = story.verdict(tip);
    assert_eq!(verdict.accepted.unwrap().seq(), 3);
    assert!(verdict.held.is_none() && verdict.refused.is_none() && verdict.notes.is_empty());
}

#[test]
fn a_tip_that_does_not_descend_from_the_accepted_commit_is_refused_and_the_state_kept() {
    let (mut story, tip) = accepted();
    let first = story.first;
    let beside = story.edit("alice", first, &[("docs/a.md", Some("x"))]);
    let files = story.files[&tip].clone();
    let unrelated = story.raw_commit(Some("alice"), &[], &files, "Another root\n");
    let foreign = story.raise("alice", unrelated, "a", "1Gi");
    for (case, to, code) in [
        ("rewind", first, "PIN0520"),
        ("fork", beside, "PIN0521"),
        ("unrelated root", unrelated, "PIN0521"),
        ("on an unrelated root", foreign, "PIN0521"),
    ] {
        let verdict = story.verdict(to);
        assert_eq!(verdict.accepted.unwrap().commit(), tip, "{case}");
        let refused = verdict.refused.unwrap();
        assert_eq!((refused.reason.code.as_str(), refused.commit), (code, to), "{case}");
        assert!(refused.reason.hint.contains("push"), "{case}");
    }
}

#[test]
fn an_unaccepted_tip_may_be_rewritten_away() {
    let (mut story, tip) = accepted();
    let secret = story.raise("alice", tip, "g", "66Gi");
    assert_eq!(story.poll(secret).accepted.unwrap().commit(), tip);
    let clean = story.edit("alice", tip, &[("docs/a.md", Some("x"))]);
    story.expect(clean, true, "rewritten");
}

#[test]
fn a_revert_of_a_held_commit_is_accepted_without_a_word() {
    let (mut story, tip) = accepted();
    let held = story.raise("nobody", tip, "g", "66Gi");
    let revert = story.raise("nobody", held, "g", "9Gi");
    story.expect(revert, true, "the same tree again");
}

#[test]
fn merges_of_every_shape() {
    let (mut story, tip) = accepted();
    let branch = story.raise("alice", tip, "g", "10Gi");
    let end = story.approve("bob", branch, tip, branch);
    let bare = story.raise("alice", tip, "g", "10Gi");
    let other = story.edit("alice", tip, &[("docs/o.md", Some("x"))]);
    let files = story.files[&end].clone();
    let ours = story.files[&tip].clone();
    let merge = story.merge(tip, end, tip, &[]);
    let evil = story.merge(tip, end, tip, &[("instances/a.yaml", Some(&instance("a", "silver", "66Gi")))]);
    let old = story.edit("alice", story.first, &[("docs/old.md", Some("x"))]);
    let both = story.edited(tip, &[("docs/old.md", Some("x"))]);
    let foxtrot = story.raw_commit(None, &[old, tip], &both, "Foxtrot\n");
    let octopus = story.raw_commit(None, &[tip, end, other], &files, "Octopus\n");
    let nothing = story.raw_commit(None, &[tip, end], &ours, "Merge -s ours\n");
    let without = story.merge(tip, bare, tip, &[]);
    for (case, to, good) in [
        ("merge", merge, true),
        ("evil", evil, false),
        ("foxtrot", foxtrot, true),
        ("octopus", octopus, false),
        ("without approval", without, false),
    ] {
        if case == "octopus" {
            // Its writers cannot be told, so the one approver is presumed to be one of them.
            assert_ne!(story.accepted(to), to, "{case}");
            continue;
        }
        story.expect(to, good, case);
    }
    let verdict = story.verdict(nothing);
    assert_eq!(verdict.accepted.unwrap().commit(), tip, "a merge that brings nothing moves nothing");
}

#[test]
fn an_update_from_main_inside_a_branch_keeps_the_authors_word_only_if_it_is_clean() {
    for (extra, good) in [(vec![], true), (vec![("docs/slipped.md", Some("x"))], false)] {
        let (mut story, tip) = accepted();
        let branch = story.raise("alice", tip, "g", "10Gi");
        let main = story.edit("carol", tip, &[("docs/main.md", Some("x"))]);
        story.poll(main);
        let updated = story.merge(branch, main, tip, &extra);
        let more = story.edit("alice", updated, &[("docs/mine.md", Some("x"))]);
        let end = story.approve("bob", more, main, more);
        let merged = story.merge(main, end, main, &[]);
        story.expect(merged, good, "update from main");
    }
}

#[test]
fn a_long_side_branch_from_before_the_accepted_commit_is_only_what_it_brings() {
    let (mut story, tip) = accepted();
    let first = story.first;
    let mut branch = first;
    for memory in ["10Gi", "11Gi", "12Gi"] {
        branch = story.raise("alice", branch, "a", memory);
    }
    let end = story.approve("bob", branch, first, branch);
    let merged = story.merge(tip, end, first, &[]);
    story.expect(merged, true, "forked before");
}

#[test]
fn going_on_from_an_accepted_commit_says_the_same_as_from_the_introduction() {
    let (mut story, tip) = accepted();
    let before = story.verdict(tip).accepted.unwrap();
    let next = story.raise("alice", tip, "g", "11Gi");
    let next = story.approve("bob", next, tip, next);
    let held = story.raise("alice", next, "g", "12Gi");
    let introduction = story.introduction();
    let question = Question::new(&introduction, held, story.now);
    let mut memory = Memory::default();
    let warm = accept_from(&before, &question, &mut Session::new(&story.store, Catalog::standard(), &mut memory));
    let cold = story.verdict(held);
    assert_eq!(warm.steps(), cold.steps());
    assert_eq!(warm.held, cold.held);
    assert_eq!(warm.accepted.unwrap().commit(), next);
}

#[test]
fn a_denied_change_is_held_whatever_its_approvals() {
    let (mut story, tip) = accepted();
    let work = story.raise("alice", tip, "g", "11Gi");
    let next = story.approve("bob", work, tip, work);
    let denied = [story.change(tip, work)];
    let introduction = story.introduction();
    let question =
        Question { recorded: &story.recorded, denied: &denied, ..Question::new(&introduction, next, story.now) };
    let mut memory = Memory::default();
    let verdict = crate::trust::accept(&question, &mut Session::new(&story.store, Catalog::standard(), &mut memory));
    assert_eq!(verdict.accepted.unwrap().commit(), tip);
}

#[test]
fn an_object_that_is_missing_holds_and_keeps_the_state() {
    let (mut story, tip) = accepted();
    let next = story.raise("alice", tip, "g", "11Gi");
    let approved = story.approve("bob", next, tip, next);
    story.store.forget(next);
    let verdict = story.verdict(approved);
    assert_eq!(verdict.accepted.unwrap().commit(), tip);
    assert_eq!(verdict.refused.unwrap().reason.code.as_str(), "PIN0515");
}

#[test]
fn the_introduction_must_be_what_the_settings_say() {
    let story = Story::default();
    let good = story.introduction();
    let cases = [
        ("another repository", crate::trust::Introduction { repo_id: "other".into(), ..good.clone() }),
        (
            "another policy",
            crate::trust::Introduction { policy_sha256: crate::change::Digest([0; 32]), ..good.clone() },
        ),
        ("another commit", crate::trust::Introduction { commit: Oid([1; 20]), ..good }),
    ];
    for (case, introduction) in cases {
        let question = Question::new(&introduction, story.first, story.now);
        let mut memory = Memory::default();
        let verdict =
            crate::trust::accept(&question, &mut Session::new(&story.store, Catalog::standard(), &mut memory));
        assert!(verdict.accepted.is_none(), "{case}");
        assert_eq!(verdict.refused.unwrap().reason.code.as_str(), "PIN0522", "{case}");
    }
    for who in ["dave", "nobody", "zbot", "stranger"] {
        let mut story = Story::default();
        let files = story.files[&story.first].clone();
        story.first = story.raw_commit((who != "nobody").then_some(who), &[], &files, "Begin\n");
        assert!(story.verdict(story.first).accepted.is_none(), "{who} is not root");
    }
}

#[test]
fn an_author_vouches_for_nothing_that_a_merge_slipped_in() {
    // The rule for secure/ asks for two people and no independence: only the author's own rule protects it.
    for (extra, good) in [(vec![], true), (vec![("secure/slipped", Some("x"))], false)] {
        let (mut story, tip) = accepted();
        let branch = story.edit("alice", tip, &[("secure/a", Some("x"))]);
        let main = story.edit("carol", tip, &[("docs/main.md", Some("x"))]);
        story.poll(main);
        let updated = story.merge(branch, main, tip, &extra);
        let more = story.edit("alice", updated, &[("secure/b", Some("x"))]);
        let end = story.approve("bob", more, main, more);
        let merged = story.merge(main, end, main, &[]);
        story.expect(merged, good, "inside the branch");
    }
    for (extra, good) in [(vec![], true), (vec![("docs/evil.md", Some("x"))], false)] {
        let (mut story, tip) = accepted();
        let branch = story.edit("alice", tip, &[("docs/a.md", Some("x"))]);
        let merged = story.merge(tip, branch, tip, &extra);
        story.expect(merged, good, "in the merge itself");
    }
}

#[test]
fn an_approval_that_stands_below_the_accepted_commit_counts_the_same_in_every_poll() {
    let (mut story, tip) = accepted();
    let work = story.raise("nobody", tip, "a", "9Gi");
    let before = story.approve("bob", tip, tip, work);
    let landed = story.raise("nobody", before, "a", "9Gi");
    let once = story.accepted(landed);
    story.poll(before);
    assert_eq!(story.accepted(landed), once);
}
