//! Station: files → documents. Works on any revision and needs no authority.
//! It refuses to look beyond one file: identities, references and profiles belong to `resolve`.

mod document;
mod ignore_rules;
mod kept;
mod locate;
mod scan;
mod tree;
mod yaml;

pub use document::{Document, DocumentId, SourceRef};
pub use ignore_rules::{IGNORE_PATH, IgnoreRules, is_document_path};
pub use kept::{keep, recall};
pub use locate::{Part, Place, Spans, locate};
pub use scan::{File, FileEdit, ParsedFile, ParsedTree, parse_file, parse_tree};
pub use tree::{Limits, Span, SpannedValue, YamlError, read_documents};
pub use yaml::value_of_plain;
