//! Whatever a loader remembers of the tree before, it reads what a loader reads that remembers nothing.

use pintle::source::{GitObjects, TreeLoader};
use pintle_core::change::Oid;
use pintle_core::parse::{File, ParsedTree};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const PATHS: [&str; 9] = [
    "a.yaml",
    "instances/acme/one.yaml",
    "instances/acme/two.yaml",
    "instances/kora/one.yaml",
    "instances/kora/deep/er/x.yml",
    "README.md",
    "instances/acme/notes.txt",
    ".pintle/ignore",
    "z/last.yaml",
];
const DOCUMENTS: [&str; 4] = [
    "apiVersion: pintle/v1\nkind: Suite\nmetadata: {name: NAME}\nspec: {description: a, owner: o}\n",
    "apiVersion: pintle/v1\nkind: Suite\nmetadata: {name: NAME}\nspec: {description: b, owner: o}\n",
    "not: [yaml",
    "instances/kora/\n",
];

struct Repository {
    git: git2::Repository,
    objects: Arc<GitObjects>,
    _folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = git2::Repository::init_bare(folder.path()).unwrap();
        let objects = Arc::new(GitObjects::open(folder.path()).unwrap());
        Self { git, objects, _folder: folder }
    }

    fn commit(&self, files: &BTreeMap<&str, String>) -> Oid {
        let mut builder = git2::build::TreeUpdateBuilder::new();
        for (path, text) in files {
            let blob = self.git.blob(text.as_bytes()).unwrap();
            builder.upsert(*path, blob, git2::FileMode::Blob);
        }
        let empty = self.git.treebuilder(None).unwrap().write().unwrap();
        let tree = builder.create_updated(&self.git, &self.git.find_tree(empty).unwrap()).unwrap();
        let tree = self.git.find_tree(tree).unwrap();
        let who = git2::Signature::new("t", "t@t.example", &git2::Time::new(1_750_000_000, 0)).unwrap();
        let oid = self.git.commit(None, &who, &who, "x", &tree, &[]).unwrap();
        Oid::from_bytes(oid.as_bytes()).unwrap()
    }

    fn fresh(&self, commit: Oid) -> (Vec<String>, usize) {
        let loaded = TreeLoader::default().load(&self.objects, commit).unwrap();
        (shown(&loaded.tree), loaded.unreadable.len())
    }
}

fn shown(tree: &ParsedTree) -> Vec<String> {
    tree.files.iter().map(|file| format!("{} {:?}", file.path, file.parsed)).collect()
}

type Step = Vec<(prop::sample::Index, Option<prop::sample::Index>)>;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (any::<prop::sample::Index>(), prop::option::weighted(0.8, any::<prop::sample::Index>()));
    prop::collection::vec(prop::collection::vec(one, 1..3), 2..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_loader_that_remembers_reads_what_one_reads_that_does_not(steps in steps()) {
        let repository = Repository::new();
        let mut files: BTreeMap<&str, String> =
            PATHS.iter().map(|path| (*path, DOCUMENTS[0].replace("NAME", &path.replace(|c: char| !c.is_ascii_lowercase(), "-")))).collect();
        files.remove(".pintle/ignore");
        let mut loader = TreeLoader::default();
        let mut at = repository.commit(&files);
        let mut tree = loader.load(&repository.objects, at).unwrap().tree;
        for step in steps {
            for (path, text) in step {
                let path = *path.get(&PATHS);
                match text {
                    Some(text) => {
                        let name = path.replace(|c: char| !c.is_ascii_lowercase(), "-");
                        files.insert(path, text.get(&DOCUMENTS).replace("NAME", name.trim_matches('-')));
                    }
                    None => drop(files.remove(path)),
                }
            }
            let next = repository.commit(&files);
            tree = match loader.edit(&repository.objects, at, next).unwrap() {
                Some(edits) => {
                    for edit in edits {
                        let place = tree.files.iter_mut().find(|file| file.path == edit.path).unwrap();
                        prop_assert!(Arc::ptr_eq(&place.parsed, &edit.before));
                        *place = File { path: edit.path, parsed: edit.after };
                    }
                    tree
                }
                None => loader.load(&repository.objects, next).unwrap().tree,
            };
            prop_assert_eq!(shown(&tree), repository.fresh(next).0);
            at = next;
        }
    }
}

#[test]
fn changed_contents_are_an_edit_and_everything_else_is_a_load() {
    let repository = Repository::new();
    let document = |at: usize| DOCUMENTS[at].replace("NAME", "x");
    let mut files = BTreeMap::from([("instances/acme/one.yaml", document(0)), ("README.md", String::new())]);
    let first = repository.commit(&files);
    files.insert("instances/acme/one.yaml", document(1));
    let edited = repository.commit(&files);
    files.insert("README.md", "words".into());
    let worded = repository.commit(&files);
    files.insert("instances/acme/two.yaml", document(0));
    let grown = repository.commit(&files);
    let mut loader = TreeLoader::default();
    assert!(loader.edit(&repository.objects, first, edited).unwrap().is_none(), "nothing was read yet");
    loader.load(&repository.objects, first).unwrap();
    assert_eq!(loader.edit(&repository.objects, first, edited).unwrap().unwrap().len(), 1);
    assert_eq!(loader.edit(&repository.objects, edited, worded).unwrap().unwrap().len(), 0, "no document");
    assert!(loader.edit(&repository.objects, first, worded).unwrap().is_none(), "it stands elsewhere");
    loader.load(&repository.objects, worded).unwrap();
    assert!(loader.edit(&repository.objects, worded, grown).unwrap().is_none(), "a file came");
}
