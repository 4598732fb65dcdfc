//! When a Schedule fires, and what becomes of the ticks that passed. Pure: time is an argument, zones are the bundled
//! database, and so is how many runs are not over.

mod civil;
mod clock;
mod due;
mod jitter;
mod overlap;

pub use clock::{BadClock, Clock};
pub use due::{Due, MissedRule, due};
pub use jitter::jitter;
pub use overlap::{MAX_WAITING, OverlapRule, Start, start_by_hand};
