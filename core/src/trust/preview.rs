//! How one commit would stand if it came next: what people are shown before and after they approve.
//! It accepts nothing; only `accept` does.

use super::acceptance::{Question, distinct, pushed_claims, walked_claims};
use super::approval::Approval;
use super::author::Work;
use super::head::Head;
use super::quorum::{Case, Claim, Judgement, judge};
use super::session::{ChangeError, Session};
use super::step::{At, Outcome, step};
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
    let change = session.change(head.commit(), candidate)?.id(&question.introduction.repo_id);
    let pushed = pushed_claims(question, session, &mut Vec::new());
    let walked = walked_claims(session, question.tip, &head)?;
    let claims: Vec<&Claim> = distinct(walked.iter().chain(&pushed));
    let judgement = judged(question, session, &head, candidate, &claims)?;
    let outcome = step(session, &question.bench(), &head, candidate, &claims, At::Moment(question.clock()));
    let (rules, counted) = (judgement.rules, judgement.counted);
    Ok(match outcome {
        Outcome::Accepted(..) => Preview { change, accepted: true, rules, counted, reasons: judgement.reasons },
        Outcome::Held(waiting) => Preview { change, accepted: false, rules, counted, reasons: waiting.reasons },
        Outcome::Passed => {
            Preview { change, accepted: false, rules: Vec::new(), counted: Vec::new(), reasons: Vec::new() }
        }
    })
}

fn judged(
    question: &Question<'_>,
    session: &mut Session<'_>,
    head: &Head,
    candidate: Oid,
    claims: &[&Claim],
) -> Result<Judgement, ChangeError> {
    let set = session.change(head.commit(), candidate)?;
    if set.is_empty() {
        return Ok(Judgement { rules: Vec::new(), counted: Vec::new(), reasons: Vec::new(), met: false });
    }
    let (repo_id, change) = (&*question.introduction.repo_id, set.id(&question.introduction.repo_id));
    let claims: Vec<(Oid, &Approval)> = claims
        .iter()
        .filter_map(|(oid, claim)| Some((*oid, claim.as_ref().ok().filter(|approval| approval.change == change)?)))
        .collect();
    let work = Work {
        repo_id,
        ground: head.ground(),
        accepted: head.commit(),
        candidate,
        change,
        policy: head.policy(),
        at: question.clock(),
    };
    judge(session, &Case { head, git_ref: &question.introduction.git_ref, work, set: &set, claims })
}
