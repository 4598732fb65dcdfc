//! What every story needs: a database, a Redis and a signed repository of its own, and a daemon that
//! is a process of the real binary.

mod clock;
mod daemon;
mod database;
mod documents;
mod eventually;
mod people;
mod proxy;
mod redis;
mod replicated;
mod repository;
mod shared;
mod whole;
mod world;

pub use clock::Clock;
pub use daemon::Daemon;
pub use database::Database;
pub use documents::{instance, partner, suite};
pub use eventually::{eventually, eventually_within};
pub use people::person;
pub use proxy::Line;
pub use redis::{PrivateRedis, redis};
pub use replicated::Replicated;
pub use repository::Repository;
pub use shared::folder;
pub use world::World;
