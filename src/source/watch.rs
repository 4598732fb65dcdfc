//! A local repository rings when its refs move. Only a doorbell: losing it costs one poll interval.

use notify::{EventKind, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;

/// Rings `bell` whenever the repository at `url` changes, for as long as the result lives. `None`
/// for a repository that is not on this machine.
pub fn watch(url: &str, bell: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    let folder = git_folder(url)?;
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)) && !is_lock(&event)) {
            bell.notify_one();
        }
    })
    .ok()?;
    watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
    let _ = watcher.watch(&folder.join("refs"), RecursiveMode::Recursive);
    Some(watcher)
}

/// Git writes a ref beside it and renames that: the ref has not moved before the rename, which names both.
fn is_lock(event: &notify::Event) -> bool {
    !event.paths.is_empty() && event.paths.iter().all(|path| path.extension().is_some_and(|end| end == "lock"))
}

fn git_folder(url: &str) -> Option<PathBuf> {
    let path = Path::new(url.strip_prefix("file://").unwrap_or(url));
    let inner = path.join(".git");
    [inner, path.to_owned()].into_iter().find(|folder| folder.join("HEAD").exists())
}
