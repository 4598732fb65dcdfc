//! Stories from the field and from the guard: a folder each, `story.txt` and how it ends in
//! `ends.txt`. They are played by the engine of `pintle simulate`. `PINTLE_UPDATE=1` writes the ends.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

#[path = "../stations/documents.rs"]
#[allow(dead_code, reason = "the stations use more of it")]
mod documents;
mod properties;
mod story;

use std::path::Path;

#[test]
fn every_story_ends_as_it_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/stories");
    let mut stories: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.sort();
    assert!(stories.len() >= 20, "the stories are gone: {stories:?}");
    let mut wrong = Vec::new();
    for story in stories {
        let text = std::fs::read_to_string(story.join("story.txt")).unwrap();
        let ends = story::told(&text, &story);
        let file = story.join("ends.txt");
        if std::env::var_os("PINTLE_UPDATE").is_some() {
            std::fs::write(&file, &ends).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if expected != ends {
            wrong.push(format!("== {}\n-- expected\n{expected}\n-- but\n{ends}", story.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
