//! The stations from outside: text in, text out. A snapshot holds a story and how it ends.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

mod amend;
mod diff;
mod documents;
mod edit;
mod memory;
mod oracle;
mod parse;
mod plan;
mod properties;
mod reasons;
mod resolve;
mod rules;
mod scenario;
mod schedule;
mod world;
