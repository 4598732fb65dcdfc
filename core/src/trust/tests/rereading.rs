//! Another Pintle reads the accepted tree differently: who must say yes, and what does not count.

use super::story::{REPO, Story};
use crate::change::{ChangeId, Digest, Oid};
use crate::model::Catalog;
use crate::trust::{Held, Memory, Question, Rereading, Session, Word, reread};

fn change(commit: Oid) -> Rereading {
    Rereading { commit, before: Digest::of(b"then"), now: Digest::of(b"now") }
}

fn asked(story: &Story, denied: &[ChangeId]) -> Option<Held> {
    let introduction = story.introduction();
    let question =
        Question { evidence: &story.evidence, denied, ..Question::new(&introduction, story.first, story.now) };
    let accepted = story.verdict(story.first).accepted.unwrap();
    let mut memory = Memory::default();
    let mut session = Session::new(&story.store, Catalog::standard(), &mut memory);
    reread(&accepted, &change(story.first), &question, &mut session).unwrap()
}

/// Everyone of `people` says `word` about the reading.
fn said(story: &mut Story, word: Word, people: &[&str], change: ChangeId) {
    for who in people {
        let commit = story.state(who, story.first, word, story.first, change);
        story.evidence.push(commit);
    }
}

#[test]
fn it_waits_for_the_people_of_the_policy_and_names_them() {
    let mut story = Story::default();
    let id = change(story.first).id(REPO);
    said(&mut story, Word::Approve, &["alice", "dave", "erin"], id);
    let held = asked(&story, &[]).unwrap();
    assert_eq!(held.change_id, Some(id));
    assert_eq!((held.rules[0].have.len(), held.rules[0].missing_of.join(" ")), (1, "bob carol".to_owned()));
    let reading = format!("--reading {}", Digest::of(b"then"));
    assert!(held.reasons.iter().all(|reason| reason.hint.contains(&reading)), "{:?}", held.reasons);
    said(&mut story, Word::Approve, &["bob"], id);
    assert_eq!(asked(&story, &[]), None);
}

#[test]
fn one_person_twice_another_reading_and_another_repository_do_not_count() {
    let mut story = Story::default();
    let right = change(story.first);
    said(&mut story, Word::Approve, &["alice", "alice2"], right.id(REPO));
    let others = [
        Rereading { now: Digest::of(b"else"), ..right }.id(REPO),
        Rereading { before: right.now, now: right.before, ..right }.id(REPO),
        Rereading { commit: Oid([7; 20]), ..right }.id(REPO),
        right.id("another"),
    ];
    for other in others {
        said(&mut story, Word::Approve, &["bob", "carol"], other);
    }
    assert_eq!(asked(&story, &[]).unwrap().rules[0].have.join(" "), "alice");
}

#[test]
fn what_was_withdrawn_or_is_denied_on_the_host_holds() {
    let mut story = Story::default();
    let id = change(story.first).id(REPO);
    said(&mut story, Word::Approve, &["alice", "bob"], id);
    assert_eq!(asked(&story, &[]), None);
    assert!(asked(&story, &[id]).is_some());
    said(&mut story, Word::Withdraw, &["dave"], id);
    assert_eq!(asked(&story, &[]), None, "dave is not asked, and takes nothing back");
    said(&mut story, Word::Withdraw, &["carol"], id);
    assert!(asked(&story, &[]).is_some());
    said(&mut story, Word::Approve, &["alice", "carol"], id);
    assert_eq!(asked(&story, &[]), None);
}
