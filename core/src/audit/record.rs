//! What a record says, before it has a place in the log.

use crate::change::{ObjectKey, Value};
use serde::Serialize;
use uuid::Uuid;

/// What kind of record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Something changed; the record stands in the same transaction.
    Effect,
    /// Something outside Postgres is about to be done.
    Intent,
    /// What became of an intent.
    Outcome,
    /// Something was refused.
    Denied,
    /// The system itself: started, took the lead, accepted a commit.
    System,
}

impl Stage {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Effect => "effect",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Denied => "denied",
            Self::System => "system",
        }
    }
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// `system`, `person`, `os-user`, `foreign`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name within the type.
    pub id: String,
}

/// One signature that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The person.
    pub person: String,
    /// `SHA256:…` of the key.
    pub key_fingerprint: String,
    /// The commit that carries the signature.
    pub commit: String,
    /// `author` or `approver`.
    pub role: String,
    /// The rules it counted for.
    pub rules: Vec<String>,
}

impl Actor {
    /// The system itself.
    pub fn system() -> Self {
        Self { kind: "system", id: "pintle".into() }
    }

    /// Somebody at a terminal, as the operating system knows them.
    pub fn os_user(id: &str) -> Self {
        Self { kind: "os-user", id: id.to_owned() }
    }
}

/// Where in Git the authority and the text stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GitRef {
    /// The source.
    pub source: String,
    /// The accepted commit.
    pub commit: String,
    /// The file, if one is meant.
    pub path: Option<String>,
    /// Its line.
    pub line: Option<u32>,
    /// The plan's action digest.
    pub action_digest: Option<String>,
}

/// The job that did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobRef {
    /// The ledger's number.
    pub id: i64,
    /// The step of a saga.
    pub step: Option<String>,
    /// The fence, where one was drawn.
    pub fence: Option<i64>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// `ok`, `refused`, `failed`.
    pub status: &'static str,
    /// A stable code, where there is one.
    pub code: Option<String>,
}

impl Outcome {
    /// It went well.
    pub fn ok() -> Self {
        Self { status: "ok", code: None }
    }
}

/// What may be personal or large; the leaf holds only its salted hash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sealed {
    /// The body before, as locked.
    pub before: Option<Value>,
    /// The body after.
    pub after: Option<Value>,
}

/// A record without its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// UUIDv7.
    pub id: Uuid,
    /// What kind of record.
    pub stage: Stage,
    /// What belongs together: a plan, a request.
    pub correlation: Option<String>,
    /// Who acted.
    pub actor: Actor,
    /// Whose signatures gave the authority.
    pub approvals: Vec<Approval>,
    /// The partner whose object it is.
    pub partner: Option<String>,
    /// `create`, `update`, `delete`, `heal`, `refuse`, …
    pub action: String,
    /// The object.
    pub resource: Option<(ObjectKey, Option<Uuid>)>,
    /// Where in Git.
    pub git: Option<GitRef>,
    /// The job.
    pub job: Option<JobRef>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: Option<String>,
    /// Before and after.
    pub sealed: Option<Sealed>,
}

impl Draft {
    /// A record with the name `id` that says who did what, and nothing else yet.
    pub fn new(id: Uuid, stage: Stage, actor: Actor, action: impl Into<String>) -> Self {
        Self {
            id,
            stage,
            correlation: None,
            actor,
            approvals: Vec::new(),
            partner: None,
            action: action.into(),
            resource: None,
            git: None,
            job: None,
            outcome: Outcome::ok(),
            reason: None,
            sealed: None,
        }
    }
}
