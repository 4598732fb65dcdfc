//! The kinds from outside: schemas, diagnostics, a toy kind, the example repository.

mod example;
mod mistakes;
mod schemas;
mod toy_kind;
