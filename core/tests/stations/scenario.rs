//! A story in text: commits that are applied, edits behind the repository's back, jobs; the last
//! commit is planned and shown.
//!
//! ```text
//! ## commit
//! Partner/acme: {displayName: Acme}
//! ## live
//! set Partner/acme spec.displayName "Other"
//! ## jobs
//! running 7 Partner/acme
//! ## commit
//! Partner/acme: {displayName: New}
//! ```

use super::documents::Files;
use super::world::World;
use pintle_core::change::{FieldPath, Map, ObjectKey, Value};
use pintle_core::diff::{Change, PendingJob};
use pintle_core::plan::Plan;
use pintle_core::resolve::Resolved;
use std::fmt::Write;

/// The story, and below it the plan of its last commit.
pub fn golden(story: &str) -> String {
    let story: Vec<&str> = story.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let story = story.join("\n");
    let (world, desired) = told(&story);
    format!("{story}\n────\n{}", shown(&world.plan(&desired)))
}

/// The world before the last commit is applied, and what that commit desires.
pub fn told(story: &str) -> (World, Resolved) {
    let mut world = World::default();
    let mut pending: Option<Resolved> = None;
    for section in story.split("## ").filter(|section| !section.trim().is_empty()) {
        let (what, text) = section.trim_start().split_once('\n').unwrap_or((section.trim(), ""));
        match what.trim() {
            "commit" => {
                apply(&mut world, pending.replace(sound(text)));
            }
            "live" => {
                apply(&mut world, pending.take());
                text.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| edit(&mut world, line));
            }
            "jobs" => text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .for_each(|line| job(&mut world, pending.as_ref(), line)),
            other => panic!("no section {other}"),
        }
    }
    (world, pending.unwrap())
}

fn sound(text: &str) -> Resolved {
    let files = Files::short(text);
    let resolved = files.resolved();
    assert!(!resolved.has_errors(), "{}", files.told());
    resolved
}

fn apply(world: &mut World, desired: Option<Resolved>) {
    if let Some(desired) = desired {
        let plan = world.plan(&desired);
        world.apply(&plan);
    }
}

fn edit(world: &mut World, line: &str) {
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    let key = ObjectKey::parse(words[1]).unwrap();
    let json = |text: &str| Value::from(&serde_json::from_str::<serde_json::Value>(text).unwrap());
    match words.as_slice() {
        ["insert", _, body @ ..] => world.insert(key, json(&body.join(" "))),
        ["set", _, path, value] => put(world, &key, path, Some(json(value))),
        ["unset", _, path] => put(world, &key, path, None),
        ["older-defaults", _, path] => {
            put(world, &key, path, None);
            let row = world.rows.get_mut(&key).unwrap();
            row.applied = Some(row.live.clone());
        }
        _ => panic!("no edit {line}"),
    }
}

fn put(world: &mut World, key: &ObjectKey, path: &str, value: Option<Value>) {
    let row = world.rows.get_mut(key).unwrap();
    row.revision += 1;
    let path = FieldPath::dotted(path);
    let (last, parents) = path.0.split_last().unwrap();
    let map = parents
        .iter()
        .fold(row.live.as_map_mut().unwrap(), |map: &mut Map, key| map.get_mut(key).unwrap().as_map_mut().unwrap());
    match value {
        Some(value) => map.insert(last.as_str(), value),
        None => map.remove(last),
    };
}

/// `running 7 Partner/acme`, `dead 7 Partner/acme`, `dead-other 7 Partner/acme` (at another target).
fn job(world: &mut World, desired: Option<&Resolved>, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let key = ObjectKey::parse(words[2]).unwrap();
    let target =
        desired.and_then(|tree| tree.get(&key)).map(|object| object.digest).filter(|_| words[0] != "dead-other");
    world.jobs.push(PendingJob {
        id: words[1].parse().unwrap(),
        key,
        target,
        running: words[0] == "running",
        dead: words[0].starts_with("dead"),
        dead_since: None,
        error: Some("no route".into()),
    });
}

/// The plan as lines.
pub fn shown(plan: &Plan) -> String {
    let mut out = String::new();
    for (at, step) in plan.steps().iter().enumerate() {
        let after: Vec<String> = step.after_steps.iter().map(ToString::to_string).collect();
        let after = if after.is_empty() { String::new() } else { format!(" after {}", after.join(", ")) };
        writeln!(out, "{at}: {}{after}", line(&step.change)).unwrap();
        fields(&step.change, &mut out);
    }
    for waiting in plan.waiting() {
        writeln!(
            out,
            "-: {} waits: {} ({})",
            line(&waiting.change),
            waiting.reason.sentence(),
            waiting.reason.lifted_by()
        )
        .unwrap();
    }
    if out.is_empty() { "nothing to do\n".into() } else { out }
}

fn line(change: &Change) -> String {
    format!("{} {} ({})", change.action.as_str(), change.key, change.cause.as_str())
}

fn fields(change: &Change, out: &mut String) {
    let text = |value: &Option<Value>| {
        value.as_ref().map_or("-".to_owned(), |value| serde_json::Value::from(value).to_string())
    };
    if change.uid.is_none() {
        return;
    }
    for (sign, list) in [("~", &change.fields), ("! behind our back:", &change.drift)] {
        for field in list {
            writeln!(out, "     {sign} {}: {} → {}", field.path, text(&field.before), text(&field.after)).unwrap();
        }
    }
}
