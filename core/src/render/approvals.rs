//! Who must approve and who has: filled by the shell from trust, said here in words. It refuses to
//! judge: what counts is trust's to say.

use super::text::{counted, visible};
use schemars::JsonSchema;
use serde::Serialize;

/// The approvals that a change needs and has, rule by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approvals {
    /// One line for each rule that covers a part of the change.
    pub rules: Vec<RuleLine>,
    /// All rules together.
    pub verdict: Verdict,
    /// The command that gives what is missing, such as `pintle approve raise-acme`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve_with: Option<String>,
}

/// Whether every rule is satisfied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every rule has what it needs.
    Approved,
    /// At least one rule misses an approval.
    Missing,
    /// Refused for another reason than a missing approval.
    Refused,
}

/// One rule: what it needs, what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleLine {
    /// The rule's name in the trust policy.
    pub name: String,
    /// How many approvals it needs.
    pub needed: usize,
    /// Who approved, with what they are in brackets: `alice (author)`.
    pub have: Vec<String>,
    /// The groups whose members count.
    pub from: Vec<String>,
    /// Who could still approve.
    pub missing: Vec<String>,
}

impl RuleLine {
    /// How many approvals are still missing.
    pub fn lacking(&self) -> usize {
        self.needed.saturating_sub(self.have.len())
    }

    /// The rule in words.
    pub fn sentence(&self) -> String {
        let from = if self.from.is_empty() { String::new() } else { format!(" from {}", list(&self.from, " or ")) };
        let approvals = counted(self.needed, "approval");
        let rule = visible(&self.name);
        let have = list(&self.have, ", ");
        let who = if have.is_empty() { String::new() } else { format!(": {have}") };
        if self.lacking() == 0 {
            return format!("Has {} of {approvals}{from} (rule {rule}){who}.", self.have.len());
        }
        let of = if self.missing.is_empty() { String::new() } else { format!(" of {}", list(&self.missing, ", ")) };
        format!("Needs {approvals}{from} (rule {rule}). Has {}{who}. Missing: {}{of}.", self.have.len(), self.lacking())
    }
}

fn list(names: &[String], between: &str) -> String {
    names.iter().map(|name| visible(name)).collect::<Vec<_>>().join(between)
}
