//! Which commits say something: those between the accepted commit and the tip, and those under the
//! approvals ref, found by what they are about. What cannot be read is passed over, loudly.

use super::graph::exclusive;
use super::head::Head;
use super::question::Question;
use super::session::{HistoryFault, Session};
use super::trailer::{Heartbeat, NoTrailer, Statement, Trailer, Word, is_empty, trailer_of};
use super::verdict::Reason;
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A commit that uses one of the words: what it says, or why that is nothing.
pub(super) type Claim = (Oid, Result<Trailer, NoTrailer>);

/// Everything that is claimed.
#[derive(Default)]
pub(super) struct Claims {
    all: Vec<Claim>,
    /// Those of the branch that the accepted commit has not passed, and all under the approvals ref.
    alive: Vec<bool>,
    /// How many stand under the approvals ref: the first ones.
    pushed: usize,
    place: HashMap<Oid, usize>,
    by_change: HashMap<ChangeId, Vec<usize>>,
    by_base: HashMap<Oid, Vec<usize>>,
    /// About the whole way from an accepted commit that is not the last one.
    from_before: Vec<usize>,
    ratifying: Vec<usize>,
    revoking: Vec<usize>,
    beating: Vec<usize>,
}

impl Claims {
    /// Reads what there is, seen from the end of `chain`. Junk that is too much to walk, or that
    /// cannot be read, takes nothing from what stands under the approvals ref.
    pub fn read(question: &Question<'_>, session: &mut Session<'_>, chain: &Head, notes: &mut Vec<Reason>) -> Self {
        let mut claims = Self::default();
        pushed(question, session, &mut claims, notes);
        claims.pushed = claims.all.len();
        match exclusive(session, chain.ground(), question.tip, chain.commit()) {
            Ok(commits) => {
                let mut commits: Vec<Oid> = commits.into_iter().collect();
                commits.sort_unstable();
                session.prove(&commits);
                for oid in commits {
                    claims.hear(session, oid, notes);
                }
            }
            Err(fault) => {
                notes.push(passed_over(format!("approvals on the branch are not read: {fault}"), question.tip));
            }
        }
        notes.truncate(session.limits.reasons);
        claims.moved_to(chain);
        claims
    }

    /// What the commits of a record's evidence say; and, with `beside`, what stands under the
    /// approvals ref now.
    pub fn of_evidence(
        session: &mut Session<'_>,
        evidence: &[Oid],
        chain: &Head,
        beside: Option<&Question<'_>>,
    ) -> Result<Self, HistoryFault> {
        let mut claims = Self::default();
        for oid in evidence {
            if let Some(trailer) = trailer_of(session, *oid)? {
                claims.add((*oid, trailer));
            }
        }
        if let Some(question) = beside {
            pushed(question, session, &mut claims, &mut Vec::new());
        }
        claims.pushed = claims.all.len();
        claims.moved_to(chain);
        Ok(claims)
    }

    /// The accepted commit is the end of `chain`, and has moved on from every step before.
    fn moved_to(&mut self, chain: &Head) {
        let before: Vec<Oid> = self.by_base.keys().filter(|base| chain.at(**base).is_some()).copied().collect();
        before.into_iter().filter(|base| *base != chain.commit()).for_each(|base| self.moved_from(base));
    }

    fn hear(&mut self, session: &mut Session<'_>, oid: Oid, notes: &mut Vec<Reason>) {
        match trailer_of(session, oid) {
            Ok(trailer) => trailer.into_iter().for_each(|trailer| self.add((oid, trailer))),
            Err(fault) => notes.push(passed_over(format!("a commit cannot be read: {fault}"), oid)),
        }
    }

    fn add(&mut self, claim: Claim) {
        let at = self.all.len();
        if self.place.contains_key(&claim.0) {
            return;
        }
        self.place.insert(claim.0, at);
        match &claim.1 {
            Ok(Trailer::Statement(said)) => {
                self.by_change.entry(said.change).or_default().push(at);
                self.by_base.entry(said.base).or_default().push(at);
                if said.word == Word::Ratify {
                    self.ratifying.push(at);
                }
            }
            Ok(Trailer::Revocation(_)) => self.revoking.push(at),
            Ok(Trailer::Heartbeat(_)) => self.beating.push(at),
            Err(_) => {}
        }
        self.all.push(claim);
        self.alive.push(true);
    }

    /// The accepted commit moved on from `base`.
    pub fn moved_from(&mut self, base: Oid) {
        self.from_before.extend(self.by_base.get(&base).into_iter().flatten());
    }

    /// The accepted commit has passed these: what they say on the branch is said. Only what takes an
    /// approval back goes on to say so.
    pub fn passed(&mut self, commits: &HashSet<Oid>) {
        for oid in commits {
            if let Some(at) = self.place.get(oid).filter(|at| **at >= self.pushed) {
                let withdraws = matches!(&self.all[*at].1, Ok(Trailer::Statement(said)) if said.word == Word::Withdraw);
                self.alive[*at] = withdraws;
            }
        }
        let alive = &self.alive;
        self.from_before.retain(|at| alive[*at]);
    }

    /// The statements that may be about `change`: by its id, or by the way from an older base.
    pub fn about(&self, change: ChangeId) -> impl Iterator<Item = (Oid, &Statement)> {
        let named = self.by_change.get(&change).into_iter().flatten();
        let others = self.from_before.iter().filter(move |at| match &self.all[**at].1 {
            Ok(Trailer::Statement(said)) => said.change != change,
            _ => false,
        });
        let said = |at: usize| match &self.all[at] {
            (oid, Ok(Trailer::Statement(said))) => Some((*oid, said)),
            _ => None,
        };
        named.chain(others).filter(|at| self.alive[**at]).filter_map(move |at| said(*at))
    }

    /// The statements that ratify something.
    pub fn ratifying(&self) -> impl Iterator<Item = (Oid, &Statement)> {
        self.ratifying.iter().filter_map(|at| match &self.all[*at] {
            (oid, Ok(Trailer::Statement(said))) => Some((*oid, said)),
            _ => None,
        })
    }

    /// The statements that take approvals back.
    pub fn withdrawing(&self) -> impl Iterator<Item = Oid> {
        self.all.iter().filter_map(|(oid, claim)| match claim {
            Ok(Trailer::Statement(said)) if said.word == Word::Withdraw => Some(*oid),
            _ => None,
        })
    }

    /// The revocations.
    pub fn revoking(&self) -> impl Iterator<Item = &Claim> {
        self.revoking.iter().map(|at| &self.all[*at])
    }

    /// The heartbeats.
    pub fn beating(&self) -> impl Iterator<Item = (Oid, &Heartbeat)> {
        self.beating.iter().filter_map(|at| match &self.all[*at] {
            (oid, Ok(Trailer::Heartbeat(beat))) => Some((*oid, beat)),
            _ => None,
        })
    }

    /// What stands on the branch beyond the accepted commit.
    pub fn on_the_branch(&self) -> impl Iterator<Item = &Claim> {
        self.all.iter().zip(&self.alive).skip(self.pushed).filter(|(_, alive)| **alive).map(|(claim, _)| claim)
    }

    /// The commits that approve something.
    pub fn approving(&self) -> impl Iterator<Item = Oid> {
        self.all.iter().filter_map(|(oid, claim)| match claim {
            Ok(Trailer::Statement(said)) if matches!(said.word, Word::Approve | Word::BreakGlass) => Some(*oid),
            _ => None,
        })
    }
}

/// What is claimed under the approvals ref.
fn pushed(question: &Question<'_>, session: &mut Session<'_>, claims: &mut Claims, notes: &mut Vec<Reason>) {
    let most = session.limits.evidence;
    if question.evidence.len() > most {
        notes.push(Reason::new(
            Code::ApprovalIgnored,
            format!("only the first {most} approvals are read (--max-evidence)"),
            "delete those that were merged: git push REMOTE --delete refs/pintle/approvals/NAME",
        ));
    }
    let mut seen = BTreeSet::new();
    for oid in question.evidence.iter().take(most) {
        if let Err(fault) = stack(session, *oid, &mut seen, claims) {
            notes.push(passed_over(format!("an approval cannot be read: {fault}"), *oid));
        }
    }
}

fn passed_over(message: String, oid: Oid) -> Reason {
    Reason::new(Code::ApprovalIgnored, message, "fetch again: pintle verify --fetch").about(oid)
}

/// An approval, and those that it stands on.
fn stack(
    session: &mut Session<'_>,
    from: Oid,
    seen: &mut BTreeSet<Oid>,
    claims: &mut Claims,
) -> Result<(), HistoryFault> {
    let mut at = from;
    for _ in 0..session.limits.stack {
        if !seen.insert(at) {
            break;
        }
        let commit = session.commit(at)?;
        if !is_empty(session, &commit)? {
            break;
        }
        if let Some(trailer) = trailer_of(session, at)? {
            claims.add((at, trailer));
        }
        at = commit.parents[0];
    }
    Ok(())
}
