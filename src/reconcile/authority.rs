//! The trust station in the loop: what is accepted, why the rest is held, and what is recorded of it.

use super::{Reconciler, TickError, all_diagnostics, heavy};
use crate::source::{Fetched, TreeLoader};
use crate::store::acceptance::ANY;
use crate::store::{LeaderProof, StoreError};
use jiff::Timestamp;
use pintle_core::change::ObjectKey;
use pintle_core::diagnostic::Code;
use pintle_core::model::Kind;
use pintle_core::model::platform_config::PlatformConfig;
use pintle_core::resolve::resolve;
use pintle_core::trust::{Acceptance, Question, Session, Times, Verdict, accept, accept_from};
use std::time::Instant;

/// Mistakes of a held tree that are told.
const MAX_MISTAKES: usize = 50;

impl Reconciler {
    /// A panic in the verifier means deny.
    pub(super) async fn verify(&mut self, fetched: &Fetched) -> Result<Verdict, TickError> {
        let recorded = if self.accepted.is_none() { self.store.acceptances().await? } else { Vec::new() };
        if self.accepted.is_none() {
            self.state.check(&recorded)?;
        }
        self.recorded = self.recorded.max(recorded.last().map_or(0, |last| last.seq));
        let Self { objects, catalog, introduction, memory, accepted, .. } = self;
        let judge = std::panic::AssertUnwindSafe(|| {
            let question = Question {
                introduction,
                recorded: &recorded,
                tip: fetched.tip,
                evidence: &fetched.evidence,
                denied: &[],
                now: Timestamp::now(),
                times: Times::Clock,
            };
            let mut session = Session::new(objects.as_ref(), catalog, memory);
            match accepted {
                Some(from) => accept_from(from, &question, &mut session),
                None => accept(&question, &mut session),
            }
        });
        heavy(|| std::panic::catch_unwind(judge)).map_err(|_| TickError::Verifier(fetched.tip))
    }

    /// Says all that is wrong inside a held tree that has no meaning: trust stops at the first.
    pub(super) fn explain(&mut self, verdict: &mut Verdict) {
        let Some(held) = &mut verdict.held else { return };
        let Some(reason) = held.reasons.iter_mut().find(|reason| reason.code == Code::NoChangeSet) else { return };
        if self.mistakes.as_ref().is_none_or(|(commit, _)| *commit != held.commit) {
            let Ok(loaded) = TreeLoader::default().load(&self.objects, held.commit) else { return };
            let mut mistakes = all_diagnostics(&loaded, &resolve(&loaded.tree, self.catalog, None, Timestamp::now()));
            mistakes.truncate(MAX_MISTAKES);
            self.mistakes = Some((held.commit, mistakes));
        }
        reason.diagnostics = self.mistakes.as_ref().map(|(_, mistakes)| mistakes.clone()).unwrap_or_default();
    }

    pub(super) async fn remember(&mut self, proof: &LeaderProof, verdict: &Verdict) -> Result<(), TickError> {
        let Some(accepted) = &verdict.accepted else { return Ok(()) };
        let fresh: Vec<_> = accepted.steps().iter().filter(|step| step.seq > self.recorded).cloned().collect();
        if !fresh.is_empty() {
            let touches = self.touches(accepted.steps(), fresh.len());
            let mut recorded =
                self.store.record_acceptances(proof, &self.writer, &self.introduction.repo_id, &fresh, &touches).await;
            if matches!(recorded, Err(StoreError::WriterLost)) {
                self.writer = self.store.replace_audit_writer(self.writer).await?;
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
            accepted.steps().last().map_or(Ok(()), |last| self.state.write(last))?;
            self.accepted_since = Some(Instant::now());
            tracing::info!(commit = %accepted.commit(), seq = accepted.seq(), "accepted {}", accepted.commit());
        }
        self.accepted = Some(accepted.clone());
        Ok(())
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
