//! The cases that the verifier is held against, each a named test: a story in the notation.

/// Makes a test of each story.
macro_rules! stories {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { $crate::notation::tell($text); })* };
}

mod approvals;
mod encoding;
mod glass;
mod history;
mod hygiene;
mod policy;
mod pulls;
mod rules;
