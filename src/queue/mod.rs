//! Delivery: the relay rings, workers hear. Redis is a doorbell; the ledger's SQL is in `store`.

pub mod collect;
pub mod delivery;
pub mod gather;
pub mod growth;
pub mod hands;
pub mod hears;
pub mod lane;
pub mod pace;
pub mod relay;
pub mod straight;
pub mod work;
pub mod worker;
pub mod writers;
