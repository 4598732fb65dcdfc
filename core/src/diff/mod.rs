//! Station: desired, base and live → changes with their causes. Knows no clock and no limits:
//! what may move, and when, is said later.

mod change;
mod differing;
mod live;
mod station;

pub use change::{Action, Cause, Change};
pub use differing::Differing;
pub use live::{Bodies, LiveObject, LiveState, PendingJob};
pub use station::diff;
