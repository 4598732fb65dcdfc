//! The trust station in the loop: what is accepted, why the rest is held, and what is recorded of it.

use super::{Reconciler, TickError, all_diagnostics, heavy};
use crate::source::{Bounded, Fetched, Kept, TreeLoader};
use crate::state_file::Reading;
use crate::store::acceptance::ANY;
use crate::store::{LeaderProof, StoreError};
use jiff::{SignedDuration, Timestamp};
use pintle_core::change::{ObjectKey, Oid};
use pintle_core::diagnostic::Code;
use pintle_core::model::Kind;
use pintle_core::model::platform_config::PlatformConfig;
use pintle_core::resolve::resolve;
use pintle_core::trust::{
    Acceptance, AcceptedCommit, Commit, Held, ObjectKind, ObjectStore, Question, ReadError, Rereading, Session, Times,
    Verdict, accept, accept_from, reread,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Mistakes of a held tree that are told.
const MAX_MISTAKES: usize = 50;

impl Reconciler {
    /// What is accepted of the tip.
    pub(super) async fn verify(&mut self, fetched: &Fetched) -> Result<Verdict, TickError> {
        let recorded = if self.accepted.is_none() { self.recall().await? } else { Vec::new() };
        let accepted = self.accepted.clone();
        // Only what may be accepted asks for the time.
        let is_news = accepted.as_ref().is_none_or(|accepted| accepted.commit() != fetched.tip);
        self.ahead = SignedDuration::ZERO;
        if is_news {
            self.ahead = Timestamp::now().duration_since(self.store.clock().await?);
        }
        self.ask(fetched, &recorded, |question, session| match &accepted {
            Some(from) => accept_from(from, question, session),
            None => accept(question, session),
        })
    }

    /// Asks trust. A panic in the verifier means deny.
    pub(super) fn ask<T>(
        &mut self,
        fetched: &Fetched,
        recorded: &[Acceptance],
        ask: impl FnOnce(&Question<'_>, &mut Session<'_>) -> T,
    ) -> Result<T, TickError> {
        let orders = self.orders.read()?;
        let (denied, denied_keys, considered) = (orders.changes(), orders.keys(), orders.commits());
        let standing = self.standing.iter().copied();
        let fetched_too = fetched.evidence.iter().copied().filter(|oid| !self.standing.contains(oid));
        // What stands by itself comes first: no crowd under the approvals ref pushes it out.
        let evidence: Vec<Oid> = standing.chain(fetched_too).collect();
        // A host without a state file derives everything again, and believes no row about its time.
        let times = if self.accepted.is_none() && self.believed.is_none() { Times::Signed } else { Times::Clock };
        let Self { objects, kept, caps, catalog, introduction, memory, believed, ahead, .. } = self;
        let judge = std::panic::AssertUnwindSafe(|| {
            let question = Question {
                recorded,
                believed: believed.unwrap_or(0),
                evidence: &evidence,
                denied: &denied,
                denied_keys: &denied_keys,
                considered: &considered,
                times,
                ahead: *ahead,
                ..Question::new(introduction, fetched.tip, Timestamp::now())
            };
            let store = Bounded { objects, kept, until: Instant::now() + caps.verdict };
            ask(&question, &mut Session::new(&store, catalog, memory).within(caps.trust))
        });
        heavy(|| std::panic::catch_unwind(judge)).map_err(|_| TickError::Verifier(fetched.tip))
    }

    /// What is on record, and how far this host wrote it down itself.
    async fn recall(&mut self) -> Result<Vec<Acceptance>, TickError> {
        let recorded = self.store.acceptances().await?;
        self.believed = self.state.check(&recorded)?;
        self.recorded = recorded.last().map_or(0, |last| last.seq);
        let kept = self.store.evidence().await?;
        self.standing = kept.iter().filter(|one| one.standing).map(|one| one.oid).collect();
        self.kept = Kept::of(kept.into_iter().map(|one| (one.oid, one.raw)));
        Ok(recorded)
    }

    /// Says all that is wrong inside a held tree that has no meaning: trust stops at the first.
    pub(super) fn explain(&mut self, verdict: &mut Verdict) {
        let Some(held) = &mut verdict.held else { return };
        let Some(reason) = held.reasons.iter_mut().find(|reason| reason.code == Code::NoChangeSet) else { return };
        if self.mistakes.as_ref().is_none_or(|(commit, _)| *commit != held.commit) {
            let Ok(loaded) = TreeLoader::within(self.caps.trust).load(&self.objects, held.commit) else { return };
            let mut mistakes = all_diagnostics(&loaded, &resolve(&loaded.tree, self.catalog, None, Timestamp::now()));
            mistakes.truncate(MAX_MISTAKES);
            self.mistakes = Some((held.commit, mistakes));
        }
        reason.diagnostics = self.mistakes.as_ref().map(|(_, mistakes)| mistakes.clone()).unwrap_or_default();
    }

    pub(super) async fn remember(&mut self, proof: &LeaderProof, verdict: &Verdict) -> Result<(), TickError> {
        // Never back to less than what is on record: until it is shown again, nothing is applied.
        let Some(accepted) = verdict.accepted.as_ref().filter(|accepted| accepted.seq() >= self.recorded) else {
            return Ok(());
        };
        let fresh: Vec<_> = accepted.steps().iter().filter(|step| step.seq > self.recorded).cloned().collect();
        if !fresh.is_empty() {
            let touches = self.touches(accepted.steps(), fresh.len());
            self.keep(proof, fresh.iter().flat_map(|step| step.evidence.iter().copied()).collect(), false).await?;
            let mut recorded =
                self.store.record_acceptances(proof, &self.writer, &self.introduction.repo_id, &fresh, &touches).await;
            if matches!(recorded, Err(StoreError::WriterLost)) {
                self.writer = self.store.replace_audit_writer(&self.writer).await?;
                recorded = self
                    .store
                    .record_acceptances(proof, &self.writer, &self.introduction.repo_id, &fresh, &touches)
                    .await;
            }
            if recorded.is_err() {
                // It may have been committed all the same: the next tick reads what is on record.
                self.accepted = None;
            }
            recorded?;
            self.recorded = accepted.seq();
            self.accepted = Some(accepted.clone());
            self.accepted_since = Some(Instant::now());
            tracing::info!(commit = %accepted.commit(), seq = accepted.seq(), "accepted {}", accepted.commit());
        }
        self.keep(proof, verdict.keep.clone(), true).await?;
        self.accepted = Some(accepted.clone());
        Ok(())
    }

    /// Writes down on this host how far it accepted: after the database has it, and off the way of a change.
    pub(super) fn write_state(&mut self) -> Result<(), TickError> {
        let Some(accepted) = self.accepted.as_ref().filter(|accepted| self.believed != Some(accepted.seq())) else {
            return Ok(());
        };
        accepted.steps().last().map_or(Ok(()), |last| self.state.write(last))?;
        self.believed = Some(accepted.seq());
        Ok(())
    }

    /// Keeps the raw bytes of evidence, and of what it stands on: refs may be deleted, or withheld.
    async fn keep(&mut self, proof: &LeaderProof, commits: Vec<Oid>, standing: bool) -> Result<(), TickError> {
        let mut fresh: BTreeMap<Oid, (Arc<[u8]>, bool)> = BTreeMap::new();
        let mut stood = Vec::new();
        for oid in commits {
            let Ok(raw) = self.raw(oid) else { continue };
            let parents = Commit::parse(&raw).map(|commit| commit.parents).unwrap_or_default();
            let stands = standing && !self.standing.contains(&oid) && !stood.contains(&oid);
            if stands || !self.kept.has(oid) {
                fresh.insert(oid, (raw, stands));
            }
            stood.extend(stands.then_some(oid));
            for parent in parents {
                if let (false, Ok(raw)) = (self.kept.has(parent), self.raw(parent)) {
                    fresh.entry(parent).or_insert((raw, false));
                }
            }
        }
        if !fresh.is_empty() {
            self.store.keep_evidence(proof, &fresh).await?;
        }
        for (oid, (raw, _)) in fresh {
            self.kept.add(oid, raw);
        }
        self.standing.extend(stood);
        Ok(())
    }

    /// What is missing where the process before understood the accepted tree otherwise, and the people
    /// for the policy have not said yes to that. Not asked again once it is settled.
    pub(super) fn read_differently(
        &mut self,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
    ) -> Result<Option<Held>, TickError> {
        if self.reads_alike {
            return Ok(None);
        }
        if let Some(Reading { commit, digest: before }) = self.state.reading()? {
            let now = self.ask(fetched, &[], |_, session| session.reading(commit))?;
            let now = now.map_err(|error| TickError::Unreadable(commit, error))?;
            if now != before {
                let change = Rereading { commit, before, now };
                let held = self.ask(fetched, &[], |question, session| reread(accepted, &change, question, session))?;
                if let Some(held) = held.map_err(|_| TickError::Verifier(commit))? {
                    return Ok(Some(held));
                }
                tracing::info!(%commit, "another reading of {commit} is approved");
                self.state.write_reading(Some(Reading { commit, digest: now }))?;
            }
        }
        self.reads_alike = true;
        Ok(None)
    }

    /// Writes down what the accepted tree means, once all of it is applied: whoever restarts with another Pintle
    /// compares. It costs as much as the tree is large, so it is done when nothing else is to be; until then what was
    /// written of an older tree serves as well.
    pub fn rest(&mut self) -> Result<(), TickError> {
        let Some(commit) = self.applied.take() else { return Ok(()) };
        if let Err(error) = heavy(|| self.planner.keep()) {
            tracing::warn!("what was parsed is not kept for the next start: {error}");
        }
        if self.state.reading()?.is_some_and(|reading| reading.commit == commit) {
            return Ok(());
        }
        let mut session = Session::new(self.objects.as_ref(), self.catalog, &mut self.memory).within(self.caps.trust);
        if let Ok(digest) = heavy(|| session.reading(commit)) {
            self.state.write_reading(Some(Reading { commit, digest }))?;
        }
        Ok(())
    }

    fn raw(&self, oid: Oid) -> Result<Arc<[u8]>, ReadError> {
        let until = Instant::now() + self.caps.verdict;
        Bounded { objects: &self.objects, kept: &self.kept, until }.raw(oid, ObjectKind::Commit)
    }

    /// The documents that each of the last `fresh` steps touched. The introduction touches everything,
    /// and so, for want of a better answer, does a step that cannot be compared.
    fn touches(&mut self, steps: &[Acceptance], fresh: usize) -> Vec<(u64, ObjectKey)> {
        let mut session = Session::new(self.objects.as_ref(), self.catalog, &mut self.memory);
        let mut touches = Vec::new();
        for at in steps.len() - fresh..steps.len() {
            let before = at.checked_sub(1).map(|before| steps[before].commit);
            let keys = before.and_then(|before| session.documents_between(before, steps[at].commit).ok());
            for key in keys.unwrap_or_else(|| vec![ObjectKey::new(ANY, ANY)]) {
                if &*key.kind == PlatformConfig::NAME {
                    touches.push((steps[at].seq, ObjectKey::new(key.kind.clone(), ANY)));
                }
                touches.push((steps[at].seq, key));
            }
        }
        touches
    }
}
