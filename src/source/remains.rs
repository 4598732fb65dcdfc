//! What a git that was killed or failed leaves in the mirror.

use std::path::Path;

/// Folders that are looked through.
const MAX_FOLDERS: usize = 1_000;

/// Removes it from the mirror in `folder`: with a lock on a ref in its way no fetch would ever succeed
/// again, and half a pack is never used. The mirror is ours alone, and nothing else fetches meanwhile.
pub(super) fn forget_remains(folder: &Path) {
    let lock = |name: &str| name.rsplit_once('.').is_some_and(|(_, end)| end == "lock");
    remove_below(folder, 0, &lock);
    remove_below(&folder.join("refs/pintle"), MAX_FOLDERS, &lock);
    remove_below(&folder.join("objects"), 1, &|name: &str| name.starts_with("tmp_"));
}

/// Removes the files that `is_left` names in `root`, and in folders in each other down to `levels`.
fn remove_below(root: &Path, levels: usize, is_left: &dyn Fn(&str) -> bool) {
    let mut folders = vec![(root.to_owned(), levels)];
    let mut seen = 0;
    while let Some((folder, levels)) = folders.pop().filter(|_| seen < MAX_FOLDERS) {
        seen += 1;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.extend(levels.checked_sub(1).map(|levels| (path, levels)));
            } else if entry.file_name().to_str().is_some_and(is_left) {
                tracing::warn!(path = %path.display(), "removing what a failed git left: {}", path.display());
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}
