//! Station: changes → an immutable plan. It says what should move, in which order, and what waits
//! and why. It leaves no choice to execution, and needs no authority: CI plans any revision with it.

mod digest;
mod order;
mod reasons;
mod station;
mod types;

pub use digest::{ActionDigest, PlanId, action_digest};
pub use reasons::{Held, Reason, Waiting};
pub use station::{PlanInput, plan};
pub use types::{Counts, Exceeded, Plan, Step};
