//! What someone must look at although nothing is torn down by it: collected with every tick, logged
//! when it is new, shown by `status`, counted by the metrics.

use super::{Reconciler, TickError};
use crate::freshness::Freshness;
use crate::source::Fetched;
use crate::store::LeaderProof;
use jiff::{SignedDuration, Timestamp};
use pintle_core::change::Oid;
use pintle_core::diagnostic::Code;
use pintle_core::trust::{Reason, Verdict};
use std::collections::BTreeSet;
use std::time::Instant;

/// What is watched between ticks.
pub(super) struct Watch {
    freshness: Freshness,
    /// When the remote answered last, from the start of the process on.
    answered_at: Instant,
    /// The held tip and since when something is held.
    held: Option<(Oid, Instant)>,
    disappeared: Option<(Oid, Oid)>,
    /// What was raised last; nothing is known of what a process before this one raised.
    said: Option<BTreeSet<String>>,
}

impl Watch {
    pub fn new(freshness: Freshness) -> Self {
        Self { freshness, answered_at: Instant::now(), held: None, disappeared: None, said: None }
    }
}

/// What makes two alarms the same.
fn name(alarm: &Reason) -> String {
    format!("{} {:?}", alarm.code, alarm.commit)
}

impl Reconciler {
    /// Collects the alarms of this moment and records them.
    pub(super) async fn notice(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        fresh: bool,
        verdict: &Verdict,
    ) -> Result<(), TickError> {
        if fresh {
            self.watch.answered_at = Instant::now();
        }
        let mut alarms: Vec<Reason> = verdict.alarms.clone();
        alarms.extend(self.disappeared(fetched.tip));
        alarms.extend(self.blocked(fetched.tip, verdict));
        alarms.extend(self.silent());
        alarms.extend(self.without_heartbeat(fetched.tip, verdict));
        let said: BTreeSet<String> = alarms.iter().map(name).collect();
        for alarm in &alarms {
            let known = self.watch.said.as_ref().is_some_and(|said| said.contains(&name(alarm)));
            if !known {
                tracing::warn!(code = %alarm.code, "{} ({})", alarm.message, alarm.hint);
            }
        }
        if self.watch.said.as_ref() != Some(&said) || !alarms.is_empty() {
            self.store.record_alarms(proof, &serde_json::to_value(&alarms).unwrap_or_default()).await?;
        }
        self.watch.said = Some(said);
        Ok(())
    }

    /// A commit that was seen, never accepted, and is gone from the branch.
    fn disappeared(&mut self, tip: Oid) -> Option<Reason> {
        if let Some((seen, _)) = self.watch.held.filter(|(seen, _)| *seen != tip)
            && self.objects.contains(tip, seen) == Some(false)
        {
            self.watch.disappeared = Some((seen, tip));
        }
        let (seen, now) = self.watch.disappeared.filter(|(_, now)| *now == tip)?;
        let message = format!("{} was seen and is no longer on the branch, which is at {}", seen.short(), now.short());
        Some(
            Reason::new(Code::TipDisappeared, message, "ask who rewrote the branch; nothing of it was applied")
                .about(seen),
        )
    }

    fn blocked(&mut self, tip: Oid, verdict: &Verdict) -> Option<Reason> {
        let by = verdict.held.as_ref().map(|held| held.commit).or(verdict.refused.as_ref().map(|one| one.commit));
        let Some(by) = by else {
            self.watch.held = None;
            return None;
        };
        let since = self.watch.held.map_or_else(Instant::now, |(_, since)| since);
        self.watch.held = Some((tip, since));
        let waited = since.elapsed();
        (waited >= self.watch.freshness.blocked_after).then(|| {
            let message = format!("main is blocked since {} h by {}", waited.as_secs() / 3600, by.short());
            Reason::new(Code::MainBlocked, message, "pintle verify --explain; then pintle approve or pintle unblock")
        })
    }

    fn silent(&self) -> Option<Reason> {
        let silence = self.watch.answered_at.elapsed();
        (silence >= self.watch.freshness.stale_after).then(|| {
            let message = format!("the remote has not answered for {} min", silence.as_secs() / 60);
            Reason::new(Code::Stale, message, "pintle status says why fetching fails; the state is kept")
        })
    }

    fn without_heartbeat(&self, tip: Oid, verdict: &Verdict) -> Option<Reason> {
        let limit = self.watch.freshness.heartbeat_limit?;
        let hint = "pintle trust heartbeat --push; if one was pushed, the remote withholds it";
        let Some((at, seen)) = verdict.heartbeat else {
            return Some(Reason::new(Code::Stale, "no heartbeat of the branch is there", hint));
        };
        let age = Timestamp::now().duration_since(at);
        if age > SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX) {
            return Some(Reason::new(Code::Stale, format!("the newest heartbeat is {} h old", age.as_hours()), hint));
        }
        let withheld = self.objects.contains(tip, seen) != Some(true);
        withheld.then(|| {
            let message = format!("the branch stood at {} on {at}, and the remote shows {}", seen.short(), tip.short());
            Reason::new(Code::Stale, message, "the remote withholds commits, or the branch was rewritten")
        })
    }
}
