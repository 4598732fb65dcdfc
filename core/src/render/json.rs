//! A plan for programs: a versioned format of its own, apart from the types of the stations, so that
//! these can change without breaking those who read it. Secrets are shown by name only.

use super::approvals::Approvals;
use super::head::Header;
use super::redact;
use crate::change::FieldChange;
use crate::diff::Change;
use crate::plan::{Exceeded, Plan, Step, Waiting};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Fields are only ever added within a major number.
pub const FORMAT_VERSION: &str = "1.0";

/// A plan: what should move, what waits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Pintle plan")]
pub struct PlanOutput {
    /// The version of this format, `major.minor`.
    pub format_version: String,
    /// The revision that is planned.
    pub commit: CommitOutput,
    /// The digest of this whole plan, moment and reasons included: no other has it.
    pub plan_id: String,
    /// The action digest: equal wherever the same things would happen.
    pub actions: String,
    /// When the plan was made, RFC 3339.
    pub made_at: String,
    /// When the live state was read, RFC 3339.
    pub live_read_at: String,
    /// The version of the time zone database used.
    pub time_zones: String,
    /// How many objects the documents declare.
    pub objects: usize,
    /// The numbers of the summary line.
    pub counts: CountsOutput,
    /// What should move; what must come first has a lower index.
    pub steps: Vec<StepOutput>,
    /// What should move but waits.
    pub waiting: Vec<WaitingOutput>,
    /// The limits of the guard that it would pass; with any, nothing of it is done.
    pub refused: Vec<RefusedOutput>,
    /// The approvals needed and given, by rule, when they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
}

/// The revision that is planned.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitOutput {
    /// The whole object id.
    pub id: String,
    /// The first line of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When it was committed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<String>,
}

/// How many objects move, by what happens to them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CountsOutput {
    /// Created or restored.
    pub create: usize,
    /// Changed because the documents did.
    pub change: usize,
    /// Tombstoned.
    pub delete: usize,
    /// Gone for good, after their grace.
    pub remove: usize,
    /// Ended by their documents: their lifecycle becomes `terminated`.
    pub terminate: usize,
    /// Changed back to what the documents say.
    pub heal: usize,
    /// Waiting, with a reason each.
    pub waiting: usize,
}

/// One object that should move.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepOutput {
    /// `Kind/name`.
    pub object: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// `create`, `update`, `adopt`, `restore`, `delete` or `remove`.
    pub action: String,
    /// `intent`, `drift`, `conflict` or `software`.
    pub cause: String,
    /// The file of its document; for a delete, the one it stood in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The first line of its document; absent for a delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The partner it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// Live → desired.
    pub fields: Vec<FieldOutput>,
    /// Last applied → live: what was done behind the repository's back.
    pub drift: Vec<FieldOutput>,
    /// Indices of the steps that come first.
    pub after: Vec<usize>,
}

/// One field that differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FieldOutput {
    /// The keys from the root of the body: `["spec", "resources", "memory"]`.
    pub path: Vec<String>,
    /// What stands there; absent when nothing does. A secret is shown as `(secret NAME)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What will stand there; absent when nothing will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// One object that waits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingOutput {
    /// `Kind/name`.
    pub object: String,
    /// What would happen to it.
    pub action: String,
    /// Why it waits.
    pub reason: ReasonOutput,
    /// The reason as a sentence.
    pub message: String,
    /// What lifts it.
    pub lifted_by: String,
    /// Live → desired.
    pub fields: Vec<FieldOutput>,
}

/// A limit of the guard that the plan would pass.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedOutput {
    /// What is limited, as `Allow-Limit` names it.
    pub limit: String,
    /// For which partner or region, where it is counted apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many this plan would move.
    pub moving: usize,
    /// How many moved within 24 hours, or are on their way.
    pub before: usize,
    /// How many there were.
    pub live: usize,
    /// How many are allowed.
    pub allowed: usize,
    /// All that as a sentence.
    pub message: String,
    /// What lifts it.
    pub lifted_by: String,
    /// When time alone makes room, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Why an object waits: a stable code, and what belongs to that code.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReasonOutput {
    /// The stable word, such as `in-flight`.
    pub code: String,
    /// What belongs to the code, such as `job`.
    #[serde(flatten)]
    pub details: serde_json::Map<String, Value>,
}

/// The plan as a JSON value.
pub fn plan_json(plan: &Plan, header: &Header, approvals: Option<&Approvals>) -> Value {
    serde_json::to_value(plan_output(plan, header, approvals)).unwrap_or_default()
}

/// The plan in the published format, for a writer that wants its fields in their order.
pub fn plan_output(plan: &Plan, header: &Header, approvals: Option<&Approvals>) -> PlanOutput {
    let counts = plan.counts();
    PlanOutput {
        format_version: FORMAT_VERSION.to_owned(),
        commit: CommitOutput {
            id: plan.commit().to_owned(),
            subject: header.subject.clone(),
            author: header.author.clone(),
            committed_at: header.committed_at.map(|at| at.to_string()),
        },
        plan_id: plan.id().to_string(),
        actions: plan.actions().to_string(),
        made_at: plan.made_at().to_string(),
        live_read_at: plan.live_read_at().to_string(),
        time_zones: plan.time_zones().to_owned(),
        objects: plan.objects(),
        counts: CountsOutput {
            create: counts.create,
            change: counts.change,
            delete: counts.delete,
            remove: counts.remove,
            terminate: counts.terminate,
            heal: counts.heal,
            waiting: counts.waiting,
        },
        steps: plan.steps().iter().map(step).collect(),
        waiting: plan.waiting().iter().map(waits).collect(),
        refused: plan.refused().iter().map(refused).collect(),
        approvals: approvals.cloned(),
    }
}

/// The JSON Schema (draft 2020-12) of [`PlanOutput`], as published.
pub fn plan_output_schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<PlanOutput>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("$id".into(), "https://pintle.dev/schemas/output/plan.schema.json".into());
    }
    schema
}

fn step(step: &Step) -> StepOutput {
    let change: &Change = &step.change;
    StepOutput {
        object: change.key.to_string(),
        kind: change.key.kind.to_string(),
        name: change.key.name.to_string(),
        action: change.action.as_str().to_owned(),
        cause: change.cause.as_str().to_owned(),
        file: change.source.as_ref().map(|source| source.file.to_string()),
        line: change.source.as_ref().map(|source| source.line).filter(|line| *line > 0),
        partner: change.partner.as_deref().map(str::to_owned),
        fields: fields(redact::fields(change)),
        drift: fields(redact::drift(change)),
        after: step.after_steps.clone(),
    }
}

fn refused(one: &Exceeded) -> RefusedOutput {
    let Exceeded { limit, group, moving, before, live, allowed, until } = one.clone();
    let until = until.map(|until| until.to_string());
    let (message, lifted_by) = (one.sentence(), one.lifted_by());
    RefusedOutput { limit, group, moving, before, live, allowed, message, lifted_by, until }
}

fn waits(waiting: &Waiting) -> WaitingOutput {
    let details = match serde_json::to_value(&waiting.reason) {
        Ok(Value::Object(mut details)) => {
            details.remove("code");
            details
        }
        _ => serde_json::Map::new(),
    };
    WaitingOutput {
        object: waiting.change.key.to_string(),
        action: waiting.change.action.as_str().to_owned(),
        reason: ReasonOutput { code: waiting.reason.code().to_owned(), details },
        message: waiting.reason.sentence(),
        lifted_by: waiting.reason.lifted_by(),
        fields: fields(redact::fields(&waiting.change)),
    }
}

fn fields(fields: Vec<FieldChange>) -> Vec<FieldOutput> {
    fields
        .into_iter()
        .map(|field| FieldOutput {
            path: field.path.0,
            before: field.before.as_ref().map(Into::into),
            after: field.after.as_ref().map(Into::into),
        })
        .collect()
}
