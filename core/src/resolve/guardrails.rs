//! Guardrails: a CEL expression that every matching document must satisfy. One that cannot be
//! compiled or evaluated denies; its length and its work are bounded.

use super::cost::{Cost, width};
use super::index::{Entry, Index};
use super::{Object, Problem};
use crate::change::{FieldPath, ObjectKey, Value};
use crate::diagnostic::{Code, Severity};
use crate::parse::{Part, Place};
use cel::objects::{Key, Map as CelMap};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of one expression.
const MAX_EXPRESSION: usize = 4096;
/// An expression that would be too costly with this few entries is refused at once.
const FEW: usize = 16;

struct Guardrail {
    name: Arc<str>,
    kind: Option<Box<str>>,
    labels: Vec<(Box<str>, Value)>,
    program: cel::Program,
    reads: Reads,
    cost: Cost,
    message: Box<str>,
    severity: Severity,
}

/// Which variables an expression names. What none of them reads need not be built.
#[derive(Debug, Clone, Copy, Default)]
struct Reads {
    object: bool,
    old: bool,
    partner: bool,
    now: bool,
}

impl Reads {
    fn of(program: &cel::Program) -> Self {
        let references = program.references();
        let reads = |name: &str| references.has_variable(name) || references.has_variable(format!(".{name}"));
        Self { object: reads("object"), old: reads("old"), partner: reads("partner"), now: reads("now") }
    }

    fn and(self, other: Self) -> Self {
        Self {
            object: self.object || other.object,
            old: self.old || other.old,
            partner: self.partner || other.partner,
            now: self.now || other.now,
        }
    }
}

/// The compiled guardrails of a tree.
#[derive(Default)]
pub struct Guardrails {
    rules: Vec<Guardrail>,
    env: Arc<cel::Env>,
}

/// What an expression sees beside the document itself.
pub struct Facts<'a> {
    /// The moment of judging.
    pub now: jiff::Timestamp,
    /// The same object in the tree accepted before, if there was one.
    pub old: Option<&'a Object>,
    /// The document's owner, if it has one.
    pub partner: Option<&'a Entry>,
}

impl Guardrails {
    /// Compiles those of `index`; broken ones go to `problems`.
    pub fn of(index: &Index, problems: &mut Vec<Problem>) -> Self {
        let env = Arc::new(cel::Env::stdlib());
        let rules = index
            .of_kind("Guardrail")
            .filter_map(|entry| match compile(entry, &env) {
                Ok(rule) => Some(rule),
                Err(reason) => {
                    problems.push(Problem::error(
                        Code::GuardrailInvalid,
                        &entry.id(),
                        FieldPath::dotted("spec.expression"),
                        reason,
                    ));
                    None
                }
            })
            .collect();
        Self { rules, env }
    }

    /// Whether no rule looks at the clock or at what was before.
    pub fn are_timeless(&self) -> bool {
        !self.rules.iter().any(|rule| rule.reads.now || rule.reads.old)
    }

    /// Whether a verdict on `key` with these labels may be another one in the next commit although
    /// nothing that it was made of changed: it looks at the clock or at what was before.
    pub fn change_with_time(&self, key: &ObjectKey, body: &Value) -> bool {
        self.rules.iter().any(|rule| (rule.reads.now || rule.reads.old) && rule.matches(key, body))
    }

    /// Every guardrail that `body` breaks.
    pub fn check(&self, entry: &Entry, body: &Value, facts: &Facts<'_>) -> Vec<Problem> {
        let key = &entry.document.key;
        let matching: Vec<&Guardrail> = self.rules.iter().filter(|rule| rule.matches(key, body)).collect();
        if matching.is_empty() {
            return Vec::new();
        }
        let reads = matching.iter().fold(Reads::default(), |reads, rule| reads.and(rule.reads));
        let old = facts.old.filter(|_| reads.old).map(Object::value);
        let partner = facts.partner.filter(|_| reads.partner).map(|entry| &entry.document);
        let sees = [Some(body), old.as_ref(), partner.map(|document| &document.body)];
        let width = sees.into_iter().flatten().map(width).max().unwrap_or_default();
        let mut context = cel::Context::with_env(self.env.clone());
        if reads.object {
            context.add_variable_from_value("object", document(key, body));
        }
        if reads.old {
            context.add_variable_from_value("old", old.as_ref().map_or(cel::Value::Null, |old| document(key, old)));
        }
        if reads.partner {
            context.add_variable_from_value(
                "partner",
                partner.map_or(cel::Value::Null, |one| document(&one.key, &one.body)),
            );
        }
        if reads.now {
            context.add_variable_from_value("now", facts.now.to_string());
        }
        matching.iter().filter_map(|rule| Some(problem(rule, entry, rule.verdict(&context, width)?))).collect()
    }
}

impl Guardrail {
    fn matches(&self, key: &ObjectKey, body: &Value) -> bool {
        let label = |name: &str| body.at(&["labels", name]);
        self.kind.as_ref().is_none_or(|kind| **kind == *key.kind)
            && self.labels.iter().all(|(name, wanted)| label(name) == Some(wanted))
    }

    /// `None` when it holds, else why not.
    fn verdict(&self, context: &cel::Context<'_, '_>, width: usize) -> Option<(Code, String)> {
        if !self.cost.is_bearable(width) {
            return Some((Code::GuardrailInvalid, format!("the expression is too costly over {width} entries")));
        }
        match self.program.execute(context) {
            Ok(cel::Value::Bool(true)) => None,
            Ok(cel::Value::Bool(false)) => Some((Code::GuardrailBroken, self.message.to_string())),
            Ok(_) => Some((Code::GuardrailInvalid, "the expression gives no boolean".into())),
            Err(error) => Some((Code::GuardrailInvalid, format!("the expression failed: {error}"))),
        }
    }
}

fn compile(entry: &Entry, env: &cel::Env) -> Result<Guardrail, String> {
    let spec = entry.document.spec();
    let text = |path: &[&str]| spec.at(path).and_then(Value::as_str);
    let expression = text(&["expression"]).ok_or("the expression is missing")?;
    if expression.len() > MAX_EXPRESSION {
        return Err(format!("the expression is longer than {MAX_EXPRESSION} bytes"));
    }
    let program = env.compile(expression).map_err(|error| not_cel(&error.to_string()))?;
    let cost = Cost::of(program.expression());
    if !cost.is_bearable(FEW) {
        return Err("the expression is too costly: too many loops in each other".into());
    }
    let labels = spec.at(&["match", "labels"]).and_then(Value::as_map);
    Ok(Guardrail {
        name: entry.document.key.name.clone(),
        kind: text(&["match", "kind"]).map(Into::into),
        labels: labels
            .map(|map| map.iter().map(|(key, value)| (key.into(), value.clone())).collect())
            .unwrap_or_default(),
        reads: Reads::of(&program),
        program,
        cost,
        message: text(&["message"]).unwrap_or_default().into(),
        severity: if text(&["enforcement"]) == Some("warn") { Severity::Warning } else { Severity::Error },
    })
}

/// The first line of what the parser says, without its name for the input.
fn not_cel(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    format!("not a CEL expression: {}", first.trim_start_matches("ERROR: <input>:"))
}

fn problem(rule: &Guardrail, entry: &Entry, (code, message): (Code, String)) -> Problem {
    Problem {
        severity: if code == Code::GuardrailBroken { rule.severity } else { Severity::Error },
        code,
        place: Place { document: entry.id(), path: FieldPath::dotted("metadata.name"), part: Part::Value },
        message: format!("{}: {message}", entry.document.key),
        label: Some(format!("broken here: guardrail `{}`", rule.name)),
        hint: Some(format!("`pintle explain {code}`, and see Guardrail/{}", rule.name)),
    }
}

/// A document as an expression sees it: `object.metadata.labels`, `object.spec`.
fn document(key: &ObjectKey, body: &Value) -> cel::Value {
    let part = |name: &str| body.get(name).or_else(|| body.at(&["metadata", name])).map_or_else(empty, cel_value);
    let metadata =
        [("name", cel::Value::from(&*key.name)), ("labels", part("labels")), ("annotations", part("annotations"))];
    let fields = [("kind", cel::Value::from(&*key.kind)), ("metadata", map(metadata)), ("spec", part("spec"))];
    map(fields)
}

fn empty() -> cel::Value {
    map([])
}

fn map<const N: usize>(entries: [(&str, cel::Value); N]) -> cel::Value {
    let map: HashMap<Key, cel::Value> =
        entries.into_iter().map(|(key, value)| (Key::from(key.to_owned()), value)).collect();
    cel::Value::Map(CelMap { map: Arc::new(map) })
}

/// Integers become CEL's `int`, so that `replicas > 1` compares like with like.
fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => number.as_i64().map_or_else(|| cel::Value::Float(number.as_f64()), cel::Value::Int),
        Value::String(text) => cel::Value::from(&**text),
        Value::List(items) => cel::Value::List(Arc::new(items.iter().map(cel_value).collect())),
        Value::Map(entries) => {
            let map: HashMap<Key, cel::Value> =
                entries.iter().map(|(key, value)| (Key::from(key.to_owned()), cel_value(value))).collect();
            cel::Value::Map(CelMap { map: Arc::new(map) })
        }
    }
}
