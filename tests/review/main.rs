//! The write and review commands on real repositories with real keys: no database, no network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approve;
mod begin;
mod documents;
mod sandbox;
mod verify;
mod words;
