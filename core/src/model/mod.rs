//! The kinds. A kind is one file here and one line in [`Catalog::standard`]; its schema, references,
//! defaults and sets all come from the one Rust type, so that diff, store and apply are generic.

mod catalog;
mod kind;
mod schema;
mod shape;
mod violation;

pub mod quantity;
pub mod scalar;

pub mod capability;
pub mod channel;
pub mod guard;
pub mod guardrail;
pub mod instance;
pub mod job;
pub mod member;
pub mod partner;
pub mod platform_config;
pub mod profile;
pub mod rollout;
pub mod schedule;
pub mod suite;
pub mod tenant;
pub mod version;
pub mod window;

pub use catalog::Catalog;
pub use guard::Guard;
pub use kind::{Kind, KindDef, Problems};
pub use schema::document_schema;
pub use shape::Shape;
pub use violation::Violation;
