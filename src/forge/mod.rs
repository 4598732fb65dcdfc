//! The three forges that people keep state repositories on: one comment on a pull request that is
//! updated in place, and a status on a commit. A forge is told things and never believed any: what it
//! answers is bounded, and decides nothing but which comment is ours.

mod api;
mod place;

pub use api::{ForgeClient, ForgeError, State};
pub use place::{Forge, ForgeArgs, Place, pull_request};
