//! The repository itself: shapes that no state tree has, objects that lie or are not there.

use crate::notation::Story;
use crate::repository::PLAIN;
use git2::ObjectType;
use pintle_core::change::Oid;
use pintle_core::trust::Verdict;

stories! {
    a_symlink: "
        w alice on 0: put x y; mode x 120000
        tip w: accepted 0, refused PIN0519"
    a_submodule: "
        w alice on 0: put x y; mode x 160000
        tip w: accepted 0, refused PIN0519"
    an_odd_mode: "
        w alice on 0: mode README.md 100666
        tip w: accepted 0, refused PIN0519"
    a_folder_called_git: "
        w alice on 0: put sub/.git/config x
        tip w: accepted 0, refused PIN0519"
    a_folder_called_git_in_capitals: "
        w alice on 0: put sub/.GIT/config x
        tip w: accepted 0, refused PIN0519"
    a_name_that_is_git_on_some_file_systems: "
        w alice on 0: put sub/git~1 x
        tip w: accepted 0, refused PIN0519"
    a_backslash: "
        w alice on 0: put a\\\\b x
        tip w: accepted 0, refused PIN0519"
    a_forbidden_shape_that_was_taken_back_is_gone: "
        w alice on 0: put x y; mode x 120000
        x alice on w: del x; put docs/x.md hi
        tip x: accepted x"
    folders_beyond_all_measure: "
        w alice on 0: put d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/x y
        tip w: accepted 0, refused PIN0519"
}

/// A commit by alice whose root tree is `raw`; what trust says of it.
fn with_tree(raw: &[u8]) -> (Story, Verdict) {
    let mut story = Story::begin();
    let tree = story.repository.put(ObjectType::Tree, raw);
    let verdict = on_tree(&mut story, tree);
    (story, verdict)
}

fn on_tree(story: &mut Story, tree: Oid) -> Verdict {
    let first = story.repository.first;
    let headers = story.repository.headers("alice", &[first], tree);
    let raw = crate::repository::sealed(Some("alice"), &headers, "Edit\n");
    let tip = story.repository.put(ObjectType::Commit, &raw);
    story.repository.verdict(tip)
}

fn refused(verdict: &Verdict) -> &str {
    verdict.refused.as_ref().map(|refused| refused.reason.code.as_str()).unwrap_or_default()
}

fn entry(mode: &str, name: &str, oid: Oid) -> Vec<u8> {
    [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &oid.0].concat()
}

#[test]
fn trees_that_git_would_not_write_are_refused() {
    let blob = Story::begin().repository.put(ObjectType::Blob, b"x");
    let cases = [
        ("..", entry("100644", "..", blob)),
        ("unsorted", [entry("100644", "b", blob), entry("100644", "a", blob)].concat()),
        ("a name twice", [entry("100644", "a", blob), entry("100644", "a", blob)].concat()),
        ("a file and a folder of one name", [entry("100644", "a", blob), entry("40000", "a", blob)].concat()),
        ("not UTF-8", [b"100644 \xff\0".as_slice(), &blob.0].concat()),
        ("cut short", b"100644 a\0abc".to_vec()),
    ];
    for (case, raw) in cases {
        let (story, verdict) = with_tree(&raw);
        assert_eq!(refused(&verdict), "PIN0519", "{case}");
        assert_eq!(verdict.accepted.unwrap().commit(), story.repository.first, "{case}");
    }
}

#[test]
fn a_tree_of_sixty_levels_that_each_hold_one_subtree_twice_ends_soon() {
    let mut story = Story::begin();
    let blob = story.repository.put(ObjectType::Blob, b"x");
    let mut tree = story.repository.put(ObjectType::Tree, &entry("100644", "x", blob));
    for _ in 0..60 {
        tree = story.repository.put(ObjectType::Tree, &[entry("40000", "a", tree), entry("40000", "b", tree)].concat());
    }
    assert_eq!(refused(&on_tree(&mut story, tree)), "PIN0519");
}

#[test]
fn a_blob_that_is_not_there_holds_and_says_so() {
    let mut story = Story::begin();
    let absent = Oid([7; 20]);
    let tree = story.repository.put(ObjectType::Tree, &entry("100644", "a.yaml", absent));
    let verdict = on_tree(&mut story, tree);
    assert_eq!(verdict.held.unwrap().reasons[0].code.as_str(), "PIN0515");
    assert_eq!(verdict.accepted.unwrap().commit(), story.repository.first);
}

#[test]
fn an_object_whose_content_is_not_its_name_is_never_believed() {
    let mut story = Story::begin();
    story.line("w carol on 0: put docs/x.md hi");
    let (good, tip) = (story.oid("w"), story.oid("w"));
    assert_eq!(story.repository.verdict(tip).accepted.unwrap().commit(), good);
    // Another commit's bytes, properly packed, under this one's name.
    let name = good.to_string();
    let path = |name: &str| story.repository.folder.path().join("objects").join(&name[..2]).join(&name[2..]);
    let other = story.repository.first.to_string();
    let bytes = std::fs::read(path(&other)).unwrap();
    std::fs::remove_file(path(&name)).unwrap();
    std::fs::write(path(&name), bytes).unwrap();
    story.repository.objects = pintle::source::GitObjects::open(story.repository.folder.path()).unwrap();
    let verdict = story.repository.verdict(tip);
    assert_eq!(refused(&verdict), "PIN0515");
    assert_eq!(verdict.accepted.unwrap().commit(), story.repository.first);
}

#[test]
fn grafts_replacements_and_shallow_files_change_nothing() {
    let mut story = Story::begin();
    story.line("u alice on nothing: files 0");
    story.line("w alice on u: a=9Gi");
    story.line("d carol on 0: put docs/x.md hi");
    let folder = story.repository.folder.path().to_owned();
    let (w, u, d, first) = (story.oid("w"), story.oid("u"), story.oid("d"), story.repository.first);
    assert_eq!(refused(&story.repository.verdict(w)), "PIN0521", "the fault is there");
    std::fs::create_dir_all(folder.join("info")).unwrap();
    std::fs::write(folder.join("info/grafts"), format!("{u} {first}\n")).unwrap();
    std::fs::write(folder.join("shallow"), format!("{d}\n")).unwrap();
    let name = format!("refs/replace/{u}");
    story.repository.git.reference(&name, git2::Oid::from_bytes(&first.0).unwrap(), true, "x").unwrap();
    story.repository.objects = pintle::source::GitObjects::open(&folder).unwrap();
    assert_eq!(refused(&story.repository.verdict(w)), "PIN0521", "grafted and replaced");
    assert_eq!(story.repository.verdict(d).accepted.unwrap().commit(), d, "shallow");
}

#[test]
fn a_thousand_signed_side_commits_cost_no_thousand_comparisons_and_change_nothing() {
    let mut story = Story::begin();
    let first = story.repository.first;
    let files = story.repository.files[&first].clone();
    let mut side = first;
    for at in 0..1_000 {
        side = story.repository.commit(Some("alice"), &[side], &files, &format!("{at}\n"));
    }
    let mut brought = files.clone();
    brought.insert("docs/x.md".into(), (PLAIN, b"hi".to_vec()));
    let last = story.repository.commit(Some("alice"), &[side], &brought, "Docs\n");
    let merge = story.repository.commit(None, &[first, last], &brought, "Merge\n");
    assert_eq!(story.repository.verdict(merge).accepted.unwrap().commit(), merge);
}
