//! Records where the daemon stands. What is read back is believed about times only; authority is
//! derived again from the Git objects.

use super::audit::AuditWriter;
use super::{LeaderProof, Store, StoreError};
use crate::snapshot::Admitted;
use pintle_core::audit::{Actor, Approval, Draft, GitRef, Stage};
use pintle_core::change::ObjectKey;
use pintle_core::gate::{Allowance, Extent};
use pintle_core::plan::Exceeded;
use pintle_core::trust::{Acceptance, Introduction};
use sqlx::Row;
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

/// Which source a row belongs to; one source a daemon for now.
pub const SOURCE: &str = "default";

/// Any kind, or any name, among what a step touched.
pub const ANY: &str = "*";
/// Beside what was lifted for the same step before.
const LIFT: &str = "UPDATE pintle.sources SET lifted = $2 || coalesce((SELECT jsonb_agg(one)
        FROM jsonb_array_elements(lifted) AS one WHERE (one->>'seq')::bigint = $3), '[]') WHERE id = $1";

/// Touched documents written by one statement.
const TOUCHES_AT_ONCE: usize = 10_000;

/// A limit that was lifted for one accepted step.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct LiftedRow {
    seq: u64,
    limit: String,
    group: Option<String>,
    moving: usize,
}

/// Where a source stands, for `status`.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceState {
    /// The tip last fetched.
    pub seen_tip: Option<String>,
    /// Seconds since the last good fetch.
    pub fetched_ago_s: Option<f64>,
    /// Why fetching fails, if it does.
    pub fetch_error: Option<String>,
    /// Held or refused, with reasons.
    pub verdict: Option<serde_json::Value>,
    /// Seconds since the tip is held.
    pub held_for_s: Option<f64>,
    /// The newest commit that is applied wherever it can be.
    pub applied_commit: Option<String>,
    /// Seconds since it was.
    pub applied_ago_s: Option<f64>,
    /// From acceptance to the last effect.
    pub applied_in_ms: Option<i64>,
    /// What someone must look at although nothing is held by it.
    pub alarms: serde_json::Value,
}

impl Store {
    /// Makes the source's row, or refuses one of another introduction. As long as nothing was accepted
    /// the settings may still be corrected.
    pub async fn introduce(&self, introduction: &Introduction) -> Result<bool, StoreError> {
        sqlx::query(
            "INSERT INTO pintle.sources AS s (id, repo_id, git_ref, introduction_commit, introduction_policy) VALUES ($1, $2::uuid, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET repo_id = EXCLUDED.repo_id, git_ref = EXCLUDED.git_ref, introduction_commit = EXCLUDED.introduction_commit,
                 introduction_policy = EXCLUDED.introduction_policy
             WHERE NOT EXISTS (SELECT FROM pintle.accepted_commits a WHERE a.source_id = s.id)",
        )
        .bind(SOURCE)
        .bind(&*introduction.repo_id)
        .bind(&*introduction.git_ref)
        .bind(introduction.commit.to_string())
        .bind(introduction.policy_sha256.to_string())
        .execute(&self.pool)
        .await
        .map_err(StoreError::during("introduce the source"))?;
        Ok(self.introduction().await?.as_ref() == Some(introduction))
    }

    /// The introduction that the database was made for, if it was.
    pub async fn introduction(&self) -> Result<Option<Introduction>, StoreError> {
        let row = sqlx::query("SELECT repo_id::text AS repo_id, git_ref, introduction_commit, introduction_policy FROM pintle.sources WHERE id = $1")
            .bind(SOURCE)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::during("read the introduction"))?;
        let Some(row) = row else { return Ok(None) };
        let text = |column: &str| row.try_get::<String, _>(column).map_err(StoreError::during("read the introduction"));
        let corrupt = |_| StoreError::Corrupt { what: "introduction", source: "it is no object id".into() };
        Ok(Some(Introduction {
            repo_id: text("repo_id")?.into(),
            git_ref: text("git_ref")?.into(),
            commit: text("introduction_commit")?.parse().map_err(corrupt)?,
            policy_sha256: text("introduction_policy")?
                .parse()
                .map_err(|_| StoreError::Corrupt { what: "introduction", source: "it is no digest".into() })?,
        }))
    }

    /// Every recorded acceptance, oldest first.
    pub async fn acceptances(&self) -> Result<Vec<Acceptance>, StoreError> {
        let rows: Vec<Json<Acceptance>> =
            sqlx::query_scalar("SELECT acceptance FROM pintle.accepted_commits WHERE source_id = $1 ORDER BY seq")
                .bind(SOURCE)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::during("read the accepted commits"))?;
        Ok(rows.into_iter().map(|Json(acceptance)| acceptance).collect())
    }

    /// Up to which accepted step something was enqueued, or found to be applied.
    pub async fn begun_seq(&self) -> Result<u64, StoreError> {
        let seq: Option<i64> = sqlx::query_scalar(
            "SELECT greatest((SELECT max(seq) FROM pintle.plans WHERE source_id = $1),
                (SELECT a.seq FROM pintle.accepted_commits a JOIN pintle.sources s ON s.id = a.source_id AND s.applied_commit = a.commit WHERE s.id = $1))",
        )
        .bind(SOURCE)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("read what was begun"))?;
        Ok(seq.unwrap_or(0) as u64)
    }

    /// What seals that which hosts keep for their next start.
    pub async fn cache_key(&self) -> Result<Option<[u8; 16]>, StoreError> {
        let key: Option<Uuid> = sqlx::query_scalar("SELECT cache_key FROM pintle.sources WHERE id = $1")
            .bind(SOURCE)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::during("read the key of what hosts keep"))?;
        Ok(key.map(Uuid::into_bytes))
    }

    /// The newest step whose plan passed the gate, and the one whose guard it passed; 0 before the first.
    pub async fn admitted(&self, source: &str) -> Result<(u64, u64), StoreError> {
        let failed = || StoreError::during("read what was admitted");
        let row = sqlx::query("SELECT admitted_seq, guard_seq FROM pintle.sources WHERE id = $1")
            .bind(source)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed())?;
        let Some(row) = row else { return Ok((0, 0)) };
        let seq = |column: &str| row.try_get::<i64, _>(column).map(|seq| seq as u64).map_err(failed());
        Ok((seq("admitted_seq")?, seq("guard_seq")?))
    }

    /// The limits that were lifted for the accepted step `seq` when its plan passed the gate: what was to
    /// move then may move later.
    pub async fn lifted(&self, source: &str, seq: u64) -> Result<Vec<Allowance>, StoreError> {
        let failed = || StoreError::during("read which limits are lifted");
        let found: Option<Json<Vec<LiftedRow>>> = sqlx::query_scalar("SELECT lifted FROM pintle.sources WHERE id = $1")
            .bind(source)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed())?;
        let all = found.map(|json| json.0).unwrap_or_default().into_iter().filter(|one| one.seq == seq);
        let allowance = |LiftedRow { limit, group, moving, .. }: LiftedRow| Allowance {
            limit: limit.into(),
            extent: Extent::AtMost { group, moving },
        };
        Ok(all.map(allowance).collect())
    }

    /// Records which limits were lifted for a step, and how far.
    pub async fn record_lifted(
        &self,
        proof: &LeaderProof,
        source: &str,
        seq: u64,
        lifted: &[Exceeded],
    ) -> Result<(), StoreError> {
        let failed = || StoreError::during("record which limits are lifted");
        let row =
            |one: &Exceeded| LiftedRow { seq, limit: one.limit.clone(), group: one.group.clone(), moving: one.moving };
        let rows: Vec<LiftedRow> = lifted.iter().map(row).collect();
        let mut tx = self.begin_as(proof).await?;
        sqlx::query(LIFT).bind(source).bind(Json(rows)).bind(seq as i64).execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())
    }

    /// The newest commit whose plan passed the gate, and the one whose guard it passed.
    pub async fn admitted_commit(&self, source: &str) -> Result<Option<Admitted>, StoreError> {
        let row: Option<(String, i64, String)> = sqlx::query_as(
            "SELECT a.commit, a.seq, g.commit FROM pintle.sources s JOIN pintle.accepted_commits a ON a.source_id = s.id AND a.seq = s.admitted_seq
             JOIN pintle.accepted_commits g ON g.source_id = s.id AND g.seq = greatest(s.guard_seq, 1) WHERE s.id = $1",
        )
        .bind(source)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("read what was admitted"))?;
        Ok(row.map(|(commit, seq, judged_by)| Admitted { commit, seq: seq as u64, judged_by }))
    }

    /// The commit whose guard holds beside its own for `commit`: the one admitted before it.
    pub async fn guard_commit(&self, source: &str, commit: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT a.commit FROM pintle.sources s JOIN pintle.accepted_commits a ON a.source_id = s.id AND a.seq = CASE
                WHEN EXISTS (SELECT FROM pintle.accepted_commits c WHERE c.source_id = s.id AND c.commit = $2 AND c.seq = s.admitted_seq)
                THEN greatest(s.guard_seq, 1) ELSE greatest(s.admitted_seq, 1) END WHERE s.id = $1",
        )
        .bind(source)
        .bind(commit)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("read which guard holds"))
    }

    /// The place of `commit` among the accepted ones, if it is.
    pub async fn seq_of(&self, source: &str, commit: &str) -> Result<Option<u64>, StoreError> {
        let seq: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM pintle.accepted_commits WHERE source_id = $1 AND commit = $2")
                .bind(source)
                .bind(commit)
                .fetch_optional(&self.pool)
                .await
                .map_err(StoreError::during("read an accepted commit"))?;
        Ok(seq.map(|seq| seq as u64))
    }

    /// Records that the plan of a step passed the gate, and by which step's guard.
    pub async fn record_admitted(
        &self,
        proof: &LeaderProof,
        source: &str,
        (admitted, guard): (u64, u64),
    ) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE pintle.sources SET admitted_seq = $2, guard_seq = $3 WHERE id = $1")
            .bind(source)
            .bind(admitted as i64)
            .bind(guard as i64);
        self.write_derived(proof, "record what was admitted", statement).await
    }

    /// Records new acceptances, each with its audit record, and which documents each step touched.
    pub async fn record_acceptances(
        &self,
        proof: &LeaderProof,
        writer: &AuditWriter,
        repo_id: &str,
        steps: &[Acceptance],
        touches: &[(u64, ObjectKey)],
    ) -> Result<(), StoreError> {
        let failed = || StoreError::during("record accepted commits");
        let mut tx = self.begin_as(proof).await?;
        // What cannot be undone holds this row while it looks at the accepted head: it must not move then.
        sqlx::query("SELECT 1 FROM pintle.sources WHERE id = $1 FOR NO KEY UPDATE")
            .bind(SOURCE)
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        for step in steps {
            sqlx::query("INSERT INTO pintle.accepted_commits (source_id, seq, commit, change_id, accepted_at, acceptance) VALUES ($1, $2, $3, $4, to_timestamp($5::bigint / 1000000.0), $6)")
                .bind(SOURCE)
                .bind(step.seq as i64)
                .bind(step.commit.to_string())
                .bind(step.change_id.to_string())
                .bind(step.accepted_at.as_microsecond())
                .bind(Json(step))
                .execute(&mut *tx)
                .await
                .map_err(failed())?;
        }
        for part in touches.chunks(TOUCHES_AT_ONCE) {
            let kinds: Vec<&str> = part.iter().map(|(_, key)| &*key.kind).collect();
            let names: Vec<&str> = part.iter().map(|(_, key)| &*key.name).collect();
            let seqs: Vec<i64> = part.iter().map(|(seq, _)| *seq as i64).collect();
            sqlx::query("INSERT INTO pintle.accepted_touches (source_id, kind, name, seq) SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING")
                .bind(SOURCE)
                .bind(kinds)
                .bind(names)
                .bind(seqs)
                .execute(&mut *tx)
                .await
                .map_err(failed())?;
        }
        let drafts: Vec<Draft> = steps.iter().map(|step| accepted(repo_id, step)).collect();
        writer.append(&mut tx, &drafts).await?;
        tx.commit().await.map_err(failed())
    }

    /// Records what was fetched and what became of it; `fresh` when the remote answered.
    pub async fn record_verdict(
        &self,
        proof: &LeaderProof,
        tip: &str,
        fresh: bool,
        verdict: Option<&serde_json::Value>,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(
            "UPDATE pintle.sources SET seen_tip = $2, fetched_at = CASE WHEN $4 THEN clock_timestamp() ELSE fetched_at END,
                 fetch_error = CASE WHEN $4 THEN NULL ELSE fetch_error END, fetch_failed_since = CASE WHEN $4 THEN NULL ELSE fetch_failed_since END,
                 verdict = $3, held_since = CASE WHEN $3 IS NULL THEN NULL ELSE coalesce(held_since, clock_timestamp()) END WHERE id = $1",
        )
        .bind(SOURCE)
        .bind(tip)
        .bind(verdict.map(Json))
        .bind(fresh);
        self.write_derived(proof, "record the verdict", statement).await
    }

    /// Records a tip as soon as it is fetched: whatever it says, no row goes before it was looked at.
    pub async fn record_fetched(&self, proof: &LeaderProof, tip: &str) -> Result<(), StoreError> {
        let statement =
            sqlx::query("UPDATE pintle.sources SET fetched_tip = $2 WHERE id = $1 AND fetched_tip IS DISTINCT FROM $2")
                .bind(SOURCE)
                .bind(tip);
        self.write_derived(proof, "record the fetched tip", statement).await
    }

    /// Writes down that every row was compared.
    pub async fn record_compared(&self, proof: &LeaderProof) -> Result<(), StoreError> {
        let statement =
            sqlx::query("UPDATE pintle.sources SET compared_at = clock_timestamp() WHERE id = $1").bind(SOURCE);
        self.write_derived(proof, "record the comparison", statement).await
    }

    /// Records that fetching fails.
    pub async fn record_fetch_error(&self, proof: &LeaderProof, error: &str) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE pintle.sources SET fetch_error = $2, fetch_failed_since = coalesce(fetch_failed_since, clock_timestamp()) WHERE id = $1")
            .bind(SOURCE)
            .bind(error);
        self.write_derived(proof, "record the failed fetch", statement).await
    }

    /// Records that `commit` is applied wherever it can be, when no job is open any more.
    pub async fn record_applied(&self, proof: &LeaderProof, commit: &str, took: Duration) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE pintle.sources SET applied_commit = $2, applied_at = clock_timestamp(), applied_in_ms = $3 WHERE id = $1 AND applied_commit IS DISTINCT FROM $2")
            .bind(SOURCE)
            .bind(commit)
            .bind(took.as_millis() as i64);
        self.write_derived(proof, "record the applied commit", statement).await
    }

    /// Where the source stands.
    pub async fn source_state(&self) -> Result<Option<SourceState>, StoreError> {
        let row = sqlx::query(
            "SELECT seen_tip, fetch_error, verdict, alarms, applied_commit, applied_in_ms,
                extract(epoch FROM clock_timestamp() - fetched_at)::float8 AS fetched_ago, extract(epoch FROM clock_timestamp() - held_since)::float8 AS held_for,
                extract(epoch FROM clock_timestamp() - applied_at)::float8 AS applied_ago FROM pintle.sources WHERE id = $1",
        )
        .bind(SOURCE)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("read where the source stands"))?;
        row.map(|row| {
            let verdict: Option<Json<serde_json::Value>> = row.try_get("verdict")?;
            Ok(SourceState {
                seen_tip: row.try_get("seen_tip")?,
                fetched_ago_s: row.try_get("fetched_ago")?,
                fetch_error: row.try_get("fetch_error")?,
                verdict: verdict.map(|json| json.0),
                held_for_s: row.try_get("held_for")?,
                applied_commit: row.try_get("applied_commit")?,
                applied_ago_s: row.try_get("applied_ago")?,
                applied_in_ms: row.try_get("applied_in_ms")?,
                alarms: row.try_get::<Json<serde_json::Value>, _>("alarms")?.0,
            })
        })
        .transpose()
        .map_err(StoreError::during("read where the source stands"))
    }
}

fn accepted(repo_id: &str, step: &Acceptance) -> Draft {
    Draft {
        approvals: step.counted.iter().map(approval).collect(),
        git: Some(GitRef {
            source: repo_id.to_owned(),
            commit: step.commit.to_string(),
            path: None,
            line: None,
            action_digest: None,
        }),
        reason: Some(format!("change {}", step.change_id)),
        ..Draft::new(Uuid::now_v7(), Stage::System, Actor::system(), "accept")
    }
}

/// One signature that counted, as the audit log says it.
pub(super) fn approval(counted: &pintle_core::trust::Counted) -> Approval {
    Approval {
        person: counted.person.to_string(),
        key_fingerprint: counted.fingerprint.to_string(),
        commit: counted.commit.to_string(),
        role: counted.role.as_str().to_owned(),
        rules: counted.rules.iter().map(ToString::to_string).collect(),
    }
}
