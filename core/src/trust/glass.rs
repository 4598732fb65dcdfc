//! Broken glass: a change that a few people bring at once where more would be asked, within the
//! scope that the policy names, never the policy itself, never a deletion. It stays an alarm until
//! the people who should have been asked ratify it.

use super::assent::assents;
use super::author::Writers;
use super::claims::Claims;
use super::head::Head;
use super::policy::{Action, Matching, Policy, Rule};
use super::quorum::{Case, Judgement};
use super::rules::Sides;
use super::session::{ChangeError, Session};
use super::step::Bench;
use super::verdict::{Counted, Reason, Role};
use super::witness::{Witness, age, witness_of};
use super::words::ignored;
use crate::change::{ChangeId, Entry, Oid};
use crate::diagnostic::Code;
use crate::render::minute;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How long a broken glass stays open.
const VALID: SignedDuration = SignedDuration::from_hours(1);
/// What its people are counted for.
pub(super) const RULE: &str = "breakGlass";

/// Glass that was broken and is not ratified.
#[derive(Debug, Clone)]
pub struct OpenGlass {
    /// The step that it let through.
    pub commit: Oid,
    /// The change.
    pub change: ChangeId,
    /// Who broke it.
    pub people: Vec<Arc<str>>,
    /// Why.
    pub reason: Arc<str>,
    /// When.
    pub since: Timestamp,
    /// By when it should be ratified.
    pub due: Timestamp,
    needed: Vec<Rule>,
    writers: Writers,
    policy: Arc<Policy>,
}

/// Lets the change through if enough people broke the glass for it; why not, otherwise.
pub(super) fn break_glass(
    session: &mut Session<'_>,
    case: &Case<'_>,
    judgement: &mut Judgement,
) -> Result<Option<OpenGlass>, ChangeError> {
    let (Some(glass), false) = (&case.work.policy.break_glass, case.words.glass.is_empty()) else { return Ok(None) };
    let deny = |why: String| {
        Reason::new(Code::GlassHolds, why, format!("the ordinary way: pintle approve {}", case.work.candidate.short()))
    };
    let (old, new) = (session.commit(case.work.accepted)?.tree, session.commit(case.work.candidate)?.tree);
    let (old, new) = (session.snapshot(old)?, session.snapshot(new)?);
    if let Some(outside) = outside(case, &glass.matching, Sides { old: &old, new: &new }) {
        judgement.reasons.push(deny(format!("breaking the glass does not cover {outside}")));
        return Ok(None);
    }
    if !judgement.covered {
        return Ok(None);
    }
    let (mut people, mut reason) = (BTreeSet::new(), None);
    for said in &case.words.glass {
        let witness = witness_of(session, case, said, &BTreeSet::new())?;
        match witness.and_then(|witness| may_break(case, said.seconds, &glass.from, witness)) {
            Ok(witness) => {
                people.insert(witness.person.clone());
                reason = reason.or_else(|| said.statement.reason.clone());
                judgement.counted.push(counted(witness));
            }
            Err(why) => judgement.reasons.push(ignored(case.work.candidate, said.commit, &why)),
        }
    }
    if people.len() < glass.approvals as usize {
        judgement.counted.retain(|one| !one.rules.iter().any(|rule| &**rule == RULE));
        judgement.reasons.push(deny(format!(
            "breaking the glass takes {} people and has {}",
            glass.approvals,
            people.len()
        )));
        return Ok(None);
    }
    Ok(Some(OpenGlass {
        commit: case.work.candidate,
        change: case.work.change,
        people: people.into_iter().collect(),
        reason: reason.unwrap_or_default(),
        since: case.work.at,
        due: case.work.at + glass.ratify_within,
        needed: judgement.needed.clone(),
        writers: judgement.writers.clone(),
        policy: case.head.policy().clone(),
    }))
}

fn counted(witness: Witness) -> Counted {
    let Witness { person, fingerprint, commit, .. } = witness;
    Counted { person, fingerprint, commit, role: Role::Approver, rules: vec![RULE.into()] }
}

/// The first entry that is not within the scope, on either side, or that nobody may bring this way.
fn outside(case: &Case<'_>, scope: &Matching, sides: Sides<'_>) -> Option<String> {
    let allowed = |entry: &Entry| {
        let policy = matches!(entry, Entry::File { path, .. } if path.starts_with(".pintle/"));
        let ends = Matching { actions: vec![Action::Delete], ..Matching::default() }.is_about(entry, sides);
        !policy && !ends && scope.covers(entry, sides)
    };
    case.set.entries().iter().find(|entry| !allowed(entry)).map(ToString::to_string)
}

fn may_break(case: &Case<'_>, seconds: i64, from: &[Arc<str>], witness: Witness) -> Result<Witness, String> {
    let policy = case.work.policy;
    let person = &witness.person;
    if age(seconds, case.work.at)? > VALID {
        return Err("it was signed longer than an hour ago".into());
    }
    if witness.is_stale() {
        return Err("an accepted step touched the same documents since its base".into());
    }
    let machine = policy.people.get(person).is_none_or(|one| one.machine);
    if machine || !policy.in_groups(person, from) {
        return Err(format!("{person} may not break the glass"));
    }
    if case.head.unratified().iter().any(|open| open.people.contains(person)) {
        return Err(format!("{person} has broken the glass before, and that is not ratified"));
    }
    Ok(witness)
}

/// The open glass that `claims` ratify by now, with the commits that do.
pub(super) fn ratified(
    session: &mut Session<'_>,
    head: &Head,
    bench: &Bench<'_>,
    claims: &Claims,
    at: Timestamp,
) -> Result<Vec<(ChangeId, Vec<Oid>)>, ChangeError> {
    let mut all = Vec::new();
    let binding = (&*bench.introduction.repo_id, &*bench.introduction.git_ref);
    for glass in head.unratified() {
        let policy = glass.policy.without(&bench.revoked);
        let statements = claims.ratifying().filter(|(_, said)| said.change == glass.change);
        let assents = assents(session, head, binding, &policy, at, statements)?;
        let people = assents.iter().map(|one| one.person.clone()).collect();
        if glass.needed.iter().all(|rule| glass.satisfies(rule, &people)) {
            all.push((glass.change, assents.into_iter().map(|one| one.commit).collect()));
        }
    }
    Ok(all)
}

impl OpenGlass {
    fn satisfies(&self, rule: &Rule, people: &BTreeSet<Arc<str>>) -> bool {
        let fitting: Vec<_> = people.iter().filter(|person| self.policy.may_approve(person, rule)).collect();
        let strangers = fitting.iter().filter(|person| !self.writers.people.contains(**person)).count() as u32;
        let strangers = strangers.saturating_sub(u32::from(self.writers.unknown));
        fitting.len() as u32 >= rule.approvals && strangers >= rule.independent
    }

    /// That it is open, and what closes it.
    pub(super) fn alarm(&self) -> Reason {
        let message = format!(
            "{} broke the glass for {} on {} (\"{}\"); to be ratified by {}",
            self.people.join(" and "),
            self.commit.short(),
            minute(self.since),
            self.reason,
            minute(self.due),
        );
        Reason::new(Code::GlassBroken, message, format!("pintle approve --ratify {}", self.commit.short()))
            .about(self.commit)
    }
}
