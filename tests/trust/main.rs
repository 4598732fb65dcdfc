//! Trust, held against real repositories: real object bytes, real signatures, a forge that may do
//! anything but sign. Stories are data in a small notation; `notation.rs` says how they are read.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

mod cases;
mod dice;
mod differential;
mod forge;
mod gate;
mod notation;
mod people;
mod properties;
mod repository;
