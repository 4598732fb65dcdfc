//! What all tests of the process share: one folder, one Postgres, one migrated template database.

use pintle::dev::servers::{Options, PrivatePostgres};
use pintle::store::pool::migrate;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tokio::sync::OnceCell;

/// Servers for tests: no fsync, and a Redis that forgets.
pub const FAST: Options = Options { fast: true, keep_redis: false };
/// The migrated database that every test's own is copied from.
pub const TEMPLATE: &str = "template_pintle";

const PREFIX: &str = "pintle-it-";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    sweep_up();
    let folder = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
});

static POSTGRES: OnceCell<PrivatePostgres> = OnceCell::const_new();

/// This process's folder. Nothing is dropped at the end of a test process, so the next one sweeps up.
pub fn folder() -> &'static Path {
    &FOLDER
}

/// The shared Postgres, with the template in it.
pub async fn postgres() -> &'static PrivatePostgres {
    POSTGRES
        .get_or_init(|| async {
            let postgres = PrivatePostgres::start_with(&folder().join("postgres"), FAST).await.unwrap();
            super::database::run(&postgres.url("postgres"), &format!("CREATE DATABASE {TEMPLATE}")).await;
            migrate(&postgres.url(TEMPLATE)).await.unwrap();
            postgres
        })
        .await
}

/// Removes what test processes left that are no more.
fn sweep_up() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix(PREFIX) else { continue };
        if !Path::new("/proc").join(id).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
