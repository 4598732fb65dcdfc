//! Schedules in the database: their clocks, their ticks, and what became of these.

mod adding;
mod clocks;
mod history;
mod job;
mod open;
mod ticks;

pub use clocks::{ScheduleRow, Schedules};
pub use history::{OUTCOMES, RunFilter, RunRow};
pub(in crate::store) use open::Remembered;
pub use ticks::{Fired, Looked, Tick, Trigger};
