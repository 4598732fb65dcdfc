//! Doorbells: what Redis carries between the ledger and the workers.
//!
//! Postgres is the truth. A delivery says only "these ledger rows were released", so losing
//! one costs latency and repeating one costs a look at the ledger. All use of the `BullMQ`
//! crate is in this module: [`Ringer`] rings, [`Receiver`] hears. The settings and the
//! faults they answer are in `docs/decisions/0002-bullmq-official-behind-one-module.md`.

mod address;
mod connection;
mod error;
mod examine;
mod external;
mod handle;
mod interference;
mod known;
mod locks;
mod message;
mod receive;
mod ring;
mod settings;
mod worker;

pub use error::DeliveryError;
pub use examine::{RedisReport, examine};
pub use external::{ExternalQueue, Unserved, id_of};
pub use handle::Handle;
pub use known::Known;
pub use message::{Delivery, Heard};
pub use receive::Receiver;
pub use ring::Ringer;
pub use settings::ReceiverSettings;
