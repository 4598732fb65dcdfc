//! The pure pipeline of Pintle, on one page.
//!
//! ```text
//! parse ─► trust ─► resolve ─► diff ─► plan ─► check ─► gate
//! ```
//!
//! - [`parse`]: files → documents, or every diagnostic at once.
//! - [`trust`]: raw commits → an [`trust::AcceptedCommit`], or a held verdict with reasons.
//! - [`resolve`]: documents → objects: profiles merged, defaults filled, references and guardrails checked.
//! - [`diff`]: desired, base and live → changes with their causes.
//! - [`plan`]: changes → an immutable plan in dependency order, with an action digest.
//! - [`check`]: the invariants that every plan must satisfy, written apart from the planner.
//! - [`gate`]: a plan and an accepted commit → what may move now.
//!
//! [`schedule`] says when recurring work is due.
//! [`simulate`] plays them forward under a clock. [`render`] says any of it to people, to programs and to a pull request.
//!
//! Nothing here reads a clock, a file, a socket or a random number. Time is an argument.
#![deny(missing_docs)]

pub mod audit;
pub mod change;
pub mod check;
pub mod diagnostic;
pub mod diff;
pub mod edit;
pub mod gate;
pub mod model;
pub mod parse;
pub mod plan;
pub mod render;
pub mod resolve;
pub mod schedule;
pub mod simulate;
pub mod trust;
