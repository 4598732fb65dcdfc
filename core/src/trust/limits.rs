//! How much work a verdict may take. All but `reasons` are settings of the daemon, so that none of them
//! makes a tip unacceptable for good: an operator who meets one raises it.

/// The limits of one verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Commits that one walk visits.
    pub walk: usize,
    /// Commits of the spine that are judged for one step, beside those that somebody approves.
    pub candidates: usize,
    /// Refs of evidence that are read.
    pub evidence: usize,
    /// Approvals stacked on each other below one such ref, or at the end of a branch.
    pub stack: usize,
    /// Approvals of one change that are looked at.
    pub claims: usize,
    /// Files and folders of one tree.
    pub files: usize,
    /// Folders in each other.
    pub depth: usize,
    /// Bytes of one path.
    pub path_bytes: usize,
    /// Bytes of all document files of one tree.
    pub document_bytes: usize,
    /// Bytes of commits, and of what they say, that are kept in memory.
    pub memory_bytes: usize,
    /// Reasons that are told of one commit.
    pub reasons: usize,
}

impl Limits {
    /// Which limit a walk through a tree passes at `path`, its `met`th entry, `depth` folders down.
    pub(super) fn passed_by(&self, depth: usize, met: usize, path: &str) -> Option<String> {
        if depth >= self.depth {
            Some(format!("{} folders in each other (--max-depth)", self.depth))
        } else if met > self.files {
            Some(format!("{} files and folders (--max-files)", self.files))
        } else if path.len() > self.path_bytes {
            Some(format!("{} bytes in a path (--max-path-bytes)", self.path_bytes))
        } else {
            None
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            walk: 500_000,
            candidates: 1_000,
            evidence: 10_000,
            stack: 256,
            claims: 1_000,
            files: 1_000_000,
            depth: 64,
            path_bytes: 4_096,
            document_bytes: 2 << 30,
            memory_bytes: 512 << 20,
            reasons: 50,
        }
    }
}

/// The most bytes that are read of one object, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectLimits {
    /// Of a commit.
    pub commit: usize,
    /// Of a tree.
    pub tree: usize,
    /// Of a blob.
    pub blob: usize,
}

impl Default for ObjectLimits {
    fn default() -> Self {
        Self { commit: 32 << 20, tree: 16 << 20, blob: 32 << 20 }
    }
}
