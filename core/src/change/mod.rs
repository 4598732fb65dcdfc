//! The one canonical value tree, and what it means for two trees to differ.
//!
//! Trust's change sets, the diff, the audit log and the renderers all use these types, so a
//! change has one meaning everywhere.

mod digest;
mod field;
mod key;
mod number;
mod oid;
mod serial;
mod set;
mod value;
mod word;

pub use digest::{Digest, ParseDigestError, encode};
pub use field::{FieldChange, FieldPath, field_changes};
pub use key::ObjectKey;
pub use number::Number;
pub use oid::{Oid, ParseOidError};
pub use set::{CHANGE_ID_VERSION, ChangeId, ChangeSet, Entry, FileContent, Touched};
pub use value::{Map, Value};
pub use word::Word;
