//! Keys that count for nothing although the policy does not say so yet: revoked by one root person,
//! or denied on this host. Both work at once. One person alone can take away keys, never the power
//! to decide: a revocation that would leave too few root people is told and has no effect.

use super::claims::Claims;
use super::keys::Fingerprint;
use super::policy::Policy;
use super::session::{HistoryFault, Session};
use super::trailer::{Revocation, Trailer};
use super::verdict::Reason;
use crate::change::Oid;
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// A revocation by a root person of the policy.
struct Heard<'c> {
    commit: Oid,
    said: &'c Revocation,
    person: Arc<str>,
    by: Fingerprint,
}

/// The keys that `claims` revoke under `policy` at `at`. Whoever is revoked by another revokes nobody:
/// first those count whom nobody else revokes, then the others in order, what was kept first before all.
pub(super) fn revocations(
    session: &mut Session<'_>,
    policy: &Policy,
    claims: &Claims,
    at: Timestamp,
) -> Result<Revocations, HistoryFault> {
    let heard = heard(session, policy, claims, at)?;
    let mut all = Revocations { commits: heard.iter().map(|one| one.commit).collect(), ..Revocations::default() };
    let accused =
        |one: &Heard<'_>| heard.iter().any(|other| other.person != one.person && other.said.fingerprint == one.by);
    let (free, accused): (Vec<&Heard<'_>>, Vec<&Heard<'_>>) = heard.iter().partition(|one| !accused(one));
    for one in free.into_iter().chain(accused) {
        if !all.keys.contains_key(&one.by) {
            let why = format!("by {}: {}", one.person, one.said.reason);
            all.take(policy, one.said.fingerprint, &why, one.commit, at);
        }
    }
    Ok(all)
}

fn heard<'c>(
    session: &mut Session<'_>,
    policy: &Policy,
    claims: &'c Claims,
    at: Timestamp,
) -> Result<Vec<Heard<'c>>, HistoryFault> {
    let mut heard = Vec::new();
    for (commit, claim) in claims.revoking() {
        let Ok(Trailer::Revocation(said)) = claim else { continue };
        let settled =
            policy.revoked.contains_key(&said.fingerprint) || policy.reinstated.contains_key(&said.fingerprint);
        if *said.repo_id != *policy.repo_id || settled {
            continue;
        }
        let Ok(signed) = session.seal(*commit)? else { continue };
        let Ok(person) = policy.signer(&signed, at) else { continue };
        if policy.is_root(&person) {
            heard.push(Heard { commit: *commit, said, person, by: signed.key.fingerprint() });
        }
    }
    Ok(heard)
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
