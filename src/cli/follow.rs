//! Where a commit stands with the daemon, and waiting until that changes. Rung by Postgres; the clock
//! only covers for a lost ring.

use super::CliError;
use crate::source::GitObjects;
use crate::store::Store;
use crate::store::acceptance::SourceState;
use crate::store::runs::RunStanding;
use crate::verdict::is_not_carried_out;
use pintle_core::change::Oid;
use serde_json::Value;
use sqlx::postgres::PgListener;
use std::time::{Duration, Instant};

/// How long a lost ring may go unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often it is looked while the daemon has not fetched since the question.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// After this long without a fetch, what was fetched before has to do.
const FRESH_WITHIN: Duration = Duration::from_secs(15);

/// Where a commit stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// It, or an accepted commit that contains it, is applied wherever it can be: that commit.
    Applied(String),
    /// It is accepted, and on its way.
    Accepted,
    /// The waves of a wide change that it began are not over: that change.
    Waves(RunStanding),
    /// It is accepted, but its documents are invalid.
    Invalid(Value),
    /// It is held or refused.
    Held(Value),
    /// The daemon has not fetched it: the tip that it has.
    Unseen(Option<String>),
}

impl Place {
    /// The stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Accepted => "accepted",
            Self::Waves(run) => match run.ended() {
                None => "in-waves",
                Some(stop) if stop.halted => "halted",
                Some(_) => "gated",
            },
            Self::Invalid(_) => "invalid",
            Self::Held(verdict) if verdict["verdict"] == "refused" => "refused",
            Self::Held(_) => "held",
            Self::Unseen(_) => "unseen",
        }
    }

    /// The verdict that stands in its way.
    pub fn verdict(&self) -> Option<&Value> {
        match self {
            Self::Invalid(verdict) | Self::Held(verdict) => Some(verdict),
            _ => None,
        }
    }
}

/// What the database knows of a commit.
struct Facts {
    source: SourceState,
    /// The seq of the applied commit.
    applied: Option<u64>,
    /// The newest accepted commit.
    accepted: Option<(u64, Oid)>,
    /// The seq of the commit asked about.
    own: Option<u64>,
    /// Wide changes that go out in waves.
    runs: Vec<RunStanding>,
}

/// Where the commit whose id is or begins with `oid` stands. With a repository at hand, commits that
/// were accepted as part of a later one are known too.
pub async fn place(store: &Store, oid: &str, repo: Option<&GitObjects>) -> Result<Place, CliError> {
    let Some(source) = store.source_state().await? else { return Ok(Place::Unseen(None)) };
    let applied = match &source.applied_commit {
        Some(commit) => store.history(commit, 1).await?.pop().map(|row| row.acceptance.seq),
        None => None,
    };
    let accepted = store.history("", 1).await?.pop().map(|row| (row.acceptance.seq, row.acceptance.commit));
    let own = super::history::one(store, oid).await?.map(|row| row.acceptance.seq);
    let runs = store.run_standings().await?;
    Ok(stands(&Facts { source, applied, accepted, own, runs }, oid, |later, earlier| {
        repo.and_then(|repo| repo.contains(later, earlier)).unwrap_or(false)
    }))
}

fn stands(facts: &Facts, oid: &str, contains: impl Fn(Oid, Oid) -> bool) -> Place {
    let source = &facts.source;
    let within = |later: Option<&str>| {
        let pair = later.and_then(|later| later.parse().ok()).zip(oid.parse().ok());
        later.is_some_and(|later| later.starts_with(oid))
            || pair.is_some_and(|(later, earlier)| contains(later, earlier))
    };
    let by_seq = facts.own.zip(facts.applied).is_some_and(|(own, applied)| applied >= own);
    let applied =
        source.applied_commit.as_ref().filter(|commit| by_seq || (facts.own.is_none() && within(Some(commit))));
    // A run is of the step that began it. What was accepted together with that one, and is not applied yet, may be in it.
    let its_own = |run: &&RunStanding| match facts.own {
        Some(own) => run.since == own || (run.since > own && applied.is_none()),
        None => applied.is_none() && within(run.commit.as_deref()),
    };
    if let Some(run) = facts.runs.iter().find(its_own) {
        return Place::Waves(run.clone());
    }
    if let Some(commit) = applied {
        return Place::Applied(commit.clone());
    }
    let accepted = facts.accepted.map(|(_, commit)| commit.to_string());
    if facts.own.is_some() || within(accepted.as_deref()) {
        return match &source.verdict {
            Some(verdict) if verdict["verdict"] == "invalid" => Place::Invalid(verdict.clone()),
            // Of an older step the words may be over: the next look at the newest says.
            Some(verdict)
                if is_not_carried_out(verdict) && verdict["held"]["commit"].as_str() == accepted.as_deref() =>
            {
                Place::Held(verdict.clone())
            }
            _ => Place::Accepted,
        };
    }
    let blocked = source.verdict.as_ref().filter(|verdict| {
        let named =
            verdict.pointer("/held/commit").or_else(|| verdict.pointer("/refused/commit")).and_then(Value::as_str);
        within(named) || within(source.seen_tip.as_deref())
    });
    blocked.map_or_else(|| Place::Unseen(source.seen_tip.clone()), |verdict| Place::Held(verdict.clone()))
}

/// Looks again and again until `done` says so or `until` has passed; the last place seen. What stands
/// in the way is believed only when the daemon has fetched since: an approval may just have arrived.
pub async fn follow(
    store: &Store,
    oid: &str,
    repo: Option<&GitObjects>,
    until: Instant,
    mut done: impl FnMut(&Place) -> bool,
) -> Result<Place, CliError> {
    let mut listener = listen(store).await?;
    let asked = Instant::now();
    let mut fresh_since = None;
    store.ring().await;
    loop {
        let fetched = store.source_state().await?.and_then(|source| source.fetched_ago_s);
        let fresh = asked.elapsed() > FRESH_WITHIN || fetched.is_some_and(|ago| ago < asked.elapsed().as_secs_f64());
        let at = place(store, oid, repo).await?;
        let left = until.saturating_duration_since(Instant::now());
        if fresh {
            fresh_since.get_or_insert_with(Instant::now);
        }
        let believed = match &at {
            // What stops it is said by the plan after the fetch.
            Place::Waves(_) => fresh_since.is_some_and(|since: Instant| since.elapsed() >= LOOK_AGAIN),
            other => fresh || other.verdict().is_none(),
        };
        if (done(&at) && believed) || left.is_zero() {
            return Ok(at);
        }
        let pause = if fresh && believed { LOOK_EVERY } else { LOOK_AGAIN };
        // A broken connection is met again by the next look, which says so.
        if let Ok(Err(_)) = tokio::time::timeout(left.min(pause), listener.recv()).await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

async fn listen(store: &Store) -> Result<PgListener, CliError> {
    let failed = |error| CliError::because("the database cannot be listened to", error);
    let mut listener = PgListener::connect_with(store.pool()).await.map_err(failed)?;
    listener.listen("pintle_source").await.map_err(failed)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::runs::Stop;
    use serde_json::json;

    fn facts(own: Option<u64>, applied: Option<u64>, verdict: Option<Value>) -> Facts {
        let hex = |byte: u8| Oid([byte; 20]).to_string();
        let source = SourceState {
            seen_tip: Some(hex(3)),
            fetched_ago_s: None,
            fetch_error: None,
            verdict,
            held_for_s: None,
            applied_commit: applied.map(|_| hex(2)),
            applied_ago_s: None,
            applied_in_ms: None,
            alarms: json!([]),
        };
        Facts { source, applied, accepted: Some((2, Oid([2; 20]))), own, runs: Vec::new() }
    }

    fn never(_: Oid, _: Oid) -> bool {
        false
    }

    #[test]
    fn an_accepted_commit_is_applied_when_one_of_its_seq_or_later_is() {
        let one = Oid([1; 20]).to_string();
        assert_eq!(stands(&facts(Some(1), Some(2), None), &one, never).word(), "applied");
        assert_eq!(stands(&facts(Some(2), Some(1), None), &one, never).word(), "accepted");
        assert_eq!(stands(&facts(Some(1), None, None), &one, never).word(), "accepted");
    }

    #[test]
    fn a_commit_whose_waves_are_not_over_is_not_applied_and_one_after_it_is() {
        let run = |stops| RunStanding {
            rollout: "r".into(),
            since: 1,
            commit: Some(Oid([1; 20]).to_string()),
            waits: 4,
            stops,
            moves: false,
        };
        let stop = Some(Stop { halted: true, message: "m".into(), lifted_by: "h".into() });
        let one = |seq, stops| {
            stands(
                &Facts { runs: vec![run(stops)], ..facts(Some(seq), Some(2), None) },
                &Oid([1; 20]).to_string(),
                never,
            )
        };
        assert_eq!((one(1, None).word(), one(1, stop).word(), one(2, None).word()), ("in-waves", "halted", "applied"));
        let later = Facts { runs: vec![RunStanding { since: 3, ..run(None) }], ..facts(Some(2), Some(2), None) };
        assert_eq!(stands(&later, &Oid([2; 20]).to_string(), never).word(), "applied", "another one's run");
    }

    #[test]
    fn a_commit_that_a_later_one_contains_is_known_by_the_repository_only() {
        let inner = Oid([9; 20]).to_string();
        assert_eq!(stands(&facts(None, Some(2), None), &inner, never).word(), "unseen");
        assert_eq!(stands(&facts(None, Some(2), None), &inner, |later, _| later == Oid([2; 20])).word(), "applied");
    }

    #[test]
    fn a_held_tip_holds_itself_and_what_it_contains_but_not_a_stranger() {
        let held = Some(json!({"verdict": "held", "held": {"commit": Oid([3; 20]).to_string()}}));
        assert_eq!(stands(&facts(None, Some(2), held.clone()), &Oid([3; 20]).to_string(), never).word(), "held");
        assert_eq!(
            stands(&facts(None, Some(2), held.clone()), &Oid([8; 20]).to_string(), |later, _| later == Oid([3; 20]))
                .word(),
            "held"
        );
        assert_eq!(stands(&facts(None, Some(2), held), &Oid([8; 20]).to_string(), never).word(), "unseen");
    }

    #[test]
    fn an_accepted_commit_whose_documents_are_wrong_says_so() {
        let invalid = Some(json!({"verdict": "invalid", "diagnostics": []}));
        assert_eq!(stands(&facts(Some(2), Some(1), invalid), &Oid([2; 20]).to_string(), never).word(), "invalid");
    }
}
