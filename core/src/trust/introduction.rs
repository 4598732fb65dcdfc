//! The introduction: the first trusted commit, named in the daemon's own settings and never in the
//! repository. It is checked against itself: its policy's hash, its repository, its root's signature.

use super::head::Head;
use super::policy::Policy;
use super::policy_file::read_policy;
use super::session::{ChangeError, HistoryFault, Session};
use super::tree_fault::TreeFault;
use super::verdict::{Acceptance, Counted, Reason, Role};
use super::{ObjectKind, POLICY_PATH};
use crate::change::{ChangeSet, Digest, Oid};
use crate::diagnostic::Code;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the settings of the daemon say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Introduction {
    /// The repository's id.
    pub repo_id: Arc<str>,
    /// The full ref, such as `refs/heads/main`.
    pub git_ref: Arc<str>,
    /// The first trusted commit.
    pub commit: Oid,
    /// The SHA-256 of `.pintle/trust.yaml` in it.
    pub policy_sha256: Digest,
}

const HINT: &str = "compare the introduction in the daemon's settings with the commit: pintle doctor";

/// The history that begins at the introduction.
pub(super) fn introduce(session: &mut Session<'_>, introduction: &Introduction) -> Result<Head, Reason> {
    let refuse = |message: String| Reason::new(Code::Introduction, message, HINT).about(introduction.commit);
    let commit = session.commit(introduction.commit).map_err(|fault| refuse(fault.to_string()))?;
    let at = Timestamp::from_second(commit.committer.seconds).map_err(|_| refuse("its time is out of range".into()))?;
    let bytes = policy_bytes(session, commit.tree).map_err(|fault| refuse(fault.to_string()))?;
    let bytes = bytes.ok_or_else(|| refuse(format!("it has no {POLICY_PATH}")))?;
    if Digest::of(&bytes) != introduction.policy_sha256 {
        return Err(refuse("its trust policy is not the one that the settings name".into()));
    }
    let policy = read_policy(&bytes, at)
        .map_err(|diagnostics| Reason { diagnostics, ..refuse("its trust policy is invalid".into()) })?;
    if policy.repo_id != introduction.repo_id {
        return Err(refuse(format!("its trust policy is for the repository {}", policy.repo_id)));
    }
    let root = root_signer(session, introduction.commit, &policy, at).map_err(refuse)?;
    let step = Acceptance {
        commit: introduction.commit,
        seq: 1,
        change_id: ChangeSet::default().id(&introduction.repo_id),
        policy_version: policy.version,
        accepted_at: at,
        counted: vec![root],
        evidence: vec![introduction.commit],
        broken_glass: None,
        ratifies: Vec::new(),
        actions: Vec::new(),
        rewrite: false,
    };
    Ok(Head::begin(step, Arc::new(policy)))
}

fn root_signer(session: &mut Session<'_>, commit: Oid, policy: &Policy, at: Timestamp) -> Result<Counted, String> {
    let signed =
        session.seal(commit).map_err(|fault: HistoryFault| fault.to_string())?.map_err(|why| why.to_string())?;
    let person = policy.signer(&signed, at).map_err(|why| why.to_string())?;
    if !policy.is_root(&person) {
        return Err(format!("{person} signed it and is not root in its policy"));
    }
    let rules = policy.root_rules().map(|rule| rule.name.clone()).collect();
    Ok(Counted { person, fingerprint: signed.key.fingerprint(), commit, role: Role::Author, rules })
}

/// The bytes of the trust policy in a tree, if it has one.
pub(super) fn policy_bytes(session: &mut Session<'_>, tree: Oid) -> Result<Option<Arc<[u8]>>, ChangeError> {
    let snapshot = session.snapshot(tree)?;
    let Some(blob) = snapshot.policy() else { return Ok(None) };
    Ok(Some(session.raw(blob, ObjectKind::Blob).map_err(TreeFault::Read)?))
}
