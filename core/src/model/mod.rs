//! The kinds. A kind is one file here and one line in [`Catalog::standard`]; its schema, references,
//! defaults and sets all come from the one Rust type, so that diff, store and apply are generic.

mod catalog;
mod kind;
mod schema;
mod shape;
mod violation;

pub mod scalar;

pub mod instance;
pub mod partner;

pub use catalog::Catalog;
pub use kind::{Kind, KindDef, Problems};
pub use schema::document_schema;
pub use shape::Shape;
pub use violation::Violation;
