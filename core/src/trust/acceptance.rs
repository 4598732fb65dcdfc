//! Acceptance along the spine: from the introduction, the nearest commit whose quorum is met
//! becomes the accepted one; again from there. A function of objects, tip, evidence and time.

use super::approval::{approval_of, is_empty};
use super::graph::{Standing, descends, exclusive, spine, standing};
use super::head::Head;
use super::introduction::{Introduction, introduce};
use super::quorum::Claim;
use super::session::{HistoryFault, Session};
use super::step::{At, Bench, Outcome, step};
use super::verdict::{Acceptance, AcceptedCommit, Held, Reason, Refused, RuleState, Verdict};
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The most commits of the spine that are judged for one step.
const MAX_CANDIDATES: usize = 1_000;
/// The most refs of evidence that are read.
const MAX_EVIDENCE: usize = 10_000;
/// The most approvals stacked on each other below one such ref.
const MAX_STACK: usize = 64;

/// By which time a step that no record knows is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The clock: a daemon that accepts something new.
    Clock,
    /// The signers' own times: deriving an old history again without its records. Says so in the verdict.
    Signed,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Where trust begins.
    pub introduction: &'q Introduction,
    /// Every step recorded so far, from the introduction on; believed about time only.
    pub recorded: &'q [Acceptance],
    /// The tip of the ref.
    pub tip: Oid,
    /// Commits under the approvals ref.
    pub evidence: &'q [Oid],
    /// Changes that the operator denied on this host.
    pub denied: &'q [ChangeId],
    /// The clock.
    pub now: Timestamp,
    /// By which time new steps are judged.
    pub times: Times,
}

impl Question<'_> {
    /// The clock never counts below the highest time that was recorded.
    pub(super) fn clock(&self) -> Timestamp {
        self.recorded.iter().map(|step| step.accepted_at).fold(self.now, Timestamp::max)
    }

    pub(super) fn bench(&self) -> Bench<'_> {
        Bench { introduction: self.introduction, denied: self.denied }
    }
}

/// What is accepted, from the introduction on.
pub fn accept(question: &Question<'_>, session: &mut Session<'_>) -> Verdict {
    let mut chain = match introduce(session, question.introduction) {
        Ok(chain) => chain,
        Err(reason) => return refused(None, question.introduction.commit, reason),
    };
    let mut notes = Vec::new();
    match question.recorded.split_first() {
        Some((first, rest)) if first.commit == question.introduction.commit => {
            if let Err((commit, reason)) = replay(question, session, &mut chain, rest) {
                return refused(Some(AcceptedCommit::new(question.introduction.repo_id.clone(), chain)), commit, reason);
            }
        }
        Some(_) => notes.push(Reason::new(Code::RecordUnproven, "the records begin at another introduction and are not used", "fetch what is missing into the mirror, or introduce the daemon anew in its settings: a record alone is never believed")),
        None => {}
    }
    go_on(question, session, chain, notes)
}

/// The same from a commit that this process accepted: nothing before it is read again.
pub fn accept_from(accepted: &AcceptedCommit, question: &Question<'_>, session: &mut Session<'_>) -> Verdict {
    if accepted.source() != &*question.introduction.repo_id
        || accepted.steps().first().map(|step| step.commit) != Some(question.introduction.commit)
    {
        return accept(question, session);
    }
    go_on(question, session, accepted.head(), Vec::new())
}

fn refused(accepted: Option<AcceptedCommit>, commit: Oid, reason: Reason) -> Verdict {
    Verdict { accepted, refused: Some(Refused { commit, reason }), ..Verdict::default() }
}

/// Derives the recorded steps again, each at its recorded time.
fn replay(
    question: &Question<'_>,
    session: &mut Session<'_>,
    chain: &mut Head,
    records: &[Acceptance],
) -> Result<(), (Oid, Reason)> {
    for record in records {
        let unproven = |why: String| {
            (record.commit, Reason::new(Code::RecordUnproven, why, "fetch what is missing into the mirror, or introduce the daemon anew in its settings: a record alone is never believed").about(record.commit))
        };
        if !descends(session, chain.ground(), chain.commit(), record.commit)
            .map_err(|fault| unproven(fault.to_string()))?
        {
            return Err(unproven("the recorded commit does not descend from the step before it".into()));
        }
        let mut claims = Vec::new();
        for oid in &record.evidence {
            claims.extend(claim(session, *oid).map_err(|fault| unproven(fault.to_string()))?);
        }
        let claims: Vec<&Claim> = claims.iter().collect();
        let bench = Bench { introduction: question.introduction, denied: &[] };
        match step(session, &bench, chain, record.commit, &claims, At::Moment(record.accepted_at)) {
            Outcome::Accepted(step, policy) => chain.push(step, policy),
            Outcome::Held(held) => {
                let why = held.reasons.first().map(|reason| reason.message.clone()).unwrap_or_default();
                return Err(unproven(format!("the objects do not show what the record says: {why}")));
            }
            Outcome::Passed => return Err(unproven("the recorded commit changes nothing".into())),
        }
    }
    Ok(())
}

/// From `chain` towards the tip.
fn go_on(question: &Question<'_>, session: &mut Session<'_>, mut chain: Head, notes: Vec<Reason>) -> Verdict {
    let mut verdict = Verdict { notes, ..Verdict::default() };
    match standing(session, chain.ground(), chain.commit(), question.tip) {
        Ok(Standing::Descends) => match advance(question, session, &mut chain, &mut verdict.notes) {
            Ok(held) => verdict.held = held,
            Err(fault) => verdict.refused = Some(Refused { commit: question.tip, reason: unreadable(&fault) }),
        },
        Ok(other) => verdict.refused = Some(Refused { commit: question.tip, reason: astray(&chain, other) }),
        Err(fault) => verdict.refused = Some(Refused { commit: question.tip, reason: unreadable(&fault) }),
    }
    verdict.accepted = Some(AcceptedCommit::new(question.introduction.repo_id.clone(), chain));
    verdict
}

fn unreadable(fault: &HistoryFault) -> Reason {
    Reason::new(Code::HistoryUnreadable, fault.to_string(), "fetch again: pintle verify --fetch")
}

fn astray(chain: &Head, standing: Standing) -> Reason {
    let accepted = chain.commit();
    let (code, message) = match standing {
        Standing::Behind => {
            (Code::Rewound, format!("the tip is an ancestor of the accepted commit {}", accepted.short()))
        }
        _ => (Code::Forked, format!("the tip does not descend from the accepted commit {}", accepted.short())),
    };
    Reason::new(code, message, format!("push {accepted} to the branch again"))
}

/// Accepts step after step; what is held at the end, if something is.
fn advance(
    question: &Question<'_>,
    session: &mut Session<'_>,
    chain: &mut Head,
    notes: &mut Vec<Reason>,
) -> Result<Option<Held>, HistoryFault> {
    let pushed = pushed_claims(question, session, notes);
    let mut walked = walked_claims(session, question.tip, chain)?;
    if question.times == Times::Signed {
        notes.push(Reason::new(
            Code::ApprovalIgnored,
            "no record gives the times; the signers' own are used",
            "give the daemon's checkpoint to judge by recorded times",
        ));
    }
    while chain.commit() != question.tip {
        let Some(spine) = spine(session, chain.ground(), chain.commit(), question.tip)? else {
            return Ok(Some(ambiguous(question.tip)));
        };
        let after = exclusive(session, chain.ground(), question.tip, chain.commit())?;
        walked.retain(|(oid, _)| after.contains(oid));
        let claims: Vec<&Claim> = distinct(walked.iter().chain(&pushed));
        let at = match question.times {
            Times::Clock => At::Moment(question.clock()),
            Times::Signed => At::Signed(chain.last().accepted_at, question.clock()),
        };
        let mut waiting = Vec::new();
        let mut moved = false;
        // The tip is always judged: no number of held commits before it keeps it from healing them.
        let beyond = spine.iter().skip(MAX_CANDIDATES).next_back();
        for candidate in spine.iter().take(MAX_CANDIDATES).chain(beyond) {
            match step(session, &question.bench(), chain, *candidate, &claims, at) {
                Outcome::Accepted(step, policy) => {
                    chain.push(step, policy);
                    moved = true;
                    break;
                }
                Outcome::Held(held) => waiting.push(held),
                Outcome::Passed => {}
            }
        }
        if !moved {
            return Ok(nearest_to_done(waiting, &walked, chain));
        }
    }
    Ok(None)
}

pub(super) fn distinct<'c>(claims: impl Iterator<Item = &'c Claim>) -> Vec<&'c Claim> {
    let mut seen = BTreeSet::new();
    claims.filter(|(oid, _)| seen.insert(*oid)).collect()
}

/// The held step that needs the fewest approvals; the earliest of those.
fn nearest_to_done(waiting: Vec<Held>, walked: &[Claim], chain: &Head) -> Option<Held> {
    let count = waiting.len();
    let known: Vec<ChangeId> = waiting.iter().filter_map(|held| held.change_id).collect();
    let missing =
        |held: &Held| if held.rules.is_empty() { u32::MAX } else { held.rules.iter().map(RuleState::missing).sum() };
    let mut held = waiting.into_iter().min_by_key(missing)?;
    held.waiting = count;
    for (oid, claim) in walked {
        let why = match claim {
            Ok(approval) if !known.contains(&approval.change) && approval.base == chain.commit() => {
                "it approves another change; something came after it".to_owned()
            }
            Ok(_) => continue,
            Err(why) => why.to_string(),
        };
        let message = format!("the approval {} does not count: {why}", oid.short());
        held.reasons.push(
            Reason::new(Code::ApprovalIgnored, message, format!("pintle approve {}", held.commit.short())).about(*oid),
        );
    }
    Some(held)
}

fn ambiguous(tip: Oid) -> Held {
    let message =
        "the tip is a merge whose first parent does not descend from the accepted commit, and several others do";
    let reason = Reason::new(Code::HistoryUnreadable, message, format!("pintle unblock {}", tip.short()));
    Held { commit: tip, subject: String::new(), change_id: None, rules: Vec::new(), reasons: vec![reason], waiting: 1 }
}

fn claim(session: &mut Session<'_>, oid: Oid) -> Result<Option<Claim>, HistoryFault> {
    Ok(approval_of(session, oid)?.map(|approval| (oid, approval)))
}

/// What claims to approve something between the accepted commit and the tip.
pub(super) fn walked_claims(session: &mut Session<'_>, tip: Oid, chain: &Head) -> Result<Vec<Claim>, HistoryFault> {
    let mut commits: Vec<Oid> = exclusive(session, chain.ground(), tip, chain.commit())?.into_iter().collect();
    commits.sort_unstable();
    let mut claims = Vec::new();
    for oid in commits {
        claims.extend(claim(session, oid)?);
    }
    Ok(claims)
}

/// What claims to approve something under the approvals ref. What cannot be read is passed over, loudly.
pub(super) fn pushed_claims(question: &Question<'_>, session: &mut Session<'_>, notes: &mut Vec<Reason>) -> Vec<Claim> {
    if question.evidence.len() > MAX_EVIDENCE {
        notes.push(Reason::new(
            Code::ApprovalIgnored,
            format!("only the first {MAX_EVIDENCE} approvals are read"),
            "delete those that were merged: git push REMOTE --delete refs/pintle/approvals/NAME",
        ));
    }
    let mut claims = Vec::new();
    for oid in question.evidence.iter().take(MAX_EVIDENCE) {
        if let Err(fault) = stack(session, *oid, &mut claims) {
            notes.push(
                Reason::new(
                    Code::ApprovalIgnored,
                    format!("an approval cannot be read: {fault}"),
                    "fetch again: pintle verify --fetch",
                )
                .about(*oid),
            );
        }
    }
    claims
}

/// An approval, and those that it stands on.
fn stack(session: &mut Session<'_>, from: Oid, claims: &mut Vec<Claim>) -> Result<(), HistoryFault> {
    let mut at = from;
    for _ in 0..MAX_STACK {
        let commit = session.commit(at)?;
        if !is_empty(session, &commit)? {
            break;
        }
        claims.extend(claim(session, at)?);
        at = commit.parents[0];
    }
    Ok(())
}
