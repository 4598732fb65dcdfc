//! Postgres: the ledger, the live rows, the audit log. The only place with SQL, and generic over
//! kinds: no statement names a kind.

pub mod acceptance;
pub mod apply;
pub mod audit;
mod dependents;
pub mod enqueue;
pub mod error;
pub mod evidence;
pub mod examine;
mod external;
pub mod held;
pub mod history;
pub mod leader;
pub mod ledger;
pub mod live;
pub mod motion;
mod moved;
pub mod numbers;
pub mod pauses;
pub mod pool;
pub mod process;
pub mod records;
pub mod release;
pub mod requests;
pub mod retry;
pub mod rows;
pub mod runs;
pub mod schedules;
pub mod stats;
mod straight;
pub mod sweep;
pub mod told;
pub mod waiting;
pub mod work;

pub use error::StoreError;
pub use leader::LeaderProof;
pub use pool::Store;
