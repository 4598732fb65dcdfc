//! The whole walk against real servers: Postgres, Redis, git and ssh-keygen, all private to this
//! process. A reader starts at [`harness::World`].
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
#![allow(clippy::disallowed_methods, reason = "a test waits for every transaction that it begins")]

mod audit_log;
mod authority;
mod chaos;
mod crash_sweep;
mod delivery;
mod drift;
mod everyday;
mod face;
mod guard;
mod harness;
mod live_view;
mod loading;
mod moving;
mod notices;
#[path = "../shared/published.rs"]
mod published;
mod published_rows;
mod refusals;
mod schedules;
mod servers;
#[path = "../shared/forge.rs"]
#[allow(dead_code, reason = "the commands' tests use more of it")]
mod shared;
mod stale_plans;
mod survival;
mod urgency;
mod walk;
mod waves;
