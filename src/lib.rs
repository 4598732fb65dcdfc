//! The shell of Pintle: Git, Postgres, Redis, HTTP and the command line around the pure pipeline of
//! `pintle-core`. A reader starts at [`reconcile`]: one call per station.

pub mod chain;
pub mod cli;
pub mod config;
pub mod crash;
pub mod daemon;
pub mod dev;
pub mod export;
pub mod forge;
pub mod freshness;
pub mod git;
pub mod handlers;
pub mod http;
pub mod limits;
pub mod notices;
pub mod orders;
pub mod planner;
pub mod queue;
pub mod reconcile;
pub mod scaffold;
pub mod snapshot;
pub mod source;
pub mod state_file;
pub mod store;
pub mod verdict;

/// Trees of small values are what most of the time goes into; the system's allocator is slower at them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
