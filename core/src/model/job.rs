//! What a [`Schedule`](super::schedule::Schedule) does when it fires.

use super::Problems;
use super::scalar::{Anything, HttpUrl, Ref, Word, to};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The fields that belong to some job kinds only: `(field, kinds, whether those kinds need it)`.
const PARTICULAR: &[(&str, &[&str], bool)] = &[
    ("program", &["exec"], true),
    ("url", &["http"], true),
    ("method", &["http"], false),
    ("secretRef", &["http"], false),
    ("queue", &["queue"], true),
    ("name", &["queue"], false),
    ("data", &["exec", "http", "queue"], false),
    ("format", &["health-report", "audit-export"], false),
    ("destination", &["health-report", "audit-export"], false),
];

/// Checks that a job has the fields of its kind and no others.
pub(super) fn check(job: &Value, problems: &mut Problems) {
    let kind = job.get("kind").and_then(Value::as_str).unwrap_or_default();
    for (field, kinds, needed) in PARTICULAR {
        let given = job.get(field).is_some_and(|value| *value != Value::Null);
        let belongs = kinds.contains(&kind);
        if given && !belongs {
            problems
                .inconsistent(&format!("job.{field}"), format!("a job of kind {kind} has no `{field}`"))
                .hint(format!("`{field}` belongs to {}", kinds.join(", ")));
        } else if belongs && *needed && !given {
            problems
                .inconsistent("job", format!("a job of kind {kind} needs `{field}`"))
                .hint(format!("add `{field}` below `job`"));
        }
    }
}

/// What a schedule does when it fires.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Job {
    /// Which job.
    pub kind: JobKind,
    /// The objects it is done for; none means all that the job makes sense for.
    pub select: Option<JobSelect>,
    /// exec: the program, by the name it has in the daemon's settings; a path never stands in Git.
    pub program: Option<Word>,
    /// http: the address that is called.
    pub url: Option<HttpUrl>,
    /// http: the method, POST where absent.
    pub method: Option<HttpMethod>,
    /// http: the secret that signs the request body.
    pub secret_ref: Option<String>,
    /// queue: the BullMQ queue that somebody's worker serves.
    pub queue: Option<Word>,
    /// queue: the job's name there; the schedule's name where absent.
    pub name: Option<String>,
    /// exec, http, queue: what is passed on, beside the scheduled and the actual time.
    pub data: Option<BTreeMap<String, Anything>>,
    /// health-report, audit-export: the format of the file.
    pub format: Option<ReportFormat>,
    /// health-report, audit-export: where it goes, by the name it has in the daemon's settings.
    pub destination: Option<Word>,
}

/// Which job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// Backs up the databases of instances.
    Backup,
    /// Writes down health and uptime of instances.
    HealthReport,
    /// Exports the audit log since the last export.
    AuditExport,
    /// Compares and applies, as every tick of the daemon does.
    Reconcile,
    /// Runs a program of the team's own.
    Exec,
    /// Calls an address.
    Http,
    /// Puts a job on a BullMQ queue.
    Queue,
}

/// The instances that a job is done for: all that match everything given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JobSelect {
    /// Those with all of these labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Those of this partner.
    pub partner: Option<Ref<to::Partner>>,
}

/// The method of an HTTP request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Without a body.
    Get,
    /// With a JSON body.
    Post,
    /// With a JSON body.
    Put,
}

/// The format of a report.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportFormat {
    /// One JSON value a line.
    Jsonl,
    /// Comma-separated values.
    Csv,
    /// For people.
    Markdown,
}
