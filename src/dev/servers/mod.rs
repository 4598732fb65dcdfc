//! Private Postgres and Redis from the system's own binaries, for `pintle dev` and the tests.
//!
//! Owns their whole life: find the binaries, prepare a folder, start, crash, start again, stop.
//! Refuses to touch the system's services, to listen on a network, and to outlive this process.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod keeper;
mod launch;
mod log;
mod pair;
mod postgres;
mod process;
mod redis;

pub use binaries::{Binaries, PostgresBinaries};
pub use error::ServerError;
pub use pair::{Options, Servers};
pub use postgres::PrivatePostgres;
pub use redis::PrivateRedis;
