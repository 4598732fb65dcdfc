//! Work in the ledger: claimed under a fence, tried again by the class of what failed, cancelled at safe
//! points. Who lost the fence writes nothing.

mod cancel;
mod finish;
mod piece;
mod silent;
mod start;

pub use cancel::{Cancelled, Wish};
pub(in crate::store) use cancel::{cancel_turns, cancelled_work};
pub use finish::{Attempt, MAX_ATTEMPTS, Pause, Tried, finish};
pub use piece::Work;
pub(in crate::store) use piece::{NOBODY, partner_told};
pub use start::start;
