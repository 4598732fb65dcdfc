//! The audit record as bytes: the leaf, and the sealed part of which the leaf holds a salted hash.
//! Pure: sequence numbers, time and salt are arguments. The stored bytes are hashed as they are,
//! never serialised again.

mod leaf;
mod patch;
mod record;

pub use leaf::{Leaf, Place, leaf};
pub use patch::json_patch;
pub use record::{Actor, Approval, Draft, GitRef, JobRef, Outcome, Sealed, Stage};
