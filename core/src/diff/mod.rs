//! Station: desired, base and live → changes with their causes. Knows no clock and no limits:
//! what may move, and when, is said later.

mod change;
mod differing;
mod keep;
mod live;
mod pause;
mod station;

pub use change::{Action, Cause, Change, Declared};
pub use differing::Differing;
pub use live::{Bodies, LiveObject, LiveState, PacedRun, PendingJob};
pub use pause::{Pause, Selector};
pub use station::diff;
