//! Every reason to wait, and every refusal, as people read it.

use jiff::Timestamp;
use pintle_core::change::ObjectKey;
use pintle_core::model::guard::Mode;
use pintle_core::plan::{Exceeded, Held, Reason};
use std::fmt::Write;
use std::path::Path;

fn all() -> Vec<Reason> {
    let at = |text: &str| text.parse().unwrap();
    let until = Some(at("2026-11-22T23:00:00Z"));
    let all = vec![
        Reason::InFlight { job: 7 },
        Reason::DeadLetter { job: 7, error: "connection refused".into() },
        Reason::Dependency { on: ObjectKey::new("Partner", "acme") },
        Reason::Protected,
        Reason::Software,
        Reason::Reported,
        Reason::Foreign,
        Reason::Grace { until: at("2026-11-22T23:00:00Z") },
        Reason::Mode { mode: Mode::NoDelete },
        Reason::Closed { window: "year-end".into(), until },
        Reason::Paused {
            scope: "Instance -l tier=gold".into(),
            by: "alice@ops".into(),
            why: "peak season".into(),
            until,
        },
        wave(until, None),
        wave(None, None),
        Reason::Wave { rollout: "careful".into(), wave: "all".into(), until: None, judged: until, held: None },
        wave(None, Some(Held::Failed(2))),
        wave(None, Some(Held::NoEvidence)),
        wave(None, Some(Held::ByHand)),
        Reason::Moving { of: "partner acme".into(), moving: 2, allowed: 2, rollouts: Vec::new() },
        Reason::Fight { healed: 5, fields: "spec.resources.memory".into(), until: at("2026-11-22T23:00:00Z") },
        Reason::Limited { exceeded: Box::new(exceeded()) },
        Reason::NewerTip,
        Reason::GlassBroken,
        Reason::LeftOut,
    ];
    // A reason that is new is to be listed above.
    for reason in &all {
        match reason {
            Reason::InFlight { .. }
            | Reason::DeadLetter { .. }
            | Reason::Dependency { .. }
            | Reason::Protected
            | Reason::Software
            | Reason::Reported
            | Reason::Foreign
            | Reason::Grace { .. }
            | Reason::Mode { .. }
            | Reason::Closed { .. }
            | Reason::Paused { .. }
            | Reason::Wave { .. }
            | Reason::Moving { .. }
            | Reason::Fight { .. }
            | Reason::Limited { .. }
            | Reason::NewerTip
            | Reason::GlassBroken
            | Reason::LeftOut => {}
        }
    }
    all
}

fn wave(until: Option<Timestamp>, held: Option<Held>) -> Reason {
    Reason::Wave { rollout: "careful".into(), wave: "all".into(), until, judged: None, held }
}

#[test]
fn every_reason_has_its_word_in_the_published_schema_and_in_the_guide() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap();
    let common: serde_json::Value = serde_json::from_str(&read("schemas/output/common.schema.json")).unwrap();
    let words = common["$defs"]["waitingCode"]["enum"].as_array().unwrap().clone();
    let guide = read("docs/guard.md");
    for reason in all() {
        assert!(words.contains(&reason.code().into()), "the schema has no `{}`", reason.code());
        assert!(guide.contains(&format!("\n| `{}` |", reason.code())), "docs/guard.md has no `{}`", reason.code());
    }
}

#[test]
fn every_reason_says_why_and_what_lifts_it() {
    let mut told = String::new();
    for reason in all() {
        let (code, why, lifts) = (reason.code(), reason.sentence(), reason.lifted_by());
        let until = reason.until().map(|until| format!(" [{until}]")).unwrap_or_default();
        writeln!(told, "{code}{until}\n  {why}\n  lifted by: {lifts}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_refusal_says_the_exact_counts() {
    let one = exceeded();
    let until = "2026-11-22T23:00:00Z".parse().ok();
    let grouped = Exceeded { group: Some("partner acme".into()), before: 3, until, ..one.clone() };
    insta::assert_snapshot!(format!("{}\n{}\n{}", one.sentence(), grouped.sentence(), grouped.lifted_by()));
}

fn exceeded() -> Exceeded {
    let limit = "delete Instance".into();
    Exceeded { limit, group: None, moving: 12, before: 0, live: 40, allowed: 4, until: None }
}
