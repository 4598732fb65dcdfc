//! Git: a bare mirror of our own, fetched by the user's git; objects read raw and checked against
//! their names. Nothing is ever checked out.

mod documents;
mod folder;
mod folders;
mod mirror;
mod objects;
mod watch;

pub use documents::{LoadError, LoadedTree, TreeLoader};
pub use folder::load_folder;
pub use folders::Found;
pub use mirror::{FetchError, Fetched, Mirror};
pub use objects::GitObjects;
pub use watch::watch;
