//! The daemon: heartbeat, workers, and, while it holds the lease, reconciler and relay. It waits for
//! servers that are away, says so once, and goes on when they are back.

mod beating;
mod lead;
mod noticing;
mod outage;
mod reconciling;
mod relaying;
mod run;
mod scheduling;
mod skew;
mod telemetry;
mod working;

pub use outage::Outage;
pub use run::{Daemon, DaemonError, run};
pub use telemetry::Gauges;
