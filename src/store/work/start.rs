//! Released work starts: it draws a fence, and says before anything is done what is about to be done.

use crate::store::audit::AuditWriter;
use crate::store::pauses::pauses_held;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::{Actor, Draft, GitRef, JobRef, Outcome, Stage};
use pintle_core::change::ObjectKey;
use pintle_core::model::guard::Subject;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

const START: &str = "UPDATE pintle.job_state s SET state = 'running', fence = nextval('pintle.fences'), process = $3, started_at = clock_timestamp(), changed_at = clock_timestamp()
    FROM pintle.jobs j LEFT JOIN pintle.sources o ON o.id = j.source_id
    WHERE j.id = s.job_id AND s.job_id = $1 AND s.delivery = $2 AND s.state = 'released'
    RETURNING s.job_id, s.fence, s.attempts, s.partner, j.object_name, j.uid, j.body, j.file, (SELECT k.labels::text FROM pintle.schedules k WHERE k.uid = j.uid) AS labels, coalesce(o.repo_id::text, '') AS repo_id";

const PAUSED: &str = "UPDATE pintle.job_state SET state = 'cancelled', reason = 'paused', process = NULL, changed_at = clock_timestamp() WHERE job_id = $1 AND fence = $2";

/// Work that this process runs.
#[derive(Debug, Clone)]
pub struct Work {
    /// The ledger's number; with `step` the key that drivers and receivers know a repetition by.
    pub job: i64,
    /// Drawn with this start; whoever holds a higher one is the one that counts.
    pub fence: i64,
    /// Which try this is, from 1.
    pub attempt: i16,
    /// The Schedule.
    pub schedule: String,
    /// Its identity.
    pub uid: Uuid,
    /// The scheduled time.
    pub tick: Timestamp,
    /// How long one try may take, where the Schedule says so.
    pub deadline: Option<String>,
    /// What the Schedule says below `job`.
    pub spec: Value,
    partner: Option<String>,
    git: Option<GitRef>,
}

impl Work {
    /// Which job it does.
    pub fn kind(&self) -> &str {
        self.spec.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// Of this try alone: what tells its files from those of another.
    pub fn mark(&self) -> String {
        format!("{}-{}", self.job, self.fence)
    }

    /// A field of the job that is text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.spec.get(field).and_then(Value::as_str)
    }

    /// The same over every try, and other for every tick.
    pub fn key(&self) -> String {
        format!("{}/run", self.job)
    }

    /// An audit record about it.
    pub(super) fn draft(&self, stage: Stage, outcome: Outcome, reason: Option<String>) -> Draft {
        Draft {
            correlation: Some(format!("tick {}", self.tick)),
            partner: self.partner.clone(),
            resource: Some((ObjectKey::new("Schedule", self.schedule.as_str()), Some(self.uid))),
            git: self.git.clone(),
            job: Some(JobRef { id: self.job, step: None, fence: Some(self.fence) }),
            outcome,
            reason,
            ..Draft::new(Uuid::now_v7(), stage, Actor::system(), self.kind().to_owned())
        }
    }
}

impl Store {
    /// Claims what `delivery` carries for `process`; `None` when the ledger knows nothing of it, or somebody paused it.
    pub async fn start_work(
        &self,
        writer: &AuditWriter,
        process: Uuid,
        delivery: Uuid,
        job: i64,
    ) -> Result<Option<Work>, StoreError> {
        let failed = || StoreError::during("start a job");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let pauses = pauses_held(&mut tx).await.map_err(failed())?;
        let row = sqlx::query(START).bind(job).bind(delivery).bind(process).fetch_optional(&mut *tx).await;
        let Some(row) = row.map_err(failed())? else { return Ok(None) };
        let work = work(&row).map_err(failed())?;
        let key = ObjectKey::new("Schedule", work.schedule.as_str());
        let labels: Option<String> = row.try_get("labels").map_err(failed())?;
        let subject = Subject::new(&key, labels.as_deref(), None);
        let paused = pauses.iter().any(|pause| pause.what.covers(&subject));
        let draft = if paused {
            sqlx::query(PAUSED).bind(job).bind(work.fence).execute(&mut *tx).await.map_err(failed())?;
            work.draft(Stage::Denied, Outcome { status: "refused", code: Some("paused".into()) }, None)
        } else {
            work.draft(Stage::Intent, Outcome::ok(), None)
        };
        writer.append(&mut tx, &[draft]).await?;
        tx.commit().await.map_err(failed())?;
        Ok((!paused).then_some(work))
    }
}

fn work(row: &PgRow) -> Result<Work, sqlx::Error> {
    let Json(body): Json<Value> = row.try_get("body")?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let partner: String = row.try_get("partner")?;
    let (source, path): (String, Option<String>) = (row.try_get("repo_id")?, row.try_get("file")?);
    let git = text("commit").map(|commit| GitRef {
        source,
        commit: commit.to_owned(),
        path,
        line: None,
        action_digest: None,
    });
    Ok(Work {
        job: row.try_get("job_id")?,
        fence: row.try_get("fence")?,
        attempt: row.try_get::<i16, _>("attempts")? + 1,
        schedule: row.try_get("object_name")?,
        uid: row.try_get("uid")?,
        tick: text("tick").and_then(|text| text.parse().ok()).unwrap_or_default(),
        deadline: text("deadline").map(str::to_owned),
        spec: body.get("job").cloned().unwrap_or_default(),
        partner: (!partner.is_empty()).then_some(partner),
        git,
    })
}
