//! How one commit would stand if it came next: what people are shown before and after they approve.
//! It accepts nothing; only `accept` does.

use super::claims::Claims;
use super::question::Question;
use super::session::{ChangeError, Session};
use super::step::{At, Outcome, Try, conclude, stand};
use super::verdict::{AcceptedCommit, Counted, Reason, RuleState};
use crate::change::{ChangeId, Oid};

/// How a commit would stand.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The change that it brings.
    pub change: ChangeId,
    /// Whether it would be accepted now.
    pub accepted: bool,
    /// Every rule that the change needs.
    pub rules: Vec<RuleState>,
    /// Whose word counts.
    pub counted: Vec<Counted>,
    /// What else stands in the way, or does not count.
    pub reasons: Vec<Reason>,
}

/// How `candidate` would stand as the step after `accepted`, with the evidence of `question`.
pub fn preview(
    accepted: &AcceptedCommit,
    candidate: Oid,
    question: &Question<'_>,
    session: &mut Session<'_>,
) -> Result<Preview, ChangeError> {
    let head = accepted.head();
    let claims = Claims::read(question, session, &head, &mut Vec::new());
    let revoked = question.revoked(session, &head, &claims, None)?;
    let bench = question.bench(revoked);
    let one = Try { head: &head, candidate, claims: &claims, at: At::Moment(question.clock()), rewrite: false };
    let judged = stand(session, &bench, one)?;
    let (change, judgement) = (judged.change, &judged.judgement);
    let (rules, counted, reasons) = (judgement.rules.clone(), judgement.counted.clone(), judgement.reasons.clone());
    Ok(match conclude(session, one, judged)? {
        Outcome::Accepted(..) => Preview { change, accepted: true, rules, counted, reasons },
        Outcome::Held(waiting) => Preview { change, accepted: false, rules, counted, reasons: waiting.reasons },
        Outcome::Passed => {
            Preview { change, accepted: false, rules: Vec::new(), counted: Vec::new(), reasons: Vec::new() }
        }
    })
}
