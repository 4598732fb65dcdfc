//! Whether a change has the approvals that the accepted policy asks for: which words count, for
//! which rule, and who is missing.

use super::author::{Work, Writers, writers};
use super::closure::closure;
use super::head::Head;
use super::policy::{Bind, Policy, Rule};
use super::rollback::is_rollback;
use super::rules::{Sides, needs};
use super::session::{ChangeError, Session};
use super::verdict::{Counted, Reason, Role, RuleState};
use super::witness::{Witness, approvers, author_witness};
use super::words::Words;
use crate::change::{ChangeSet, Entry, Oid};
use crate::diagnostic::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds that many documents resolve through: an approval of them binds the closure.
const SHARED_KINDS: &[&str] = &["Channel", "Version", "Rollout"];
/// Entries that are named in one sentence.
const SHOWN: usize = 5;

/// What the change is judged with.
pub(super) struct Case<'a> {
    pub head: &'a Head,
    pub git_ref: &'a str,
    pub work: Work<'a>,
    pub set: &'a ChangeSet,
    pub words: Words<'a>,
    /// By which commits its approvals are withdrawn, and when.
    pub withdrawn: Vec<(Oid, i64)>,
}

/// How the change stands.
pub(super) struct Judgement {
    pub rules: Vec<RuleState>,
    /// The rules themselves, for who must ratify.
    pub needed: Vec<Rule>,
    pub counted: Vec<Counted>,
    pub reasons: Vec<Reason>,
    pub writers: Writers,
    /// Whether every entry has a rule.
    pub covered: bool,
    pub met: bool,
}

impl Judgement {
    /// Nothing was asked and nothing is met.
    pub fn nothing() -> Self {
        Self {
            rules: Vec::new(),
            needed: Vec::new(),
            counted: Vec::new(),
            reasons: Vec::new(),
            writers: Writers::default(),
            covered: false,
            met: false,
        }
    }
}

/// Judges a change under the accepted policy.
pub(super) fn judge(session: &mut Session<'_>, case: &mut Case<'_>) -> Result<Judgement, ChangeError> {
    let old_tree = session.commit(case.work.accepted)?.tree;
    let new_tree = session.commit(case.work.candidate)?.tree;
    let (old, new) = (session.snapshot(old_tree)?, session.snapshot(new_tree)?);
    let sides = Sides { old: &old, new: &new };
    let needs = needs(session.catalog, case.work.policy, case.set, sides);
    let mut reasons: Vec<Reason> = needs.unmatched.first().map(|_| no_rule(&needs.unmatched)).into_iter().collect();
    reasons.append(&mut case.words.ignored);
    case.withdrawn = withdrawn(case, &needs.rules, &mut reasons);
    let reach = closure(session.catalog, sides, case.set.entries().iter().filter_map(Entry::key));
    let mut witnesses = approvers(session, case, &reach, &mut reasons)?;
    witnesses.extend(author_witness(session, case, &reach, &mut reasons)?);
    let writers = writers(session, case.work)?;
    let rollback = is_rollback(session, case, sides, &needs.rules)?;
    let tally =
        Tally { work: case.work, bind: default_bind(case.set), witnesses: &witnesses, writers: &writers, rollback };
    let mut counted = Vec::new();
    let rules: Vec<RuleState> = needs.rules.iter().map(|rule| tally.state(rule, &mut counted)).collect();
    let covered = needs.unmatched.is_empty() && !rules.is_empty();
    let met = covered && rules.iter().all(RuleState::met);
    let needed = needs.rules.into_iter().cloned().collect();
    Ok(Judgement { rules, needed, counted, reasons, writers, covered, met })
}

fn no_rule(unmatched: &[String]) -> Reason {
    let shown: Vec<&str> = unmatched.iter().take(SHOWN).map(String::as_str).collect();
    let more = if unmatched.len() > SHOWN { format!(" and {} more", unmatched.len() - SHOWN) } else { String::new() };
    let message = format!("no rule of the trust policy matches {}{more}", shown.join(", "));
    Reason::new(
        Code::NoRule,
        message,
        "add a rule to .pintle/trust.yaml, such as {name: rest, match: {otherwise: true}, …}",
    )
}

/// The words by which someone whom a rule asks took the approvals of this change back.
fn withdrawn(case: &Case<'_>, rules: &[&Rule], reasons: &mut Vec<Reason>) -> Vec<(Oid, i64)> {
    let policy = case.work.policy;
    let mut withdrawn = Vec::new();
    for said in &case.words.withdrawals {
        let statement = said.statement;
        let here = *statement.repo_id == *case.work.repo_id && *statement.git_ref == *case.git_ref;
        let Ok(person) = policy.signer(&said.signed, case.work.at) else { continue };
        if !here || !rules.iter().any(|rule| policy.may_approve(&person, rule)) {
            continue;
        }
        withdrawn.push((said.commit, said.seconds));
        let message = format!("{person} withdrew it by {}", said.commit.short());
        let hint = format!("whoever still means it approves again: pintle approve {}", case.work.candidate.short());
        reasons.push(Reason::new(Code::Withdrawn, message, hint).about(said.commit));
    }
    withdrawn
}

fn default_bind(set: &ChangeSet) -> Bind {
    let shared = |entry: &Entry| entry.deletes() || entry.key().is_some_and(|key| SHARED_KINDS.contains(&&*key.kind));
    if set.entries().iter().any(shared) { Bind::Closure } else { Bind::Document }
}

/// What the words come to.
struct Tally<'a> {
    work: Work<'a>,
    bind: Bind,
    witnesses: &'a [Witness],
    writers: &'a Writers,
    rollback: bool,
}

impl Tally<'_> {
    fn state(&self, rule: &Rule, counted: &mut Vec<Counted>) -> RuleState {
        let policy: &Policy = self.work.policy;
        let fitting: Vec<&Witness> =
            self.witnesses.iter().filter(|witness| witness.counts(policy, rule, self.bind)).collect();
        let approved = fitting.iter().any(|witness| witness.role == Role::Approver);
        let heard = fitting.iter().filter(|one| one.role == Role::Approver || approved || rule.implicit);
        let mut by_person: BTreeMap<(Arc<str>, Role), Vec<&Witness>> = BTreeMap::new();
        heard.for_each(|one| by_person.entry((one.person.clone(), one.role)).or_default().push(one));
        for said in by_person.values() {
            count(said, rule, counted);
        }
        let have: BTreeSet<Arc<str>> = by_person.into_keys().map(|(person, _)| person).collect();
        let strangers = have.iter().filter(|person| !self.writers.people.contains(*person)).count() as u32;
        RuleState {
            name: rule.name.clone(),
            needed: rule.rollback.filter(|_| self.rollback).map_or(rule.approvals, |least| least.min(rule.approvals)),
            from: rule.from.clone(),
            independent: rule.independent,
            have_independent: strangers.saturating_sub(u32::from(self.writers.unknown)),
            missing_of: policy.able(rule, self.work.at).into_iter().filter(|one| !have.contains(one)).collect(),
            have: have.into_iter().collect(),
        }
    }
}

/// Counts one of the words that a person said, the one that counts already if it is among them.
fn count(said: &[&Witness], rule: &Rule, counted: &mut Vec<Counted>) {
    let known = counted
        .iter()
        .position(|one| said.iter().any(|witness| witness.commit == one.commit && witness.role == one.role));
    let at = known.unwrap_or_else(|| {
        let witness = said[0];
        counted.push(Counted {
            person: witness.person.clone(),
            fingerprint: witness.fingerprint,
            commit: witness.commit,
            role: witness.role,
            rules: Vec::new(),
        });
        counted.len() - 1
    });
    if !counted[at].rules.contains(&rule.name) {
        counted[at].rules.push(rule.name.clone());
    }
}
