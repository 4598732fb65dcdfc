//! Goldens and properties of the renderers.

mod diagnosed;
mod goldens;
mod safety;
pub(crate) mod world;
