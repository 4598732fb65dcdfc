//! The notation. Lines before the first section are prose. `{1..40}` in a document's line stands for
//! forty of them.
//!
//! ```text
//! ## commit raise memory        documents in short; `guard| ` before a line of .pintle/guard.yaml
//! ## declare                    the same, but nothing is applied before the next `wait`
//! ## tree after                 the files of a folder beside the story, as they are
//! ## live                       `set`, `unset`, `older` KIND/NAME PATH [VALUE], `tombstone` KIND/NAME: by somebody else, or as an older Pintle left it
//! ## keep the plan              of this moment; `## apply it` applies what of it is not stale
//! ## wait 24h
//! ## pause Instance: why        `## resume` ends all
//! ## advance careful all       opens a wave by hand
//! ## services 10m              report on the instances that are there, and carry a row out in that time
//! ## allow delete Instance      for the actions of the plan of this moment
//! ```

use super::documents::Files;
use jiff::{SignedDuration, Span, Timestamp};
use pintle_core::change::{FieldPath, ObjectKey, Value};
use pintle_core::diff::{Pause, Selector};
use pintle_core::gate::{Allowance, Extent, Standing};
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guard;
use pintle_core::plan::Plan;
use pintle_core::simulate::{Commit, Rows, Services, Simulation};
use std::fmt::Write;
use std::path::Path;

/// How the story goes, section by section.
pub fn told(text: &str, folder: &Path) -> String {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut world = Simulation::new(Rows::default(), now, Catalog::standard());
    let mut out = String::new();
    let (mut kept, mut still) = (None, false);
    for section in text.split("\n## ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        writeln!(out, "── {title}").unwrap();
        let (word, rest) = title.split_once(' ').unwrap_or((title, ""));
        match word {
            "commit" | "declare" => commit(&mut world, &Files::short(&documents(body)), &guard(body), &mut out),
            "tree" => tree(&mut world, &folder.join(rest), &mut out),
            "live" => body.lines().filter(|line| !line.trim().is_empty()).for_each(|line| edit(&mut world, line)),
            "pause" => world.rows.pauses().push(pause(rest)),
            "resume" => world.rows.pauses().clear(),
            "advance" => {
                let (rollout, wave) = rest.split_once(' ').unwrap();
                let run = world.rows.runs().iter_mut().find(|run| run.rollout == rollout).unwrap();
                run.advanced.push(wave.to_owned());
            }
            "services" => {
                let keys = world.rows.live(world.now).objects.iter().map(|row| row.key.clone());
                let there = keys.filter(|key| &*key.kind == "Instance").map(|key| (key, Standing::There(world.now)));
                world.services = Services::new(there.collect(), length(rest), world.now);
            }
            "allow" => {
                let actions = world.plan().unwrap().actions().0;
                world.allowed.push(Allowance { limit: rest.into(), extent: Extent::Actions(actions) });
            }
            "keep" => kept = Some(world.plan().unwrap()),
            "apply" => apply(&mut world, &kept.take().unwrap(), &mut out),
            "wait" => {}
            other => panic!("no section {other}"),
        }
        still = word == "declare" || (still && word != "wait");
        if still {
            continue;
        }
        let end = world.now.checked_add(length(if word == "wait" { rest } else { "0s" })).unwrap();
        world.play(end).iter().for_each(|event| out.push_str(&event.text()));
    }
    out
}

fn length(text: &str) -> SignedDuration {
    text.parse::<Span>().unwrap().to_duration(jiff::SpanRelativeTo::days_are_24_hours()).unwrap()
}

fn documents(body: &str) -> String {
    body.lines().filter(|line| !line.starts_with("guard| ")).flat_map(many).collect::<Vec<_>>().join("\n")
}

fn guard(body: &str) -> String {
    body.lines().filter_map(|line| line.strip_prefix("guard| ")).map(|line| format!("{line}\n")).collect()
}

/// `{1..3}` three times.
fn many(line: &str) -> Vec<String> {
    let range = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(range, _)| range);
    let Some((from, to)) = range.and_then(|range| range.split_once("..")) else { return vec![line.to_owned()] };
    let numbers = from.parse::<u32>().unwrap()..=to.parse().unwrap();
    numbers.map(|number| line.replace(&format!("{{{from}..{to}}}"), &number.to_string())).collect()
}

fn tree(world: &mut Simulation, folder: &Path, out: &mut String) {
    let mut files = Files::short("");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        files.0.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap());
    }
    commit(world, &files, "", out);
}

fn commit(world: &mut Simulation, files: &Files, guard: &str, out: &mut String) {
    let (guard, wrong) = Guard::parse(guard);
    assert!(wrong.is_empty(), "{wrong:?}");
    let (desired, told) = (files.resolved(), files.told());
    let name = "0123abcd".to_owned();
    if !world.accept(Commit { name, desired, guard: guard.into() }) {
        writeln!(out, "held, nothing changes:\n{}", told.trim_end()).unwrap();
    }
}

fn edit(world: &mut Simulation, line: &str) {
    let words: Vec<&str> = line.trim().splitn(4, ' ').collect();
    let key = ObjectKey::parse(words[1]).unwrap();
    let json = |text: &str| Value::from(&serde_json::from_str::<serde_json::Value>(text).unwrap());
    match words.as_slice() {
        ["set", _, path, value] => world.rows.write(&key, |body| put(body, path, Some(json(value)))),
        ["older", _, path, value @ ..] => {
            let value = value.first().map(|text| json(text));
            world.rows.as_before(&key, |body| put(body, path, value.clone()));
        }
        ["tombstone", _] => world.rows.tombstone(&key, world.now),
        ["unset", _, path] => world.rows.write(&key, |body| put(body, path, None)),
        _ => panic!("no edit {line}"),
    }
}

/// Applies a plan that was made before: as the daemon would, step by step.
fn apply(world: &mut Simulation, plan: &Plan, out: &mut String) {
    for step in plan.steps() {
        let (key, action) = (&step.change.key, step.change.action.as_str());
        if world.rows.is_stale(&step.change) {
            writeln!(out, "stale: {action} {key}, which moved since it was planned").unwrap();
        } else {
            world.rows.apply(&step.change, world.now, 1);
            writeln!(out, "applied: {action} {key}").unwrap();
        }
    }
}

fn put(body: &mut Value, path: &str, value: Option<Value>) {
    assert!(body.put(&FieldPath::dotted(path).0, value), "{path} leads nowhere");
}

fn pause(text: &str) -> Pause {
    let (what, reason) = text.split_once(": ").unwrap();
    let kind = (what != "all").then(|| what.to_owned());
    let what = Selector { kind, ..Selector::default() };
    Pause { id: 1, what, reason: reason.into(), by: "alice".into(), until: None }
}
