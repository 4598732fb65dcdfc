//! The guard: `.pintle/guard.yaml`, the settings that keep a mistake small. Not a kind: it has no
//! live row, and a change is judged by the guard of the commit accepted before it.

mod bounds;
mod guards;
mod policy;
mod read;
mod settings;
mod subject;

pub use bounds::Bounds;
pub use guards::Guards;
pub use policy::{Closed, Drift, DriftMode, Match, Mode, ModeRule, Notice, NotifyEvent, Pace};
pub use settings::{Grace, Guard, Limit, LimitPer, LimitedAction, Moving, Override};
pub use subject::Subject;
