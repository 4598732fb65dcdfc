//! What is said after an approval: who counts now, what is missing, what to push.

use super::place::approvals_ref;
use super::{ApproveArgs, Case};
use crate::cli::Out;
use crate::cli::approvals::of_preview;
use pintle_core::change::Oid;
use pintle_core::render::Verdict as Word;
use pintle_core::trust::{Preview, Word as Said};

/// How it stands now, rule by rule.
pub(super) fn report(out: &Out, case: &Case, after: &Preview, commit: Option<Oid>, args: &ApproveArgs) {
    let (word, pushed) = (args.word(), commit.is_some() && args.push.is_some());
    let reference = approvals_ref(word, &case.preview.change.to_string(), &case.signer.person);
    if out.is_json() {
        let rules: Vec<_> = after.rules.iter().map(|rule| serde_json::json!({"name": rule.name, "needed": rule.needed, "have": rule.have, "from": rule.from, "missing": rule.missing()})).collect();
        out.json(&serde_json::json!({
            "formatVersion": "1.0", "commit": commit, "changeId": case.preview.change, "person": case.signer.person, "branch": case.target.branch,
            "ref": reference, "pushed": pushed, "accepted": after.accepted, "rules": rules,
        }));
        return;
    }
    let mut lines = vec![match commit {
        Some(commit) => {
            let (done, what) = match word {
                Said::Withdraw => ("withdrawn", "word"),
                Said::BreakGlass => ("let through behind broken glass", "word"),
                Said::Approve | Said::Ratify | Said::AllowLimit => ("approved", "approval"),
            };
            format!("\n{} {done} as {}.", case.target.tip.short(), case.signer.person)
                + &format!(" The {what} is {}{}.", commit.short(), place(case))
        }
        None => format!("\n{} has approved this already.", case.signer.person),
    }];
    lines.extend(
        after.rules.iter().map(|rule| format!("  rule {:<10} {} of {}", rule.name, rule.have.len(), rule.needed)),
    );
    let state = of_preview(after);
    lines.push(match state.verdict {
        Word::Approved if case.target.branch.as_deref() == Some(&*case.judge.introduction.git_ref) => {
            "Everything that it needs is there: accepted.".to_owned()
        }
        Word::Approved => "Everything that it needs is there: accepted once it is on the branch.".to_owned(),
        _ => after
            .reasons
            .iter()
            .filter(|reason| reason.commit.is_none())
            .map(|reason| format!("still: {} ({})", reason.message, reason.hint))
            .collect::<Vec<_>>()
            .join("\n"),
    });
    let remote = case.git.run(&["remote"]).unwrap_or_default();
    if let (Some(_), false, Some(remote)) = (commit, pushed, remote.lines().next()) {
        let branch = case.target.branch.as_ref().map(|branch| format!(" {branch}")).unwrap_or_default();
        lines.push(format!("next: git push {remote} {reference}{branch}"));
    }
    out.text(&lines.join("\n"));
}

fn place(case: &Case) -> String {
    case.target.branch.as_ref().map_or_else(
        || " (under refs/pintle/approvals/)".to_owned(),
        |branch| format!(" on {}", branch.trim_start_matches("refs/heads/")),
    )
}
