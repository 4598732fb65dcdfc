//! The audit record of one applied row: who approved it, which commit, before and after.

use super::claim::Job;
use super::write::Locked;
use pintle_core::audit::{Actor, Approval, Draft, GitRef, JobRef, Outcome, Sealed, Stage};
use pintle_core::change::ObjectKey;
use uuid::Uuid;

/// The record of an effect. `before` is the row as it was locked.
pub(super) fn effect(job: &Job, before: Option<&Locked>, approvals: Vec<Approval>) -> Draft {
    let outcome = Outcome::ok();
    Draft {
        approvals,
        sealed: Some(Sealed { before: before.map(|row| row.body.clone()), after: job.body.clone() }),
        ..about(job, Stage::Effect, outcome)
    }
}

/// The record of a failure for good.
pub(super) fn failure(job: &Job, code: &str, reason: &str) -> Draft {
    let outcome = Outcome { status: "failed", code: Some(code.to_owned()) };
    Draft { reason: Some(reason.to_owned()), ..about(job, Stage::Denied, outcome) }
}

fn about(job: &Job, stage: Stage, outcome: Outcome) -> Draft {
    let action = if job.cause == "drift" { "heal" } else { &job.action };
    Draft {
        correlation: Some(format!("plan {}", job.plan)),
        partner: job.partner.clone(),
        resource: Some((ObjectKey::clone(&job.key), Some(job.uid))),
        git: Some(GitRef {
            source: job.repo_id.clone(),
            commit: job.commit.clone(),
            path: job.file.clone(),
            line: job.line.filter(|line| *line > 0).map(|line| line as u32),
            action_digest: Some(hex::encode(&job.actions)),
        }),
        job: Some(JobRef { id: job.id, step: None, fence: None }),
        outcome,
        reason: (job.cause != "intent").then(|| job.cause.clone()),
        ..Draft::new(Uuid::now_v7(), stage, Actor::system(), action)
    }
}
