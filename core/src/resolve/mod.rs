//! Station: documents → objects. Profiles merged, defaults filled, references, kinds, guardrails and
//! config schemas checked. Sees trees only: live rows and authority are other stations' business.

mod amend;
mod config_schema;
mod cost;
mod cycles;
mod effective;
mod guardrails;
mod index;
mod layers;
mod memory;
mod object;
mod problem;
mod references;
mod rules;
mod secrets;
mod settings;
mod station;
mod ties;
mod views;

pub use effective::{Effective, effective};
pub use index::{Entry, Index};
pub use layers::{Layer, Origin, merge, origin};
pub use object::{Object, object_body};
pub use problem::{Problem, Sources, diagnose};
pub(crate) use secrets::find as secrets_in;
pub use station::{Resolved, resolve};
