//! Live rows as they would be after everything of a commit was applied.

use super::fleet::Fleet;
use super::world::Database;
use jiff::Timestamp;
use pintle::source::TreeLoader;
use pintle::store::acceptance::SOURCE;
use pintle_core::diff::Change;
use pintle_core::model::Catalog;
use pintle_core::resolve::{Object, resolve};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

const AT_ONCE: usize = 5_000;

/// Fills `database` with what `fleet` says at its base.
pub async fn fill(database: &Database, fleet: &Fleet) {
    let catalog = Catalog::standard();
    let loaded = TreeLoader::default().load(&fleet.objects(), fleet.base).unwrap();
    let resolved = resolve(&loaded.tree, catalog, None, Timestamp::now());
    assert!(!resolved.has_errors(), "{:?}", resolved.problems.first());
    let mut owner = database.owner().await;
    let commit = fleet.base.to_string();
    // What is referred to goes first.
    for late in [false, true] {
        let mut objects: Vec<&Object> = resolved
            .objects
            .iter()
            .map(AsRef::as_ref)
            .filter(|object: &&Object| (&*object.key.kind == "Instance") == late)
            .collect();
        objects.sort_by(|a, b| a.key.kind.cmp(&b.key.kind));
        for of_kind in objects.chunk_by(|a, b| a.key.kind == b.key.kind) {
            let table = catalog.kind(&of_kind[0].key.kind).unwrap().table;
            for part in of_kind.chunks(AT_ONCE) {
                insert(&mut owner, table, part, &commit).await;
            }
        }
    }
    sqlx::query("VACUUM ANALYZE").execute(&mut owner).await.unwrap();
}

async fn insert(owner: &mut PgConnection, table: &str, objects: &[&Object], commit: &str) {
    let sql = format!(
        "INSERT INTO pintle.{table} (uid, source_id, name, labels, annotations, spec, applied, applied_digest, written_digest, applied_commit, applied_file, applied_seq, generation)
         SELECT r.uid, '{SOURCE}', r.name, j.b -> 'labels', j.b -> 'annotations', j.b -> 'spec', j.b, r.target, r.written, '{commit}', r.file, 1, 1
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::text[]) AS r (uid, name, body, target, written, file), LATERAL (SELECT r.body::jsonb AS b) AS j"
    );
    let column = |of: fn(&Object) -> &str| objects.iter().map(|object| of(object)).collect::<Vec<&str>>();
    sqlx::query(AssertSqlSafe(sql))
        .bind(objects.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
        .bind(column(|object| &object.key.name))
        .bind(column(|object| &object.body))
        .bind(objects.iter().map(|object| object.digest.0.to_vec()).collect::<Vec<_>>())
        .bind(objects.iter().map(|object| object.written.0.to_vec()).collect::<Vec<_>>())
        .bind(column(|object| &object.document.file))
        .execute(owner)
        .await
        .unwrap();
}

/// Applies one planned update, as a worker would.
pub async fn apply(owner: &mut PgConnection, change: &Change) {
    let table = Catalog::standard().kind(&change.key.kind).unwrap().table;
    let sql = format!(
        "UPDATE pintle.{table} SET labels = j.b -> 'labels', annotations = j.b -> 'annotations', spec = j.b -> 'spec', applied = j.b, applied_digest = $2, written_digest = $3, generation = generation + 1
         FROM (SELECT $1::text::jsonb AS b) AS j WHERE uid = $4"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(change.body.as_deref())
        .bind(change.after.map(|digest| digest.0.to_vec()))
        .bind(change.written.map(|digest| digest.0.to_vec()))
        .bind(change.uid)
        .execute(owner)
        .await
        .unwrap();
}
