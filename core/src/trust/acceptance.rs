//! Acceptance along the spine: from the introduction, the nearest commit whose quorum is met
//! becomes the accepted one; again from there. A function of objects, tip, evidence and time.

use super::claims::Claims;
use super::glass::ratified;
use super::graph::{Standing, descends, exclusive, spine, standing};
use super::head::Head;
use super::introduction::{Introduction, introduce};
use super::keys::Fingerprint;
use super::replay::{replay, unproven};
use super::revocation::{Revoked, revocations};
use super::session::{ChangeError, HistoryFault, Session};
use super::step::{At, Bench, Outcome, Try, step};
use super::trailer::{Trailer, Word};
use super::verdict::{Acceptance, AcceptedCommit, Held, Reason, Refused, RuleState, Verdict};
use super::witness::age;
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// By which time a step that no record knows is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The clock: a daemon that accepts something new.
    Clock,
    /// The signers' own times: deriving an old history again without believing its records. Says so
    /// in the verdict.
    Signed,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Where trust begins.
    pub introduction: &'q Introduction,
    /// Every step recorded so far, from the introduction on; believed about time only.
    pub recorded: &'q [Acceptance],
    /// Up to which step this host wrote down itself what was accepted: the times of later records are
    /// not believed.
    pub believed: u64,
    /// The tip of the ref.
    pub tip: Oid,
    /// Commits under the approvals ref.
    pub evidence: &'q [Oid],
    /// Changes that the operator denied on this host.
    pub denied: &'q [ChangeId],
    /// Keys that the operator denied on this host, with the reason.
    pub denied_keys: &'q BTreeMap<Fingerprint, String>,
    /// Commits that may be accepted although they do not descend from what is: an operator looked.
    pub considered: &'q [Oid],
    /// The clock.
    pub now: Timestamp,
    /// By which time new steps are judged.
    pub times: Times,
}

const NO_KEYS: &BTreeMap<Fingerprint, String> = &BTreeMap::new();

impl<'q> Question<'q> {
    /// What is accepted of `tip` by the clock `now`, without records, evidence or anything denied.
    pub fn new(introduction: &'q Introduction, tip: Oid, now: Timestamp) -> Self {
        Self {
            introduction,
            recorded: &[],
            believed: u64::MAX,
            tip,
            evidence: &[],
            denied: &[],
            denied_keys: NO_KEYS,
            considered: &[],
            now,
            times: Times::Clock,
        }
    }
}

impl Question<'_> {
    /// The clock never counts below the highest time that was recorded and is believed.
    pub(super) fn clock(&self) -> Timestamp {
        let believed = self.recorded.iter().filter(|step| step.seq <= self.believed);
        believed.map(|step| step.accepted_at).fold(self.now, Timestamp::max)
    }

    pub(super) fn bench(&self, revoked: Revoked) -> Bench<'_> {
        Bench { introduction: self.introduction, denied: self.denied, revoked }
    }

    pub(super) fn binding(&self) -> (&str, &str) {
        (&self.introduction.repo_id, &self.introduction.git_ref)
    }

    /// The keys that count for nothing under the policy of `chain`.
    pub(super) fn revoked(
        &self,
        session: &mut Session<'_>,
        chain: &Head,
        claims: &Claims,
        verdict: Option<&mut Verdict>,
    ) -> Result<Revoked, HistoryFault> {
        let found = revocations(session, chain.policy(), claims, self.clock())?;
        if let Some(verdict) = verdict {
            verdict.alarms.extend(found.alarms);
            verdict.keep.extend(found.commits);
        }
        let mut revoked = found.keys;
        revoked.extend(self.denied_keys.iter().map(|(key, why)| (*key, format!("denied on this host: {why}"))));
        Ok(revoked)
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
    Reason::new(Code::HistoryUnreadable, fault, "fetch again: pintle verify --fetch")
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
    let mut walk = Walk { question, spine: VecDeque::new() };
    let waiting = loop {
        if let Some(waiting) = walk.one_step(session, chain, &mut claims)? {
            break waiting;
        }
    };
    question.revoked(session, chain, &claims, Some(&mut *verdict))?;
    let ratified = ratified(session, chain, question.binding(), &claims, question.clock())?;
    let open = chain.unratified().iter().filter(|glass| ratified.iter().all(|(change, _)| *change != glass.change));
    verdict.alarms.extend(open.map(super::glass::OpenGlass::alarm));
    for oid in claims.withdrawing() {
        let known = session.seal(oid)?.is_ok_and(|signed| chain.policy().holder(&signed.key).is_some());
        verdict.keep.extend(known.then_some(oid));
    }
    verdict.heartbeat = newest_heartbeat(question, session, chain, &claims)?;
    verdict.keep.extend(ratified.into_iter().flat_map(|(_, commits)| commits));
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

/// One verdict's way along the spine.
struct Walk<'a> {
    question: &'a Question<'a>,
    /// What is left of it: a step along the spine leaves the rest as it is.
    spine: VecDeque<Oid>,
}

impl Walk<'_> {
    /// Moves `chain` by one step; what waits when it cannot be moved.
    fn one_step(
        &mut self,
        session: &mut Session<'_>,
        chain: &mut Head,
        claims: &mut Claims,
    ) -> Result<Option<Vec<Held>>, ChangeError> {
        let question = self.question;
        if chain.commit() == question.tip {
            return Ok(Some(Vec::new()));
        }
        if self.spine.is_empty() {
            let Some(spine) = spine(session, chain.ground(), chain.commit(), question.tip)? else {
                return Ok(Some(vec![ambiguous(question.tip)]));
            };
            self.spine = spine.into();
        }
        let bench = question.bench(question.revoked(session, chain, claims, None)?);
        let at = match question.times {
            Times::Clock => At::Moment(question.clock()),
            Times::Signed => At::Signed(chain.last().accepted_at, question.clock()),
        };
        let mut waiting = Vec::new();
        for place in self.candidates(session, claims)? {
            let candidate = self.spine[place];
            let one = Try { head: chain, candidate, claims, at, rewrite: false };
            match step(session, &bench, one) {
                Outcome::Accepted(mut step, brought) => {
                    let shown = ratified(session, chain, question.binding(), claims, step.accepted_at)?;
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
fn nearest_to_done(waiting: Vec<Held>, claims: &Claims, chain: &Head, (tip, most): (Oid, usize)) -> Option<Held> {
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
    let reason = Reason::new(Code::HistoryUnreadable, message, format!("pintle unblock {}", tip.short()));
    Held { commit: tip, subject: String::new(), change_id: None, rules: Vec::new(), reasons: vec![reason], waiting: 1 }
}
