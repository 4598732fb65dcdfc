//! The write and review commands on real repositories with real keys: no database, no network.

mod approve;
mod begin;
mod documents;
mod sandbox;
mod verify;
