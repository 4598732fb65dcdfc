//! What a sound policy is running into: keys that run out, and a root without a spare. Warnings
//! only: such things are refused when a policy is accepted, and never brick one later.

use super::policy::Policy;
use super::verdict::Reason;
use crate::diagnostic::Code;
use jiff::{SignedDuration, Timestamp};

/// How long before its end a key is told.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Policy {
    /// Everything that someone should see to soon.
    pub fn warnings(&self, at: Timestamp) -> Vec<Reason> {
        let mut warnings = Vec::new();
        for (name, person) in &self.people {
            for key in &person.keys {
                let fingerprint = key.key.fingerprint();
                let Some(end) = key.not_after.filter(|end| *end - AHEAD <= at) else { continue };
                if self.revoked.contains_key(&fingerprint) {
                    continue;
                }
                let days = end.duration_since(at).as_hours() / 24;
                let when = if end <= at { "has expired".to_owned() } else { format!("expires in {days} days") };
                let hint = "add its successor to .pintle/trust.yaml, with an approval signed by the new key";
                warnings.push(Reason::new(Code::KeyRunsOut, format!("the key {fingerprint} of {name} {when}"), hint));
            }
        }
        for rule in self.root_rules() {
            let able = self.able(rule, at).len();
            if able <= rule.approvals as usize {
                let message =
                    format!("root has no spare: rule {} needs {} of {able} who can sign", rule.name, rule.approvals);
                let hint = "add a person, or give one a second key";
                warnings.push(Reason::new(Code::NoSpareRoot, message, hint));
            }
        }
        warnings
    }
}
