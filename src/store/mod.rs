//! Postgres: the ledger, the live rows, the audit log. The only place with SQL, and generic over
//! kinds: no statement names a kind.

pub mod acceptance;
pub mod apply;
pub mod audit;
pub mod enqueue;
pub mod error;
pub mod examine;
pub mod leader;
pub mod live;
pub mod numbers;
pub mod pool;
pub mod process;
pub mod release;
pub mod requests;
pub mod sweep;

pub use error::StoreError;
pub use leader::LeaderProof;
pub use pool::Store;
