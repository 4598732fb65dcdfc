//! Which approvals a revision needs, and which it has: what the plan shows beside the changes.

use super::plan::Revision;
use crate::store::Store;
use jiff::Timestamp;
use pintle_core::model::Catalog;
use pintle_core::render::{Approvals, RuleLine, Verdict as Word};
use pintle_core::trust::{Memory, Preview, Question, RuleState, Session, Verdict, accept};

/// The approvals of `revision` under the policy that the database's source stands on. `None` when
/// that cannot be said: no introduction yet, or the history is not at hand.
pub(super) async fn needed(store: &Store, revision: &Revision) -> Option<Approvals> {
    let introduction = store.introduction().await.ok()??;
    let recorded = store.acceptances().await.ok()?;
    let catalog = Catalog::standard();
    let mut memory = Memory::default();
    let evidence = revision.objects.approvals().ok()?;
    let question = Question {
        recorded: &recorded,
        evidence: &evidence,
        ..Question::new(&introduction, revision.oid, Timestamp::now())
    };
    let verdict = accept(&question, &mut Session::new(revision.objects.as_ref(), catalog, &mut memory));
    Some(of(&verdict, revision))
}

fn of(verdict: &Verdict, revision: &Revision) -> Approvals {
    let rules = verdict.held.as_ref().map(|held| held.rules.iter().map(line).collect()).unwrap_or_default();
    let word = match (&verdict.refused, &verdict.held) {
        (Some(_), _) => Word::Refused,
        (None, Some(_)) => Word::Missing,
        (None, None) => Word::Approved,
    };
    Approvals { rules, verdict: word, approve_with: Some(format!("pintle approve {}", revision.oid.short())) }
}

/// How a change would stand, for the plan that an approver reads.
pub(super) fn of_preview(preview: &Preview) -> Approvals {
    let verdict = match (preview.accepted, preview.rules.iter().all(RuleState::met)) {
        (true, _) => Word::Approved,
        (false, false) => Word::Missing,
        (false, true) => Word::Refused,
    };
    Approvals { rules: preview.rules.iter().map(line).collect(), verdict, approve_with: None }
}

pub(super) fn line(rule: &RuleState) -> RuleLine {
    let text = |names: &[std::sync::Arc<str>]| names.iter().map(ToString::to_string).collect();
    RuleLine {
        name: rule.name.to_string(),
        needed: rule.needed as usize,
        have: text(&rule.have),
        from: text(&rule.from),
        missing: text(&rule.missing_of),
    }
}
