//! The station itself: one pass over the documents, each on its own, then what needs all of them.

use super::guardrails::Facts;
use super::index::{Entry, Index};
use super::memory::{Bench, Kept, Memory};
use super::object::{Object, digest_of_body, object_body};
use super::rules::{self, Fact};
use super::ties::Ties;
use super::{Problem, cycles, layers, references, secrets, settings};
use crate::change::{Digest, FieldPath, Map, ObjectKey, Value};
use crate::diagnostic::{Code, Severity};
use crate::model::{Catalog, KindDef};
use crate::parse::ParsedTree;
use std::sync::Arc;

/// What a tree says: its objects, sorted by key, and all that is wrong with it.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The desired objects. Complete only when nothing is wrong.
    pub objects: Vec<Arc<Object>>,
    /// Everything wrong, errors and warnings.
    pub problems: Vec<Problem>,
    /// Files of the tree that could not be read as documents; their errors stand in the tree.
    pub broken_files: usize,
    /// What was found of each document, for the next tree.
    pub(super) memory: Memory,
    /// Who is held against whom; made when it is first needed.
    pub(super) ties: Option<Ties>,
}

impl Resolved {
    /// The object called `key`.
    pub fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.binary_search_by(|object| object.key.cmp(key)).ok().map(|at| &*self.objects[at])
    }

    /// Whether the commit must be held.
    pub fn has_errors(&self) -> bool {
        self.broken_files > 0 || self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// Resolves `tree`. `previous` is the tree accepted before: for guardrails that compare, and so that
/// what did not change is not resolved again.
pub fn resolve(tree: &ParsedTree, catalog: &Catalog, previous: Option<&Resolved>, now: jiff::Timestamp) -> Resolved {
    let mut problems = Vec::new();
    let index = Index::of(tree, catalog, &mut problems);
    let before = previous.map(|tree| &tree.memory).filter(|memory| memory.is_by(catalog));
    let bench = Bench::of(&index, before.map(Memory::bench));
    problems.extend(bench.problems.iter().cloned());
    let known = before.filter(|memory| Arc::ptr_eq(memory.bench(), &bench));
    let steady = known.is_some_and(|memory| memory.is_in(&index));
    let world = World { catalog, index: &index, bench: &bench, previous, known, steady, now };
    let entries: Vec<&Entry> = index.iter().collect();
    let Found { mut objects, problems: mut found, facts, kept } = on_all_cores(&entries, &world);
    problems.append(&mut found);
    let broken_files = tree.files.iter().filter(|file| !file.parsed.errors.is_empty()).count();
    problems.extend(rules::check(facts, broken_files == 0, &index, catalog));
    objects.sort_unstable_by(|a, b| (&a.key, &a.document).cmp(&(&b.key, &b.document)));
    problems.extend(settings::given_twice(&objects));
    problems.extend(cycles::find(&objects).iter().filter_map(|key| circle(key, &index)));
    Resolved { objects, problems, broken_files, memory: Memory::of(catalog, bench, index, kept), ties: None }
}

/// What a document is resolved in.
pub(super) struct World<'a> {
    pub catalog: &'a Catalog,
    pub index: &'a Index,
    pub bench: &'a Bench,
    pub previous: Option<&'a Resolved>,
    pub known: Option<&'a Memory>,
    /// Whether the memory's names and layers are this tree's.
    pub steady: bool,
    pub now: jiff::Timestamp,
}

/// What resolving documents one by one gives.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub objects: Vec<Arc<Object>>,
    pub problems: Vec<Problem>,
    /// Of the sound documents, for the rules across documents.
    pub facts: Vec<(&'a Entry, Fact)>,
    /// For the next tree.
    kept: Vec<Arc<Kept>>,
}

/// Below this many documents a second thread costs more than it gives.
const WORTH_A_THREAD: usize = 512;

fn on_all_cores<'a>(entries: &[&'a Entry], world: &World<'_>) -> Found<'a> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = entries.len().div_ceil(cores).max(WORTH_A_THREAD);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> =
            entries.chunks(share).map(|part| scope.spawn(move || resolve_part(part, world))).collect();
        running.into_iter().map(|one| one.join().expect("resolving does not panic")).collect()
    });
    let mut all = Found { objects: Vec::with_capacity(entries.len()), ..Found::default() };
    for part in parts {
        all.objects.extend(part.objects);
        all.problems.extend(part.problems);
        all.facts.extend(part.facts);
        all.kept.extend(part.kept);
    }
    all
}

fn resolve_part<'a>(entries: &[&'a Entry], world: &World<'_>) -> Found<'a> {
    let mut found = Found::default();
    for entry in entries {
        if let Some(kept) = world.known.and_then(|memory| memory.recall(entry, world.index, world.steady)) {
            found.recall(entry, kept);
        } else if let Some(kind) = world.catalog.kind(&entry.document.key.kind) {
            let before = Mark::of(&found);
            let lasting = resolve_one(entry, kind, world, &mut found);
            found.keep(entry, &before, lasting, world.index);
        }
    }
    found
}

impl<'a> Found<'a> {
    fn recall(&mut self, entry: &'a Entry, kept: &Arc<Kept>) {
        self.objects.extend(kept.objects.iter().cloned());
        self.facts.extend(kept.fact.clone().map(|fact| (entry, fact)));
        self.kept.push(kept.clone());
    }

    /// Keeps what was found of `entry` since `before`.
    fn keep(&mut self, entry: &'a Entry, before: &Mark, lasting: bool, index: &Index) {
        let objects = &self.objects[before.objects..];
        let lasting = lasting && self.problems.len() == before.problems && !objects.is_empty();
        let objects = if lasting { objects.to_vec() } else { Vec::new() };
        let fact = self.facts.get(before.facts).map(|(_, fact)| fact.clone());
        self.kept.push(Arc::new(Kept::of(entry, index, objects, fact, lasting)));
    }
}

/// How much was found before a document.
struct Mark {
    objects: usize,
    problems: usize,
    facts: usize,
}

impl Mark {
    fn of(found: &Found<'_>) -> Self {
        Self { objects: found.objects.len(), problems: found.problems.len(), facts: found.facts.len() }
    }
}

/// Whether what is found of `entry` holds for as long as what it was made of does not change.
pub(super) fn resolve_one<'a>(entry: &'a Entry, kind: &KindDef, world: &World<'_>, found: &mut Found<'a>) -> bool {
    let problems = &mut found.problems;
    let layers = layers::layers(entry, world.index, problems);
    let id = entry.id();
    let written = with_spec(&entry.document.body, layers::merged(&layers));
    let place = |path: &FieldPath, part| layers::place_of(&layers, id.clone(), path, part);
    let violations = kind.violations(&written);
    let sound = violations.is_empty();
    problems.extend(violations.into_iter().map(|one| {
        let at = place(&one.path, one.part);
        Problem::from_violation(one, at)
    }));
    let references = references::check(&kind.shape, &written, &layers, &id, world.index, problems);
    for (path, what) in secrets::find(&written) {
        problems.push(Problem { place: place(&path, crate::parse::Part::Value), ..secret(&id, what) });
    }
    if !sound {
        return false;
    }
    found.facts.extend(written.get("spec").and_then(|spec| Fact::of(kind.name, spec)).map(|fact| (entry, fact)));
    let (object, body) = build(entry, kind, written, references.into());
    for (path, message) in world.bench.schemas.check(entry, &body, &object.references) {
        problems.push(Problem {
            place: place(&path, crate::parse::Part::Value),
            ..Problem::error(Code::ConfigSchema, &id, path, message)
        });
    }
    problems.extend(world.bench.guardrails.check(entry, &body, &facts(entry, &object, world)));
    let lasting = !world.bench.guardrails.change_with_time(&object.key, &body);
    match kind.expand(body.get("spec").unwrap_or(&Value::Null)) {
        Some(parts) => {
            found.objects.extend(settings::expand(entry, parts, &object.references).into_iter().map(Arc::new));
        }
        None => found.objects.push(Arc::new(object)),
    }
    lasting
}

/// The document as its schema sees it: as written, but with the merged spec.
fn with_spec(body: &Value, spec: Value) -> Value {
    let rest = body.as_map().into_iter().flat_map(Map::entries).filter(|(key, _)| &***key != "spec");
    let rest = rest.map(|(key, value)| (key.clone(), value.clone()));
    Value::Map(rest.chain([("spec".into(), spec)]).collect())
}

fn build(entry: &Entry, kind: &KindDef, mut written: Value, references: Arc<[ObjectKey]>) -> (Object, Value) {
    let document = &entry.document;
    kind.shape.order_sets(&mut written);
    let before = digest_of_body(document, written.get("spec").unwrap_or(&Value::Null));
    kind.shape.fill_defaults(&mut written);
    let spec = written.as_map_mut().and_then(|map| map.remove("spec")).unwrap_or_default();
    let body = object_body(document, spec);
    let partner = match &*document.key.kind {
        "Partner" => Some(document.key.name.clone()),
        _ => body.at(&["spec", "partner"]).and_then(Value::as_str).map(Into::into),
    };
    let object = Object {
        key: document.key.clone(),
        digest: Digest::of_value(&body),
        body: serde_json::to_string(&body).unwrap_or_default().into(),
        written: before,
        document: entry.id(),
        line: document.line,
        references,
        partner,
        previous_name: document.previous_name.clone(),
    };
    (object, body)
}

fn facts<'a>(entry: &Entry, object: &Object, world: &World<'a>) -> Facts<'a> {
    let old = world.previous.and_then(|tree| tree.get(&entry.document.key));
    let partner = object.partner.as_ref().and_then(|name| world.index.get(&ObjectKey::new("Partner", name.clone())));
    Facts { now: world.now, old, partner }
}

fn secret(id: &crate::parse::DocumentId, what: &str) -> Problem {
    Problem::error(Code::SecretInGit, id, FieldPath::default(), format!("this looks like {what}"))
        .with_hint(Some("take it out, revoke it, and name it by `secretRef`".into()))
}

fn circle(key: &ObjectKey, index: &Index) -> Option<Problem> {
    let entry = index.get(key)?;
    Some(Problem::error(
        Code::ReferenceCycle,
        &entry.id(),
        FieldPath::dotted("metadata.name"),
        format!("{key} refers to itself through others"),
    ))
}
