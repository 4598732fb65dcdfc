//! Station: raw commits → an [`AcceptedCommit`], or a held verdict with typed reasons.
//! A pure function over an object reader, under the policy of what was accepted before. It refuses
//! to read the network, a clock, or any word of the forge; a panic inside it means deny, so the
//! shell wraps it in `catch_unwind` and holds.

mod acceptance;
mod allowance;
mod armor;
mod assent;
mod author;
mod claims;
mod closure;
mod commit;
mod delta;
mod document_file;
mod glass;
mod glob;
mod graph;
mod head;
mod introduction;
mod keys;
mod limits;
mod objects;
mod policy;
mod policy_check;
mod policy_file;
mod policy_reader;
mod policy_warnings;
mod preview;
mod profiles;
mod question;
mod quorum;
mod replay;
mod rereading;
mod revocation;
mod rollback;
mod rules;
mod session;
mod snapshot;
mod sshsig;
mod step;
mod succession;
#[cfg(test)]
mod tests;
mod touches;
mod trailer;
mod transparent;
mod tree;
mod tree_diff;
mod tree_fault;
mod verdict;
mod walk;
mod wire;
mod witness;
mod words;

pub use acceptance::{accept, accept_from};
pub use allowance::{allowances, allowances_of};
pub use commit::{Commit, CommitError, Ident, Irregular, Seal};
pub use glass::OpenGlass;
pub use glob::Glob;
pub use introduction::Introduction;
pub use keys::{Fingerprint, KeyError, PublicKey};
pub use limits::{Limits, ObjectLimits};
pub use objects::{ObjectKind, ObjectStore, ReadError};
pub use policy::{Action, Bind, BreakGlass, Matching, Person, Policy, PolicyKey, Rule, Unauthorised};
pub use policy_file::read_policy;
pub use preview::{Preview, preview};
pub use question::{Question, Times};
pub use rereading::{Rereading, reread};
pub use session::{ChangeError, HistoryFault, Memory, Session, Unsealed, change_id};
pub use snapshot::POLICY_PATH;
pub use sshsig::{SignatureError, Signed, verify};
pub use trailer::{Heartbeat, NoTrailer, Revocation, Statement, Trailer, Word, message_of};
pub use tree::{DIRECTORY, TreeEntry, TreeError, parse_tree};
pub use tree_fault::TreeFault;
pub use verdict::{Acceptance, AcceptedCommit, Counted, Held, Reason, Refused, Role, RuleState, Verdict};
