//! The way along the spine: step after step, and what waits at its end.

use super::claims::Claims;
use super::glass::ratified;
use super::graph::{exclusive, spine};
use super::head::Head;
use super::question::{Question, Times};
use super::session::{ChangeError, HistoryFault, Session};
use super::step::{At, Outcome, Try, step};
use super::trailer::{Trailer, Word};
use super::verdict::{Held, Reason, RuleState};
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use std::collections::{HashSet, VecDeque};

/// One verdict's way along the spine.
pub(super) struct Walk<'a> {
    question: &'a Question<'a>,
    /// What is left of it: a step along the spine leaves the rest as it is.
    spine: VecDeque<Oid>,
}

impl<'a> Walk<'a> {
    /// A way that is not begun.
    pub fn new(question: &'a Question<'a>) -> Self {
        Self { question, spine: VecDeque::new() }
    }
}

impl Walk<'_> {
    /// Moves `chain` by one step; what waits when it cannot be moved.
    pub fn one_step(
        &mut self,
        session: &mut Session<'_>,
        chain: &mut Head,
        claims: &mut Claims,
    ) -> Result<Option<Vec<Held>>, ChangeError> {
        let question = self.question;
        if chain.commit() == question.tip {
            return Ok(Some(Vec::new()));
        }
        if let Some(reason) = question.wrong_clock() {
            return Ok(Some(vec![Held::unseen(question.tip, reason)]));
        }
        if self.spine.is_empty() {
            let Some(spine) = spine(session, chain.ground(), chain.commit(), question.tip)? else {
                return Ok(Some(vec![ambiguous(question.tip)]));
            };
            self.spine = spine.into();
        }
        let bench = question.bench(question.revoked(session, chain, claims, None)?);
        let at = match question.times {
            // The introduction's time is whatever its operator's clock said.
            Times::Clock if chain.steps().len() > 1 => At::Moment(question.clock().max(chain.last().accepted_at)),
            Times::Clock => At::Moment(question.clock()),
            Times::Signed => At::Signed(chain.last().accepted_at, question.clock()),
        };
        let mut waiting = Vec::new();
        for place in self.candidates(session, claims)? {
            let candidate = self.spine[place];
            let one = Try { head: chain, candidate, claims, at, rewrite: false };
            match step(session, &bench, one) {
                Outcome::Accepted(mut step, brought) => {
                    let shown = ratified(session, chain, &bench, claims, step.accepted_at)?;
                    for (change, commits) in shown {
                        step.ratifies.push(change);
                        step.evidence.extend(commits);
                    }
                    claims.passed(&exclusive(session, chain.ground(), candidate, chain.commit())?);
                    claims.moved_from(chain.commit());
                    chain.push(*step, brought);
                    self.spine.drain(..=place);
                    return Ok(None);
                }
                Outcome::Held(held) => waiting.push(held),
                Outcome::Passed => {}
            }
        }
        Ok(Some(waiting))
    }

    /// The places on the spine that are judged: so many from the nearest on, and whatever number of
    /// held ones comes before them, those that an approval stands on, and the tip.
    fn candidates(&self, session: &mut Session<'_>, claims: &Claims) -> Result<Vec<usize>, HistoryFault> {
        let most = session.limits.candidates;
        if self.spine.len() <= most {
            return Ok((0..self.spine.len()).collect());
        }
        let mut approved: HashSet<Oid> = self.spine.back().copied().into_iter().collect();
        for oid in claims.approving() {
            approved.insert(oid);
            approved.extend(session.commit(oid)?.parents.first().copied());
        }
        let beyond = (most..self.spine.len()).filter(|place| approved.contains(&self.spine[*place])).take(most);
        Ok((0..most).chain(beyond).collect())
    }
}

/// The held step that needs the fewest approvals; the earliest of those.
pub(super) fn nearest_to_done(
    waiting: Vec<Held>,
    claims: &Claims,
    chain: &Head,
    (tip, most): (Oid, usize),
) -> Option<Held> {
    let count = waiting.len();
    let known: Vec<ChangeId> = waiting.iter().filter_map(|held| held.change_id).collect();
    let missing =
        |held: &Held| if held.rules.is_empty() { u32::MAX } else { held.rules.iter().map(RuleState::missing).sum() };
    let shapeless =
        |held: &&Held| held.commit == tip && held.reasons.iter().any(|one| one.code == Code::ForbiddenShape);
    let mut held = match waiting.iter().find(shapeless).cloned() {
        Some(tip) => tip,
        None => waiting.into_iter().min_by_key(missing)?,
    };
    held.waiting = count;
    for (oid, claim) in claims.on_the_branch() {
        let why = match claim {
            Ok(Trailer::Statement(said))
                if said.word == Word::Approve && !known.contains(&said.change) && said.base == chain.commit() =>
            {
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
    let more = held.reasons.len().saturating_sub(most);
    if more > 0 {
        held.reasons.truncate(most);
        let message = format!("{more} more reasons are not told");
        held.reasons.push(Reason::new(Code::ApprovalIgnored, message, "pintle verify --explain"));
    }
    Some(held)
}

fn ambiguous(tip: Oid) -> Held {
    let message =
        "the tip is a merge whose first parent does not descend from the accepted commit, and several others do";
    Held::unseen(tip, Reason::new(Code::HistoryUnreadable, message, format!("pintle unblock {}", tip.short())))
}
