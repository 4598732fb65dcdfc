//! Who lifts a limit: enough people whom the guard names, each in their own words, for these very actions.

use super::story::{MAIN, REPO, Story, key};
use crate::change::{ChangeId, Digest, Oid};
use crate::gate::Extent;
use crate::model::Catalog;
use crate::model::guard::Guard;
use crate::trust::*;
use std::collections::BTreeMap;

const GUARD: &str = "override: {approvals: 2, from: [sre, release]}\n";
const LIMIT: &str = "delete Instance";

/// A step that is accepted, and its change.
struct Case {
    story: Story,
    base: Oid,
    tip: Oid,
    change: ChangeId,
    keys: BTreeMap<Fingerprint, String>,
    denied: Vec<ChangeId>,
}

impl Case {
    fn begun() -> Self {
        let mut story = Story::default();
        let base = story.first;
        let work = story.raise("alice", base, "a", "9Gi");
        let tip = story.approve("bob", work, base, work);
        let change = story.change(base, work);
        assert_eq!(story.poll(tip).accepted.unwrap().commit(), tip);
        Self { story, base, tip, change, keys: BTreeMap::new(), denied: Vec::new() }
    }

    fn actions() -> Digest {
        Digest::of(b"what the plan would do")
    }

    /// `who` says `word` under the approvals ref.
    fn says(&mut self, who: &str, word: Word, actions: Digest) -> Oid {
        let mut statement = Statement::new(word, REPO, MAIN, self.base, self.change);
        if word == Word::AllowLimit {
            statement.actions = Some(actions);
            statement.reason = Some(format!("{LIMIT} -- it ends").into());
        }
        let message = message_of(&Trailer::Statement(statement), "About the limit");
        let said = self.story.say(who, self.tip, &message);
        self.story.evidence.push(said);
        said
    }

    fn allows(&mut self, who: &str) -> Oid {
        self.says(who, Word::AllowLimit, Self::actions())
    }

    /// Whether the limit is lifted for the actions.
    fn is_lifted(&self) -> bool {
        let (guard, wrong) = Guard::parse(GUARD);
        assert!(wrong.is_empty(), "{wrong:?}");
        let introduction = self.story.introduction();
        let question = Question {
            recorded: &self.story.recorded,
            evidence: &self.story.evidence,
            denied: &self.denied,
            denied_keys: &self.keys,
            ..Question::new(&introduction, self.tip, self.story.now)
        };
        let mut memory = Memory::default();
        let mut session = Session::new(&self.story.store, Catalog::standard(), &mut memory);
        let accepted = accept(&question, &mut session).accepted.unwrap();
        let lift = guard.lift.unwrap();
        let lifted = allowances(&accepted, 1, &lift, &question, &mut session).unwrap();
        lifted.iter().any(|one| &*one.limit == LIMIT && one.extent == Extent::Actions(Self::actions()))
    }
}

#[test]
fn two_whom_the_guard_names_lift_it_and_one_twice_does_not() {
    let mut case = Case::begun();
    case.allows("bob");
    case.allows("bob");
    assert!(!case.is_lifted(), "one person");
    case.allows("dave");
    assert!(case.is_lifted());
}

#[test]
fn neither_a_machine_nor_a_stranger_nor_somebody_whom_the_guard_does_not_name_counts() {
    for who in ["zbot", "mallory", "carol", "gina", "nobody"] {
        let mut case = Case::begun();
        case.allows("bob");
        case.allows(who);
        assert!(!case.is_lifted(), "{who}");
    }
}

#[test]
fn other_actions_are_not_these() {
    let mut case = Case::begun();
    case.allows("bob");
    case.says("dave", Word::AllowLimit, Digest::of(b"something else"));
    assert!(!case.is_lifted());
}

#[test]
fn a_word_that_was_taken_back_by_its_person_does_not_count_and_that_of_another_stays() {
    let mut case = Case::begun();
    case.allows("bob");
    case.allows("dave");
    case.says("erin", Word::Withdraw, Case::actions());
    assert!(case.is_lifted(), "nobody takes back what others said");
    case.says("dave", Word::Withdraw, Case::actions());
    assert!(!case.is_lifted());
    case.allows("dave");
    assert!(case.is_lifted(), "said again");
}

#[test]
fn what_is_denied_on_this_host_lifts_nothing() {
    let mut case = Case::begun();
    case.allows("bob");
    case.allows("dave");
    case.keys.insert(PublicKey::from_line(&key("dave").line()).unwrap().fingerprint(), "lost".into());
    assert!(!case.is_lifted(), "a key that is denied");
    case.keys.clear();
    case.denied.push(case.change);
    assert!(!case.is_lifted(), "a change that is denied");
}

#[test]
fn said_in_an_empty_commit_on_the_branch_it_counts_too() {
    let mut case = Case::begun();
    case.allows("bob");
    let on_the_branch = case.allows("dave");
    case.story.evidence.pop();
    assert!(!case.is_lifted());
    case.tip = on_the_branch;
    case.story.poll(on_the_branch);
    assert!(case.is_lifted());
}
