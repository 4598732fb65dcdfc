//! The kinds from outside: schemas, diagnostics, a toy kind, the example repository.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

mod example;
mod mistakes;
mod schemas;
mod toy_kind;
