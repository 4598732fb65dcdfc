//! Keys that count for nothing although the policy does not say so yet: revoked by one root person,
//! or denied on this host. Both work at once. One person alone can take away keys, never the power
//! to decide: a revocation that would leave too few root people is told and has no effect.

use super::claims::Claims;
use super::keys::Fingerprint;
use super::policy::Policy;
use super::session::{HistoryFault, Session};
use super::trailer::Trailer;
use super::verdict::Reason;
use crate::change::Oid;
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Keys with the reason why they count for nothing.
pub(super) type Revoked = BTreeMap<Fingerprint, String>;

/// What one-person revocations come to.
#[derive(Default)]
pub(super) struct Revocations {
    pub keys: Revoked,
    pub alarms: Vec<Reason>,
    /// The commits that revoke: worth keeping when the forge withholds them later.
    pub commits: Vec<Oid>,
}

/// The keys that `claims` revoke under `policy` at `at`.
pub(super) fn revocations(
    session: &mut Session<'_>,
    policy: &Policy,
    claims: &Claims,
    at: Timestamp,
) -> Result<Revocations, HistoryFault> {
    let mut all = Revocations::default();
    for (commit, claim) in claims.revoking() {
        let Ok(Trailer::Revocation(said)) = claim else { continue };
        let settled =
            policy.revoked.contains_key(&said.fingerprint) || policy.reinstated.contains_key(&said.fingerprint);
        if *said.repo_id != *policy.repo_id || settled {
            continue;
        }
        let Ok(signed) = session.seal(*commit)? else { continue };
        let Ok(person) = policy.signer(&signed, at) else { continue };
        if !policy.is_root(&person) {
            continue;
        }
        all.commits.push(*commit);
        all.take(policy, said.fingerprint, &format!("by {person}: {}", said.reason), *commit, at);
    }
    Ok(all)
}

impl Revocations {
    fn take(&mut self, policy: &Policy, key: Fingerprint, why: &str, commit: Oid, at: Timestamp) {
        let mut with = self.keys.clone();
        with.insert(key, why.to_owned());
        let view = policy.without(&with);
        let short = view.root_rules().find(|rule| view.able(rule, at).len() < rule.approvals as usize);
        let (message, hint) = match short {
            None => (
                format!("the key {key} is revoked {why}"),
                format!("write it down in .pintle/trust.yaml: revoked: [{{fingerprint: \"{key}\", reason: …}}]"),
            ),
            Some(rule) => (
                format!(
                    "the revocation of {key} ({why}) has no effect: rule {} would have too few people left",
                    rule.name
                ),
                format!("on the daemon's host: pintle trust deny key {key}; then add people to the policy"),
            ),
        };
        if short.is_none() {
            self.keys = with;
        }
        self.alarms.push(Reason::new(Code::KeyRevoked, message, hint).about(commit));
    }
}
