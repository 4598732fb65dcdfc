//! The recorded steps derived again from objects. A record is believed about its place, its evidence
//! and, as far as this host wrote it down itself, its time; everything else is judged anew. What this
//! host did not write down is judged as if it came now: a database must not bring what a revocation or
//! a withdrawal that stands here has stopped.

use super::claims::Claims;
use super::glass::ratified;
use super::graph::descends;
use super::head::Head;
use super::question::{Question, Times};
use super::revocation::Revoked;
use super::session::Session;
use super::step::{At, Bench, Outcome, Try, step};
use super::verdict::{Acceptance, Reason};
use super::witness::MAX_AHEAD;
use crate::change::Oid;
use crate::diagnostic::Code;
use jiff::Timestamp;

const HINT: &str = "fetch what is missing into the mirror, or introduce the daemon anew in its settings: a record alone is never believed";

/// That a record cannot be shown.
pub(super) fn unproven(why: impl Into<String>) -> Reason {
    Reason::new(Code::RecordUnproven, why, HINT)
}

/// Derives the recorded steps again.
pub(super) fn replay(
    question: &Question<'_>,
    session: &mut Session<'_>,
    chain: &mut Head,
    records: &[Acceptance],
) -> Result<(), (Oid, Reason)> {
    for record in records {
        let failed = |why: String| (record.commit, unproven(why).about(record.commit));
        follows(session, chain, record).map_err(failed)?;
        // Of this host's own records nothing is asked that came after them.
        let news = Some(question).filter(|_| question.times == Times::Clock && record.seq > question.believed);
        let at = time_of(question, chain, record, news.is_some());
        let at = at.map_err(|reason| (record.commit, reason.about(record.commit)))?;
        let claims =
            Claims::of_evidence(session, &record.evidence, chain, news).map_err(|fault| failed(fault.to_string()))?;
        let revoked = match news {
            Some(_) => question.revoked(session, chain, &claims, None).map_err(|fault| failed(fault.to_string()))?,
            None => Revoked::new(),
        };
        let denied = news.map_or(&[][..], |question| question.denied);
        let bench = Bench { introduction: question.introduction, denied, revoked };
        again(&bench, session, chain, record, &claims, at).map_err(failed)?;
    }
    Ok(())
}

fn follows(session: &mut Session<'_>, chain: &Head, record: &Acceptance) -> Result<(), String> {
    let descends = record.rewrite
        || descends(session, chain.ground(), chain.commit(), record.commit).map_err(|fault| fault.to_string())?;
    if descends { Ok(()) } else { Err("the recorded commit does not descend from the step before it".into()) }
}

/// By which time a recorded step is judged again; `news` is one that this host learns from the record alone.
fn time_of(question: &Question<'_>, chain: &Head, record: &Acceptance, news: bool) -> Result<At, Reason> {
    let before = chain.last().accepted_at;
    if question.times == Times::Signed {
        return Ok(At::Signed(before, question.now));
    }
    if news {
        // It would be on record as the time of a step, and of every later one.
        if let Some(reason) = question.wrong_clock() {
            return Err(reason);
        }
        return Ok(At::Moment(question.now.max(before)));
    }
    if record.accepted_at > question.now + MAX_AHEAD {
        return Err(unproven(format!("its time, {}, has not come yet", record.accepted_at)));
    }
    // Clocks of two hosts that lead in turn are never the same. The introduction's time is whatever its operator's said.
    Ok(At::Moment(if record.seq > 2 { record.accepted_at.max(before) } else { record.accepted_at }))
}

fn again(
    bench: &Bench<'_>,
    session: &mut Session<'_>,
    chain: &mut Head,
    record: &Acceptance,
    claims: &Claims,
    at: At,
) -> Result<(), String> {
    let one = Try { head: chain, candidate: record.commit, claims, at, rewrite: record.rewrite };
    match step(session, bench, one) {
        Outcome::Accepted(mut step, brought) => {
            step.ratifies = ratifies(session, chain, bench, record, claims, step.accepted_at)?;
            step.evidence.clone_from(&record.evidence);
            chain.push(*step, brought);
            Ok(())
        }
        Outcome::Held(held) => {
            let why = held.reasons.first().map(|reason| reason.message.clone()).unwrap_or_default();
            Err(format!("the objects do not show what the record says: {why}"))
        }
        Outcome::Passed => Err("the recorded commit changes nothing".into()),
    }
}

fn ratifies(
    session: &mut Session<'_>,
    chain: &Head,
    bench: &Bench<'_>,
    record: &Acceptance,
    claims: &Claims,
    at: Timestamp,
) -> Result<Vec<crate::change::ChangeId>, String> {
    let shown = ratified(session, chain, bench, claims, at).map_err(|fault| fault.to_string())?;
    Ok(shown.into_iter().map(|(change, _)| change).filter(|change| record.ratifies.contains(change)).collect())
}
