//! `pintle verify`: what trust says about a tip. Needs a repository and the introduction, no database.

use super::judge::{Judge, TrustArgs, fetch_approvals};
use super::{CliError, Exit, Out};
use crate::verdict::verdict_json;
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::diagnostic::Code;
use pintle_core::render::{Paper, Style, visible};
use pintle_core::trust::{AcceptedCommit, Counted, Held, Preview, Reason, RuleState, Verdict};
use std::collections::BTreeSet;

/// Which commit, trusted from where.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// The commit to judge, instead of the tip of the ref
    #[arg(long, env = "PINTLE_REV", value_name = "REV")]
    rev: Option<String>,
    /// Judge as of a moment, such as 2027-01-31T00:00:00Z, instead of the signers' or recorded times
    #[arg(long, env = "PINTLE_AT", value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// Say who counts as what, with which key, and what does not count
    #[arg(long, env = "PINTLE_EXPLAIN")]
    explain: bool,
    /// Fetch the approvals from a remote first
    #[arg(long, env = "PINTLE_FETCH", value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    fetch: Option<String>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let day = |text: &str| {
        text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
    };
    text.parse().ok().or_else(|| day(text)).ok_or_else(|| "expected a moment such as 2027-01-31T00:00:00Z".to_owned())
}

/// Judges and says so: 0 accepted, 4 held or refused.
pub async fn run(args: &VerifyArgs, out: &Out) -> Result<Exit, CliError> {
    if let Some(remote) = &args.fetch {
        fetch_approvals(&args.trust.repo, remote)?;
    }
    let mut judge = Judge::open(&args.trust, args.at).await?;
    let tip = judge.tip(args.rev.as_deref())?;
    if args.rev.is_some() {
        judge.until(tip);
    }
    let verdict = judge.verdict(tip)?;
    if out.is_json() {
        out.json(&verdict_json(tip, &verdict));
    } else {
        let name = args.rev.as_deref().unwrap_or(&judge.introduction.git_ref);
        let report = Report { judge: &judge, verdict: &verdict, tip, explain: args.explain, paper: out.paper() };
        out.text(&report.lines(name.trim_start_matches("refs/heads/"))?.join("\n"));
    }
    Ok(if verdict.held.is_none() && verdict.refused.is_none() { Exit::Success } else { Exit::Untrusted })
}

/// Accepted steps that `--explain` lists.
const STEPS_SHOWN: usize = 20;

struct Report<'a> {
    judge: &'a Judge,
    verdict: &'a Verdict,
    tip: Oid,
    explain: bool,
    paper: Paper,
}

impl Report<'_> {
    fn lines(&self, name: &str) -> Result<Vec<String>, CliError> {
        let mut lines = vec![self.first(name)];
        if let Some(held) = &self.verdict.held {
            lines.push(String::new());
            lines.extend(self.held(held)?);
        }
        if let Some(refused) = &self.verdict.refused {
            lines.push(String::new());
            lines.push(format!("  {}  {}", refused.commit.short(), visible(&refused.reason.message)));
            lines.extend(
                refused
                    .reason
                    .diagnostics
                    .iter()
                    .map(|one| format!("           {}: {}", one.location, visible(&one.message))),
            );
            lines.push(format!("  next     {}  ({})", visible(&refused.reason.hint), refused.reason.code));
        }
        let urgent = |alarm: &&Reason| self.explain || matches!(alarm.code, Code::GlassBroken | Code::KeyRevoked);
        lines.extend(self.verdict.alarms.iter().filter(urgent).map(|alarm| {
            let text = format!("alarm: {} ({}: {})", visible(&alarm.message), alarm.code, visible(&alarm.hint));
            self.paper.paint(Style::Warning, &text)
        }));
        if self.explain {
            lines.extend(self.steps());
            lines.extend(
                self.verdict
                    .notes
                    .iter()
                    .map(|note| self.paper.paint(Style::Muted, &format!("note: {}", visible(&note.message)))),
            );
        }
        Ok(lines)
    }

    fn first(&self, name: &str) -> String {
        let tip = if name.starts_with(&self.tip.short()) {
            name.to_owned()
        } else {
            format!("{} is at {}", visible(name), self.tip.short())
        };
        let steps = self.verdict.steps();
        let people: BTreeSet<&str> = steps.iter().flat_map(|step| &step.counted).map(|one| &*one.person).collect();
        let counts =
            format!("({}, {})", counted(steps.len(), "commit", "commits"), counted(people.len(), "person", "people"));
        let upto = self.verdict.accepted.as_ref().map(AcceptedCommit::commit);
        let accepted = |upto: Oid| {
            if upto == self.tip {
                format!("accepted {counts}")
            } else {
                format!("accepted up to {} {counts}", upto.short())
            }
        };
        let stands = upto.map_or_else(|| "nothing of it is accepted".to_owned(), accepted);
        let rest = match (&self.verdict.refused, &self.verdict.held) {
            (Some(_), _) => self.paper.paint(Style::Warning, " The tip is refused:"),
            (None, Some(held)) => self
                .paper
                .paint(Style::Warning, &format!(" {} held:", counted(held.waiting, "commit is", "commits are"))),
            (None, None) => String::new(),
        };
        format!("{tip}, {stands}.{rest}")
    }

    /// Every accepted step and who made it count.
    fn steps(&self) -> Vec<String> {
        let line = |one: &Counted| format!("{} ({})", visible(&one.person), one.role.as_str());
        let steps = self.verdict.steps();
        let from = steps.len().saturating_sub(STEPS_SHOWN);
        let mut lines = vec![
            String::new(),
            if from > 0 { format!("Accepted (the last {STEPS_SHOWN}; all: -o json):") } else { "Accepted:".to_owned() },
        ];
        lines.extend(steps[from..].iter().map(|step| {
            let who: Vec<String> = step.counted.iter().map(line).collect();
            let who = if who.is_empty() { "changes nothing".to_owned() } else { who.join(", ") };
            self.paper.paint(Style::Muted, &format!("  {}  {who}", step.commit.short()))
        }));
        lines
    }

    fn held(&self, held: &Held) -> Result<Vec<String>, CliError> {
        let mut lines =
            vec![format!("  {}  {}", held.commit.short(), self.paper.paint(Style::Bold, &visible(&held.subject)))];
        let accepted = self.verdict.accepted.as_ref().filter(|_| held.change_id.is_some());
        let preview = accepted.and_then(|accepted| self.judge.preview(accepted, held.commit, self.tip).ok());
        for rule in &held.rules {
            lines.push(rule_line(rule, &self.paper));
            if let Some(preview) = preview.as_ref().filter(|_| self.explain) {
                lines.extend(self.people(rule, preview)?);
            }
        }
        let about_rules = |reason: &&Reason| reason.code == pintle_core::diagnostic::Code::ApprovalsMissing;
        for reason in held.reasons.iter().filter(|reason| !about_rules(reason)) {
            lines.push(format!("           {}  ({})", visible(&reason.message), reason.code));
            lines.extend(
                reason
                    .diagnostics
                    .iter()
                    .map(|one| format!("             {}: {}", one.location, visible(&one.message))),
            );
        }
        let mut lifts: Vec<&str> = held.reasons.iter().filter(about_rules).map(|reason| reason.hint.as_str()).collect();
        if lifts.is_empty() {
            lifts.extend(held.reasons.first().map(|reason| reason.hint.as_str()));
        }
        lifts.dedup();
        lines.extend(
            lifts
                .iter()
                .enumerate()
                .map(|(at, hint)| format!("  {}  {}", if at == 0 { "lift it" } else { "       " }, visible(hint))),
        );
        if !self.explain {
            lines.push(
                self.paper.paint(Style::Muted, "  (pintle verify --explain says who counts, and why others do not)"),
            );
        }
        Ok(lines)
    }

    fn people(&self, rule: &RuleState, preview: &Preview) -> Result<Vec<String>, CliError> {
        let mut lines = Vec::new();
        for one in preview.counted.iter().filter(|one| one.rules.contains(&rule.name)) {
            let token = self.judge.asked(self.tip, |_, session| session.seal(one.commit))?.ok().and_then(Result::ok);
            let fido = token.filter(|signed| signed.key.is_fido()).map_or_else(String::new, |signed| {
                let seen: Vec<&str> = [(signed.touched, "touch"), (signed.pin, "PIN")]
                    .into_iter()
                    .filter_map(|(seen, word)| seen.then_some(word))
                    .collect();
                format!("  (FIDO{}{})", if seen.is_empty() { "" } else { ", " }, seen.join(" and "))
            });
            lines.push(format!(
                "           {:<10} {:<9} {}   {}{fido}",
                visible(&one.person),
                one.role.as_str(),
                one.commit.short(),
                one.fingerprint
            ));
        }
        Ok(lines)
    }
}

/// A rule: what it needs, what it has.
pub(super) fn rule_line(rule: &RuleState, paper: &Paper) -> String {
    let from: Vec<String> = rule.from.iter().map(|group| visible(group)).collect();
    let independent =
        if rule.independent > 0 { format!(", {} of whom did not write it", rule.independent) } else { String::new() };
    let text = format!("  rule {:<10} needs {} of {}{independent}", visible(&rule.name), rule.needed, from.join(", "));
    let style = if rule.met() { Style::Muted } else { Style::Warning };
    format!("{text:<60} {}", paper.paint(style, &format!("has {}", rule.have.len())))
}

pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
