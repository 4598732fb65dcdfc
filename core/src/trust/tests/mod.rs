//! The cases that the verifier is held against.

mod allowances;
mod approvals;
mod changes;
mod encoding;
mod graph;
mod history;
mod policies;
mod rereading;
mod signatures;
mod story;
mod world;
