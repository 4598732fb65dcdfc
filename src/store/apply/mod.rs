//! Applies a delivery: rows locked, revisions compared, effect and audit in one transaction.
//! A batch that holds one bad row is halved until the bad one stands alone.

mod authority;
mod batch;
mod claim;
mod outcome;
mod record;
mod removal;
mod write;

pub use batch::Applied;
