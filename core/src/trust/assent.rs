//! Statements that are counted without a candidate: each by whom, where it is for this place, on an
//! accepted base, timely, and signed by a key that both the asking and the accepted policy know.

use super::head::Head;
use super::policy::Policy;
use super::session::{ChangeError, Session};
use super::trailer::Statement;
use super::witness::age;
use crate::change::Oid;
use jiff::Timestamp;
use std::sync::Arc;

/// Who said something, by which commit, and when by its own word.
pub(super) struct Assent {
    pub person: Arc<str>,
    pub commit: Oid,
    pub seconds: i64,
}

/// Those of `statements` that count under `policy`.
pub(super) fn assents<'c>(
    session: &mut Session<'_>,
    head: &Head,
    binding: (&str, &str),
    policy: &Policy,
    at: Timestamp,
    statements: impl Iterator<Item = (Oid, &'c Statement)>,
) -> Result<Vec<Assent>, ChangeError> {
    let mut all = Vec::new();
    for (commit, said) in statements {
        if (&*said.repo_id, &*said.git_ref) != binding || head.at(said.base).is_none() {
            continue;
        }
        let seconds = session.commit(commit)?.committer.seconds;
        let Ok(signed) = session.seal(commit)? else { continue };
        let timely = age(seconds, at).is_ok_and(|age| age <= policy.approval_max_age);
        let known =
            (policy.signer(&signed, at).ok()).filter(|person| head.policy().holder(&signed.key) == Some(person));
        if let (true, Some(person)) = (timely, known) {
            all.push(Assent { person, commit, seconds });
        }
    }
    Ok(all)
}
