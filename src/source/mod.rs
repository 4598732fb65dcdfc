//! Git: a bare mirror of our own, fetched by the user's git; objects read raw and checked against
//! their names. Nothing is ever checked out.

mod approvals;
mod documents;
mod fetch;
mod folder;
mod folders;
mod kept;
mod mirror;
mod objects;
mod parsed;
mod remains;
mod watch;

pub use documents::{LoadError, LoadedTree, TreeLoader};
pub use fetch::MAX_FETCH_BYTES;
pub use folder::{load_files, load_folder, read_folder};
pub use folders::Found;
pub use kept::{Bounded, Kept};
pub use mirror::{FetchError, Fetched, Mirror};
pub use objects::{APPROVALS, GitObjects};
pub use parsed::ParsedCache;
pub use watch::watch;
