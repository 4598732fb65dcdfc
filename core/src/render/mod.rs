//! What the stations found, said to people, to programs and to a pull request. Pure: text in, text
//! out; it decides nothing, prints nothing, and never shows a secret or obeys a hidden character.

mod ago;
mod approvals;
mod blocks;
mod diagnostics;
mod field;
mod group;
mod head;
mod human;
mod json;
mod look;
mod markdown;
mod markdown_table;
mod markdown_text;
mod redact;
mod scalar;
mod sections;
mod style;
mod summary;
mod text;
mod yaml;

#[cfg(test)]
pub(crate) mod tests;

pub use ago::{ago, minute, span};
pub use approvals::{Approvals, RuleLine, Verdict};
pub use diagnostics::{Checked, diagnostics_human, diagnostics_markdown};
pub use head::Header;
pub use human::plan_human;
pub use json::{
    CommitOutput, CountsOutput, FORMAT_VERSION, FieldOutput, PlanOutput, ReasonOutput, StepOutput, WaitingOutput,
    plan_json, plan_output, plan_output_schema,
};
pub use look::{
    change_lines, flow, labels_without_secrets, masked_yaml, plural, redacted, redacted_changes, shown, thousands,
    without_secrets,
};
pub use markdown::{COMMENT_LIMIT, plan_markdown};
pub use style::{Paper, Style};
pub use summary::summary;
pub use text::visible;
pub use yaml::{inline, yaml};
