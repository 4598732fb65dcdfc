//! Acceptance along the spine: from the introduction, the nearest commit whose quorum is met
//! becomes the accepted one; again from there. A function of objects, tip, evidence and time.

use super::claims::Claims;
use super::glass::{OpenGlass, ratified};
use super::graph::{Standing, descends, standing};
use super::head::Head;
use super::introduction::introduce;
use super::question::{Question, Times};
use super::replay::{replay, unproven};
use super::session::{ChangeError, HistoryFault, Session};
use super::step::{At, Outcome, Try, UNREADABLE, step};
use super::verdict::{AcceptedCommit, Held, Reason, Refused, Verdict};
use super::walk::{Walk, nearest_to_done};
use super::witness::age;
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::collections::BTreeSet;

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
                return refused(
                    Some(AcceptedCommit::new(question.introduction.repo_id.clone(), chain)),
                    commit,
                    reason,
                );
            }
        }
        Some(_) => notes.push(unproven("the records begin at another introduction and are not used")),
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

/// From `chain` towards the tip.
fn go_on(question: &Question<'_>, session: &mut Session<'_>, mut chain: Head, notes: Vec<Reason>) -> Verdict {
    let mut verdict = Verdict { notes, ..Verdict::default() };
    if let Err(fault) = considered(question, session, &mut chain, &mut verdict) {
        verdict.refused = Some(Refused { commit: question.tip, reason: unreadable(&fault.to_string()) });
    }
    match standing(session, chain.ground(), chain.commit(), question.tip) {
        Ok(Standing::Descends) => match advance(question, session, &mut chain, &mut verdict) {
            Ok(held) => settle(question, held, &mut verdict),
            Err(fault) => {
                verdict.refused = Some(Refused { commit: question.tip, reason: unreadable(&fault.to_string()) });
            }
        },
        Ok(other) => {
            verdict.refused.get_or_insert(Refused { commit: question.tip, reason: astray(&chain, other) });
        }
        Err(fault) => {
            verdict.refused = Some(Refused { commit: question.tip, reason: unreadable(&fault.to_string()) });
        }
    }
    verdict.alarms.extend(chain.policy().warnings(question.now));
    verdict.accepted = Some(AcceptedCommit::new(question.introduction.repo_id.clone(), chain));
    verdict
}

/// What is held at the end; a tip of a shape that can never count is refused.
fn settle(question: &Question<'_>, held: Option<Held>, verdict: &mut Verdict) {
    let Some(held) = held else { return };
    let shape = held.reasons.iter().find(|reason| reason.code == Code::ForbiddenShape);
    match shape.filter(|_| held.commit == question.tip) {
        Some(reason) => verdict.refused = Some(Refused { commit: held.commit, reason: reason.clone() }),
        None => verdict.held = Some(held),
    }
}

/// A commit that an operator lets be considered comes next if its change is approved, wherever it stands.
fn considered(
    question: &Question<'_>,
    session: &mut Session<'_>,
    chain: &mut Head,
    verdict: &mut Verdict,
) -> Result<(), ChangeError> {
    for candidate in question.considered {
        let known = chain.steps().iter().any(|step| step.commit == *candidate);
        let beside = !known && !descends(session, chain.ground(), chain.commit(), *candidate)?;
        if !beside || !descends(session, chain.ground(), *candidate, question.tip)? {
            continue;
        }
        if let Some(reason) = question.wrong_clock() {
            verdict.held = Some(Held::unseen(*candidate, reason));
            continue;
        }
        let claims = Claims::read(question, session, chain, &mut verdict.notes);
        let revoked = question.revoked(session, chain, &claims, None)?;
        let at = At::Moment(question.clock());
        let one = Try { head: chain, candidate: *candidate, claims: &claims, at, rewrite: true };
        match step(session, &question.bench(revoked), one) {
            Outcome::Accepted(step, brought) => chain.push(*step, brought),
            Outcome::Held(held) => verdict.held = Some(held),
            Outcome::Passed => {}
        }
    }
    Ok(())
}

fn unreadable(fault: &str) -> Reason {
    Reason::new(Code::HistoryUnreadable, fault, UNREADABLE)
}

fn astray(chain: &Head, standing: Standing) -> Reason {
    let accepted = chain.commit();
    let (code, message) = match standing {
        Standing::Behind => {
            (Code::Rewound, format!("the tip is an ancestor of the accepted commit {}", accepted.short()))
        }
        _ => (Code::Forked, format!("the tip does not descend from the accepted commit {}", accepted.short())),
    };
    Reason::new(
        code,
        message,
        format!("push {accepted} to the branch again; if it was meant: pintle trust accept-rewrite TIP --reason …"),
    )
}

/// Accepts step after step; what is held at the end, if something is.
fn advance(
    question: &Question<'_>,
    session: &mut Session<'_>,
    chain: &mut Head,
    verdict: &mut Verdict,
) -> Result<Option<Held>, ChangeError> {
    let mut claims = Claims::read(question, session, chain, &mut verdict.notes);
    if question.times == Times::Signed {
        verdict.notes.push(Reason::new(
            Code::ApprovalIgnored,
            "no record gives the times that are believed; the signers' own are used",
            "records are believed as far as the state file of the daemon's host goes",
        ));
    }
    let mut walk = Walk::new(question);
    let waiting = loop {
        if let Some(waiting) = walk.one_step(session, chain, &mut claims)? {
            break waiting;
        }
    };
    let bench = question.bench(question.revoked(session, chain, &claims, Some(&mut *verdict))?);
    let ratified = ratified(session, chain, &bench, &claims, question.clock())?;
    let open = chain.unratified().iter().filter(|glass| ratified.iter().all(|(change, _)| *change != glass.change));
    verdict.alarms.extend(open.map(OpenGlass::alarm));
    let open: BTreeSet<ChangeId> = chain.unratified().iter().map(|glass| glass.change).collect();
    let ratifying = claims.ratifying().filter(|(_, said)| open.contains(&said.change)).map(|(oid, _)| oid);
    for oid in claims.withdrawing().chain(ratifying) {
        let known = session.seal(oid)?.is_ok_and(|signed| chain.policy().holder(&signed.key).is_some());
        verdict.keep.extend(known.then_some(oid));
    }
    verdict.heartbeat = newest_heartbeat(question, session, chain, &claims)?;
    Ok(nearest_to_done(waiting, &claims, chain, (question.tip, session.limits.reasons)))
}

/// The newest heartbeat for this branch by someone of the policy; one from the future counts for nothing.
fn newest_heartbeat(
    question: &Question<'_>,
    session: &mut Session<'_>,
    chain: &Head,
    claims: &Claims,
) -> Result<Option<(Timestamp, Oid)>, HistoryFault> {
    let mut newest = None;
    for (oid, beat) in claims.beating().filter(|(_, beat)| (&*beat.repo_id, &*beat.git_ref) == question.binding()) {
        let Ok(signed) = session.seal(oid)? else { continue };
        let seconds = session.commit(oid)?.committer.seconds;
        let known = chain.policy().signer(&signed, question.clock()).is_ok();
        if let (true, Ok(at)) = (known && age(seconds, question.clock()).is_ok(), Timestamp::from_second(seconds)) {
            newest = newest.max(Some((at, beat.tip)));
        }
    }
    Ok(newest)
}
