//! Transitions: what stands now and was not told yet. A function of how things stand.

use crate::store::runs::{RunStanding, Stop};
use crate::store::told::Standing;
use pintle_core::diagnostic::Code;
use pintle_core::model::guard::NotifyEvent;
use pintle_core::render::plural;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Of many jobs that failed, so many are named.
const NAMED: usize = 10;

/// Something that people are told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// Which kind.
    pub kind: NotifyEvent,
    /// The commit it is about.
    pub commit: Option<String>,
    /// One sentence.
    pub message: String,
    /// What to do about it, where there is something.
    pub hint: String,
}

/// The transitions between what was told and `standing`, and what has been told once they are.
pub fn events(standing: &Standing) -> (Vec<Event>, BTreeMap<String, String>) {
    let mut events = Vec::new();
    let mut told = standing.told.clone();
    // What stands under a name, and the event that tells it.
    let mut stands = |name: &str, now: Option<(String, Event)>| match now {
        Some((key, event)) if told.get(name) != Some(&key) => {
            events.push(event);
            told.insert(name.to_owned(), key);
        }
        Some(_) => {}
        None => drop(told.remove(name)),
    };
    let verdict = of_verdict(standing)
        .map(|event| (format!("{} {}", event.commit.as_deref().unwrap_or_default(), event.message), event));
    for (name, kind) in [("held", NotifyEvent::Held), ("refused", NotifyEvent::Refused)] {
        stands(name, verdict.clone().filter(|(_, event)| event.kind == kind));
    }
    stands("failed", failed(standing));
    // A commit that is applied while something of it failed is not applied; what was told of it stays.
    if let Some((commit, took)) = standing.applied.as_ref().filter(|_| standing.dead.is_empty()) {
        stands("applied", Some((commit.clone(), applied(commit, *took))));
    }
    stands("halted", stopped(standing, true));
    stands("gated", stopped(standing, false));
    stands("drift", drifted(standing).map(|what| (what.clone(), drift(&what))));
    stands("break-glass", broken_glass(standing));
    events.extend(dead_work(standing, &mut told));
    (events, told)
}

/// Work that failed for good and was not told of: each once, however many are dead already.
fn dead_work(standing: &Standing, told: &mut BTreeMap<String, String>) -> Option<Event> {
    let before = told.remove("work-failed").unwrap_or_default();
    let known: HashSet<&str> = before.split(' ').collect();
    let ids: Vec<String> = standing.dead_work.iter().map(|(job, _)| job.to_string()).collect();
    let fresh: Vec<String> = standing
        .dead_work
        .iter()
        .zip(&ids)
        .filter(|(_, id)| !known.contains(id.as_str()))
        .map(|((_, schedule), id)| format!("{schedule} (job {id})"))
        .collect();
    if !ids.is_empty() {
        told.insert("work-failed".to_owned(), ids.join(" "));
    }
    let count = plural(fresh.len() as i64, "job");
    let named = fresh.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    (!fresh.is_empty()).then(|| Event {
        kind: NotifyEvent::Failed,
        commit: None,
        message: format!("{count} of schedules failed for good: {named}"),
        hint: "pintle jobs list --state dead".into(),
    })
}

fn failed(standing: &Standing) -> Option<(String, Event)> {
    let dead: Vec<String> = standing.dead.iter().map(ToString::to_string).collect();
    let event = Event {
        kind: NotifyEvent::Failed,
        commit: standing.accepted.clone(),
        message: format!("{} failed for good: job {}", plural(dead.len() as i64, "change"), dead.join(", ")),
        hint: "pintle jobs list --state dead".into(),
    };
    (!dead.is_empty()).then(|| (dead.join(" "), event))
}

/// Runs that go on only when somebody acts: because something is `halted`, or because their Rollout says so.
fn stopped(standing: &Standing, halted: bool) -> Option<(String, Event)> {
    let stops =
        |run: &RunStanding| run.stops.clone().filter(|stop| stop.halted == halted).map(|stop| (run.clone(), stop));
    let all: Vec<(RunStanding, Stop)> = standing.runs.iter().filter_map(stops).collect();
    let (run, stop) = all.first()?;
    let message = all.iter().map(|(_, stop)| stop.message.as_str()).collect::<Vec<_>>().join("; ");
    // Not by its words: how many failed may change while it stands.
    let name = all.iter().map(|(run, _)| format!("{} {}", run.rollout, run.since)).collect::<Vec<_>>().join(", ");
    let kind = if halted { NotifyEvent::Halted } else { NotifyEvent::Gated };
    let event = Event { kind, commit: run.commit.clone(), message, hint: stop.lifted_by.clone() };
    Some((name, event))
}

fn applied(commit: &str, took_ms: i64) -> Event {
    Event {
        kind: NotifyEvent::Applied,
        commit: Some(commit.to_owned()),
        message: format!("applied in {:.1} s", took_ms as f64 / 1000.0),
        hint: String::new(),
    }
}

fn drift(what: &str) -> Event {
    Event {
        kind: NotifyEvent::Drift,
        commit: None,
        message: format!("changed behind the repository's back: {what}"),
        hint: "pintle plan --only drift".into(),
    }
}

fn broken_glass(standing: &Standing) -> Option<(String, Event)> {
    let alarm = standing.alarms.as_array()?.iter().find(|alarm| alarm["code"] == Code::GlassBroken.as_str())?;
    let text = |key: &str| alarm[key].as_str().map(str::to_owned);
    let message = text("message").unwrap_or_default();
    let event = Event {
        kind: NotifyEvent::BreakGlass,
        commit: text("commit"),
        message: message.clone(),
        hint: text("hint").unwrap_or_default(),
    };
    Some((message, event))
}

/// What holds or refuses the tip, if something does.
fn of_verdict(standing: &Standing) -> Option<Event> {
    let verdict = standing.verdict.as_ref()?;
    let text = |path: &str| verdict.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let word = text("/verdict");
    let limited = text("/held/reasons/0/code") == Code::LimitExceeded.as_str();
    let kind = if word == "held" && !limited { NotifyEvent::Held } else { NotifyEvent::Refused };
    let (commit, message, hint) = match word.as_str() {
        "held" => (text("/held/commit"), text("/held/reasons/0/message"), text("/held/reasons/0/hint")),
        "refused" => (text("/refused/commit"), text("/refused/message"), text("/refused/hint")),
        _ => (text("/commit"), "its documents are invalid".to_owned(), "pintle validate".to_owned()),
    };
    Some(Event { kind, commit: Some(commit).filter(|commit| !commit.is_empty()), message, hint })
}

/// Which objects drift and are left, or that some were healed.
fn drifted(standing: &Standing) -> Option<String> {
    match (standing.drift_left.is_empty(), standing.healed) {
        (false, _) => Some(standing.drift_left.join(", ")),
        (true, Some(job)) => Some(format!("healed by job {job}")),
        (true, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn held(commit: &str, code: &str) -> Standing {
        let verdict = json!({"verdict": "held", "held": {"commit": commit, "reasons": [{"code": code, "message": "m", "hint": "h"}]}});
        Standing { verdict: Some(verdict), ..Standing::default() }
    }

    fn kinds(standing: &Standing) -> (Vec<NotifyEvent>, BTreeMap<String, String>) {
        let (events, told) = events(standing);
        (events.into_iter().map(|event| event.kind).collect(), told)
    }

    #[test]
    fn a_transition_is_told_once_and_again_after_it_was_over() {
        let (first, told) = kinds(&held("a", "PIN0510"));
        assert_eq!(first, [NotifyEvent::Held]);
        let (again, told) = kinds(&Standing { told, ..held("a", "PIN0510") });
        assert_eq!(again, []);
        let (over, told) = kinds(&Standing { told, applied: Some(("a".into(), 5)), ..Standing::default() });
        assert_eq!(over, [NotifyEvent::Applied]);
        let (back, _) = kinds(&Standing { told, applied: Some(("a".into(), 5)), ..held("a", "PIN0510") });
        assert_eq!(back, [NotifyEvent::Held]);
    }

    #[test]
    fn each_job_of_a_schedule_that_failed_is_told_of_once() {
        let dead = |jobs: &[i64], told| Standing {
            dead_work: jobs.iter().map(|job| (*job, "nightly".to_owned())).collect(),
            told,
            ..Standing::default()
        };
        let (first, told) = events(&dead(&[7], BTreeMap::new()));
        assert_eq!(first[0].message, "1 job of schedules failed for good: nightly (job 7)");
        let (more, told) = events(&dead(&[9, 7], told));
        assert_eq!(more[0].message, "1 job of schedules failed for good: nightly (job 9)");
        let (fewer, told) = events(&dead(&[9], told));
        assert_eq!(fewer, []);
        let (again, _) = events(&dead(&[9, 7], told));
        assert_eq!(again.len(), 1, "it was tried again, and failed again");
    }

    #[test]
    fn a_run_that_halts_is_told_of_with_the_commit_that_began_it_and_again_when_it_halts_anew() {
        let run = |stops: Option<(bool, &str)>, told| {
            let stops = stops.map(|(halted, message)| Stop { halted, message: message.into(), lifted_by: "h".into() });
            let run =
                RunStanding { rollout: "r".into(), since: 2, commit: Some("a".into()), waits: 4, stops, moves: false };
            events(&Standing { runs: vec![run], told, ..Standing::default() })
        };
        let (first, told) = run(Some((true, "wave all is halted")), BTreeMap::new());
        let [event] = first.as_slice() else { panic!("{first:?}") };
        assert_eq!((event.kind, event.commit.as_deref(), event.hint.as_str()), (NotifyEvent::Halted, Some("a"), "h"));
        let (again, told) = run(Some((true, "wave all is halted")), told);
        assert_eq!(again, []);
        let (on, told) = run(None, told);
        assert_eq!(on, [], "that it goes on is told by its end");
        let (anew, told) = run(Some((true, "wave all is halted")), told);
        assert_eq!(anew.len(), 1);
        let (gated, _) = run(Some((false, "wave all waits")), told);
        assert_eq!(gated[0].kind, NotifyEvent::Gated);
    }

    #[test]
    fn a_limit_is_a_refusal_and_what_failed_is_not_applied() {
        assert_eq!(kinds(&held("a", "PIN0527")).0, [NotifyEvent::Refused]);
        let failed = Standing { dead: vec![7], applied: Some(("a".into(), 5)), ..Standing::default() };
        assert_eq!(kinds(&failed).0, [NotifyEvent::Failed]);
    }
}
