//! What the commands that write share: documents of a work tree are edited in memory, the result is
//! checked as a whole, and only then written; with a branch, committed by the user's own git, signed.

use super::mistakes::mistakes;
use super::signing::{not_made, signing_key};
use super::{CliError, Exit, Out};
use crate::git::Git;
use crate::source::{load_files, read_folder};
use pintle_core::change::{FieldPath, ObjectKey, Value};
use pintle_core::edit::edit;
use pintle_core::model::Catalog;
use pintle_core::parse::{Document, parse_file};
use pintle_core::render::inline;
use pintle_core::resolve::resolve;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where, and how it ends.
#[derive(Debug, Clone, clap::Args)]
pub struct WriteArgs {
    /// The work tree of the state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// Make this branch and a signed commit on it; without, only the files are written
    #[arg(long, env = "PINTLE_BRANCH", value_name = "NAME")]
    branch: Option<String>,
    /// The commit's message
    #[arg(short, long, env = "PINTLE_MESSAGE", value_name = "TEXT", requires = "branch")]
    message: Option<String>,
    /// Show what would be written, and write nothing
    #[arg(long, env = "PINTLE_DRY_RUN")]
    dry_run: bool,
}

/// One field of one document that is another now, or a document that is new.
#[derive(Debug, Clone)]
struct Edited {
    key: ObjectKey,
    file: String,
    path: FieldPath,
    before: Option<Value>,
    after: Option<Value>,
}

/// A work tree under edit.
pub(super) struct Edits {
    root: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    documents: Vec<(String, Arc<Document>)>,
    edited: Vec<Edited>,
    touched: Vec<String>,
}

impl Edits {
    /// Reads the documents of the work tree.
    pub fn open(args: &WriteArgs) -> Result<Self, CliError> {
        let files = read_folder(&args.repo).map_err(|error| {
            CliError::because("the work tree cannot be read", error).hint("name another with --repo PATH")
        })?;
        let files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
        let of = |(path, bytes): (&String, &Vec<u8>)| {
            parse_file(bytes).documents.into_iter().map(|one| (path.clone(), one)).collect::<Vec<_>>()
        };
        let documents = files.iter().flat_map(of).collect();
        Ok(Self { root: args.repo.clone(), files, documents, edited: Vec::new(), touched: Vec::new() })
    }

    /// Every document with its file, as they were before.
    pub fn documents(&self) -> &[(String, Arc<Document>)] {
        &self.documents
    }

    /// Every file, as it would be.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The document of `key`.
    pub fn document(&self, key: &ObjectKey) -> Result<(String, Arc<Document>), CliError> {
        self.documents.iter().find(|(_, one)| one.key == *key).cloned().ok_or_else(|| {
            CliError::new(format!("there is no document {key} here")).hint("name another with --repo PATH")
        })
    }

    /// Puts `value`, or nothing, at `path` of a document.
    pub fn set(
        &mut self,
        file: &str,
        document: &Document,
        path: &FieldPath,
        value: Option<&Value>,
    ) -> Result<(), CliError> {
        let before = document.body.at(&path.0).cloned();
        if before.as_ref() == value {
            return Ok(());
        }
        let bytes = self.files.get(file).map(Vec::as_slice).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let edited = edit(&text, document.index as usize, path, value).map_err(|error| {
            CliError::because(format!("{path} of {} in {file} was not changed", document.key), error)
        })?;
        self.files.insert(file.to_owned(), edited.into_bytes());
        self.touched.push(file.to_owned());
        let key = document.key.clone();
        self.edited.push(Edited { key, file: file.to_owned(), path: path.clone(), before, after: value.cloned() });
        Ok(())
    }

    /// A new document in a file of its own; one that is there is left alone.
    pub fn create(&mut self, key: ObjectKey, file: &str, text: String) -> bool {
        if self.files.contains_key(file) || self.root.join(file).exists() {
            return false;
        }
        self.files.insert(file.to_owned(), text.into_bytes());
        self.touched.push(file.to_owned());
        self.edited.push(Edited { key, file: file.to_owned(), path: FieldPath::default(), before: None, after: None });
        true
    }

    /// Checks everything, writes, commits if a branch is named, and says what was done.
    pub fn finish(self, args: &WriteArgs, message: &str, out: &Out) -> Result<Exit, CliError> {
        if self.edited.is_empty() {
            self.said(args, None, out);
            return Ok(Exit::Success);
        }
        let loaded = load_files(self.files.clone().into_iter().collect());
        let resolved = resolve(&loaded.tree, Catalog::standard(), None, jiff::Timestamp::now());
        if let Some(exit) = mistakes(&loaded, &resolved, out) {
            return Ok(exit);
        }
        let commit = if args.dry_run { None } else { self.written(args, message)? };
        self.said(args, commit.as_deref(), out);
        Ok(Exit::Success)
    }

    fn written(&self, args: &WriteArgs, message: &str) -> Result<Option<String>, CliError> {
        let git = Git::at(&self.root);
        if let Some(branch) = &args.branch {
            signing_key(&git)?;
            let status = [&["status", "--porcelain", "--"][..], &self.paths()].concat();
            let dirty = git.run(&status).map_err(|error| not_made("git status failed", error))?;
            if !dirty.is_empty() {
                return Err(CliError::new(format!("these files are changed already:\n{dirty}"))
                    .hint("commit or stash them first"));
            }
            git.run(&["switch", "--quiet", "--create", branch])
                .map_err(|error| not_made("the branch failed", error))?;
        }
        for file in &self.touched {
            write(&self.root, file, self.files.get(file).map(Vec::as_slice).unwrap_or_default())?;
        }
        if args.branch.is_none() {
            return Ok(None);
        }
        git.run(&[&["add", "--"][..], &self.paths()].concat()).map_err(|error| not_made("git add failed", error))?;
        let message = args.message.as_deref().unwrap_or(message);
        // These files and nothing else that may be staged.
        let commit = ["--literal-pathspecs", "commit", "--quiet", "-S", "-m", message, "--only", "--"];
        git.run(&[&commit[..], &self.paths()].concat()).map_err(|error| not_made("the commit failed", error))?;
        Ok(git.commit("HEAD"))
    }

    fn paths(&self) -> Vec<&str> {
        self.touched.iter().map(String::as_str).collect()
    }

    fn said(&self, args: &WriteArgs, commit: Option<&str>, out: &Out) {
        let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), inline);
        if out.is_json() {
            let changes: Vec<_> = self.edited.iter().map(|one| {
                serde_json::json!({"object": one.key.to_string(), "file": one.file, "path": one.path.0, "before": one.before.as_ref().map(serde_json::Value::from), "after": one.after.as_ref().map(serde_json::Value::from)})
            }).collect();
            out.json(&serde_json::json!({"formatVersion": "1.0", "changes": changes, "branch": commit.and(args.branch.as_ref()), "commit": commit, "written": !args.dry_run && !self.edited.is_empty()}));
            return;
        }
        if self.edited.is_empty() {
            out.text("Nothing changes: it is so already.");
            return;
        }
        let mut lines: Vec<String> = (self.edited.iter())
            .map(|Edited { key, file, path, before, after }| {
                if path.0.is_empty() {
                    return format!("  + {key}  {file}");
                }
                format!("  ~ {key}  {path}  {} → {}  {file}", text(before), text(after))
            })
            .collect();
        lines.push(String::new());
        lines.push(match (&args.branch, args.dry_run) {
            (_, true) => "Nothing was written (--dry-run).".to_owned(),
            (Some(branch), _) => {
                format!("Committed on {branch}, signed.\nnext  pintle plan --against HEAD^ && git push origin {branch}")
            }
            (None, _) => {
                "Written to the work tree.\nnext  git diff; git switch -c NAME; git add -A; git commit -S".to_owned()
            }
        });
        out.text(&lines.join("\n"));
    }
}

/// Writes a whole file at once, beside the old one and renamed over it. Nothing is written through a
/// symbolic link: a branch of somebody else's may hold one.
fn write(root: &Path, file: &str, bytes: &[u8]) -> Result<(), CliError> {
    let path = root.join(file);
    let linked = path.ancestors().take_while(|part| *part != root).find(|part| part.is_symlink());
    if let Some(link) = linked {
        return Err(CliError::new(format!("{} is a symbolic link", link.display())).hint("nothing was written to it"));
    }
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)?;
        let mut fresh =
            tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o644)).tempfile_in(folder)?;
        fresh.write_all(bytes)?;
        fresh.persist(&path).map(drop).map_err(|error| error.error)
    };
    written().map_err(|error| {
        CliError::because(format!("{} cannot be written", path.display()), error).hint("is it yours? ls -l")
    })
}
