//! The write and review commands on real repositories with real keys: no database, no network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approve;
mod begin;
mod documents;
mod forge;
#[path = "../shared/published.rs"]
mod published;
mod sandbox;
#[path = "../shared/forge.rs"]
#[allow(dead_code, reason = "the daemon's tests use more of it")]
mod shared;
mod verify;
mod words;
