//! The plainest tools for the same work.

use super::clock::{best, median, time};
use super::fleet::{Fleet, git};
use super::world::Database;
use futures_util::TryStreamExt as _;
use pintle_core::change::Oid;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Reads every blob of the base.
pub fn cat_file(fleet: &Fleet) -> Duration {
    let list = fleet.path.join("blobs.txt");
    std::fs::write(&list, fleet.blobs()).unwrap();
    best(3, || {
        let status = Command::new("git")
            .args(["cat-file", "--batch", "--buffer"])
            .current_dir(&fleet.path)
            .stdin(std::fs::File::open(&list).unwrap())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    })
}

/// Copies every row out.
pub async fn copy(database: &Database) -> Duration {
    let mut owner = database.owner().await;
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let started = std::time::Instant::now();
        let mut rows = owner.copy_out_raw("COPY (SELECT * FROM pintle.objects) TO STDOUT").await.unwrap();
        while rows.try_next().await.unwrap().is_some() {}
        drop(rows);
        shortest = shortest.min(started.elapsed());
    }
    shortest
}

/// Counts the rows.
pub async fn count(database: &Database) -> Duration {
    let mut owner = database.owner().await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let started = std::time::Instant::now();
        let _: i64 = sqlx::query_scalar("SELECT count(*) FROM pintle.objects").fetch_one(&mut owner).await.unwrap();
        times.push(started.elapsed());
    }
    median(times)
}

/// Names the files that differ.
pub fn diff(path: &Path, old: Oid, new: Oid) -> Duration {
    time(|| git(path, &["diff", "--name-only", &old.to_string(), &new.to_string()])).0
}
