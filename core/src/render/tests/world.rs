//! Worlds for the goldens: what was applied, what is live now, what is desired, all in YAML, through
//! the real pipeline.

use crate::change::{Digest, FieldPath, ObjectKey, Value};
use crate::diff::{Bodies, Differing, LiveObject, LiveState, PendingJob};
use crate::model::Catalog;
use crate::model::guard::Guards;
use crate::parse::parse_tree;
use crate::plan::{Plan, PlanInput, plan};
use crate::render::{Approvals, Header, Paper, RuleLine, Verdict};
use crate::resolve::{Resolved, resolve};
use jiff::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

pub fn now() -> Timestamp {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

pub fn paper() -> Paper {
    Paper::plain(100, now())
}

pub fn resolved(files: &[(&str, &str)]) -> Resolved {
    let tree = parse_tree(files.iter().map(|(path, text)| (*path, text.as_bytes())));
    let resolved = resolve(&tree, Catalog::standard(), None, now());
    assert!(!resolved.has_errors(), "{:?}", resolved.problems);
    resolved
}

/// What was applied from documents, and what became of it.
pub struct World {
    pub live: LiveState,
}

impl World {
    /// Nothing was applied yet.
    pub fn empty() -> Self {
        Self { live: LiveState { read_at: "2026-11-23T09:29:59.800Z".parse().unwrap(), ..LiveState::default() } }
    }

    /// Everything in `files` was applied.
    pub fn applied(files: &[(&str, &str)]) -> Self {
        let mut live = Self::empty().live;
        for (at, object) in resolved(files).objects.iter().enumerate() {
            live.objects.push(LiveObject {
                key: object.key.clone(),
                uid: Uuid::from_u128(at as u128 + 1),
                revision: 1,
                generation: 1,
                drifted: false,
                applied: Some(object.digest),
                written: Some(object.written),
                applied_commit: None,
                applied_file: Some(object.document.file.clone()),
                tombstoned_at: None,
                protected: false,
                partner: object.partner.clone(),
                labels: "{}".into(),
            });
            live.bodies.insert(object.key.clone(), Bodies::of(object.value(), Some(object.value())));
        }
        Self { live }
    }

    pub fn row(&mut self, key: &str) -> &mut LiveObject {
        self.live.objects.iter_mut().find(|row| row.key.to_string() == key).unwrap()
    }

    /// Somebody wrote `value` at `path` of the row of `key`.
    pub fn by_hand(mut self, key: &str, path: &str, value: &serde_json::Value) -> Self {
        self.row(key).drifted = true;
        let bodies = self.live.bodies.get_mut(&ObjectKey::parse(key).unwrap()).unwrap();
        let mut here = &mut bodies.live;
        let path = FieldPath::dotted(path);
        for step in &path.0[..path.0.len() - 1] {
            here = here.as_map_mut().unwrap().get_mut(step).unwrap();
        }
        here.as_map_mut().unwrap().insert(path.0.last().unwrap().as_str(), Value::from(value));
        self
    }

    pub fn job(mut self, id: i64, key: &str, running: bool, error: Option<(&str, Option<Digest>)>) -> Self {
        let key = ObjectKey::parse(key).unwrap();
        let (error, target) = error.map_or((None, None), |(text, target)| (Some(text.to_owned()), target));
        self.live.jobs.push(PendingJob { id, key, target, running, dead: error.is_some(), dead_since: None, error });
        self
    }

    pub fn plan(&self, files: &[(&str, &str)]) -> Plan {
        let desired = resolved(files);
        plan(PlanInput {
            commit: COMMIT,
            desired: &desired,
            live: &self.live,
            differing: &Differing::of(&desired, &self.live),
            guards: &Guards::default(),
            catalog: Catalog::standard(),
            now: now(),
        })
    }
}

pub const COMMIT: &str = "8f3c1a2b4d5e6f708192a3b4c5d6e7f808192a3b";

pub fn header() -> Header {
    Header {
        subject: Some("Raise acme to 4.6.2, retire the trial tenant".into()),
        author: Some("alice".into()),
        committed_at: Some("2026-11-23T09:28:00Z".parse().unwrap()),
        ..Header::of("8f3c1a2")
    }
}

pub fn approvals() -> Approvals {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let rule = RuleLine {
        name: "gold".into(),
        needed: 2,
        have: names(&["alice (author)"]),
        from: names(&["sre", "release"]),
        missing: names(&["bob", "dave", "erin"]),
    };
    Approvals { rules: vec![rule], verdict: Verdict::Missing, approve_with: Some("pintle approve raise-acme".into()) }
}

/// A partner's document.
pub fn partner(name: &str) -> String {
    format!("apiVersion: pintle/v1\nkind: Partner\nmetadata: {{name: {name}}}\nspec: {{displayName: {name}}}\n")
}

/// An instance's document, `spec` with the given lines.
pub fn instance(name: &str, spec: &str) -> String {
    format!("apiVersion: pintle/v1\nkind: Instance\nmetadata: {{name: {name}}}\nspec:\n  type: shared-saas\n{spec}")
}

const THEME: &str = "    motd: |\n      Welcome to Acme.\n      Closed on Sunday.\n      Call us.\n";

fn acme(memory: &str, colour: &str, day: &str, secret: &str) -> String {
    let motd = THEME.replace("Sunday", day);
    instance(
        "acme-prod",
        &format!(
            "  resources: {{memory: {memory}}}\n  config:\n    primary: \"{colour}\"\n{motd}    smtp: {{password: {{secretRef: {secret}}}}}\n"
        ),
    )
}

/// Every kind of thing in one plan: create, update, delete, drift, conflict, waits.
pub fn mixed() -> Plan {
    let plain = |name: &str| instance(name, "  resources: {memory: 8Gi}\n");
    let before = [
        acme("8Gi", "#224466", "Sunday", "acme-smtp"),
        plain("kora-eu"),
        plain("both-ways"),
        plain("trial"),
        plain("kept"),
        plain("busy"),
        plain("stuck"),
        partner("acme"),
        plain("back-again"),
    ]
    .join("---\n");
    let mut world = World::applied(&[("all.yaml", &before)])
        .by_hand("Instance/kora-eu", "spec.lifecycle", &"suspended".into())
        .by_hand("Instance/both-ways", "spec.resources.memory", &"4Gi".into())
        .by_hand("Instance/acme-prod", "spec.config.smtp.password", &"hunter2".into())
        .job(7, "Instance/busy", true, None);
    world.row("Instance/kept").protected = true;
    world.row("Instance/back-again").tombstoned_at = Some(now());
    let after = desired();
    let files = [
        ("instances/acme/acme-prod.yaml", after[0].as_str()),
        ("instances/all.yaml", after[1].as_str()),
        ("partners/acme.yaml", after[2].as_str()),
    ];
    let stuck = resolved(&files).get(&ObjectKey::new("Instance", "stuck")).unwrap().digest;
    world.job(9, "Instance/stuck", false, Some(("connection refused by db-3", Some(stuck)))).plan(&files)
}

fn desired() -> [String; 3] {
    let with = |name: &str, memory: &str| instance(name, &format!("  resources: {{memory: {memory}}}\n"));
    let rest = [
        with("kora-eu", "8Gi"), with("both-ways", "16Gi"), with("busy", "12Gi"), with("stuck", "64Gi"), with("back-again", "8Gi"),
        "apiVersion: pintle/v1\nkind: Instance\nmetadata: {name: brand-new}\nspec: {type: partner-deployed, partner: acme, resources: {cpu: 4, memory: 8Gi}, network: {domains: [shop.acme.example]}}\n".to_owned(),
    ].join("---\n");
    [acme("16Gi", "#0b7a75", "Monday", "acme-smtp-2"), rest, partner("acme")]
}

/// A world of `number` instances, all raised alike.
pub fn alike(number: usize) -> Plan {
    let all = |memory: &str| {
        (0..number)
            .map(|at| instance(&format!("shop-{at:03}"), &format!("  resources: {{memory: {memory}}}\n")))
            .collect::<Vec<_>>()
            .join("---\n")
    };
    World::applied(&[("all.yaml", &all("8Gi"))]).plan(&[("all.yaml", &all("16Gi"))])
}

/// A world in which `number` instances are deleted, and one stays.
pub fn deleting(number: usize, name: impl Fn(usize) -> String) -> Plan {
    let one = instance("stays", "");
    let mut world = World::applied(&[("all.yaml", &one)]);
    for at in 0..number {
        let key = ObjectKey::new("Instance", name(at));
        let head =
            LiveObject { key: key.clone(), uid: Uuid::from_u128(1000 + at as u128), ..world.live.objects[0].clone() };
        world.live.bodies.insert(key, Bodies::of(Value::map(), Some(Value::map())));
        world.live.objects.push(head);
    }
    world.live.objects.sort_by(|a, b| a.key.cmp(&b.key));
    world.plan(&[("all.yaml", &one)])
}

pub struct Files(pub HashMap<&'static str, String>);

impl crate::resolve::Sources for Files {
    fn text(&self, file: &str) -> Option<std::sync::Arc<str>> {
        self.0.get(file).map(|text| text.as_str().into())
    }
}
