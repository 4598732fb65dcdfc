//! Guardrails: a CEL expression that every matching document must satisfy. One that cannot be
//! compiled or evaluated denies; its length and its work are bounded.

use super::cost::{Cost, width};
use super::index::{Entry, Index};
use super::views::{View, Views};
use super::{Object, Problem};
use crate::change::{FieldPath, ObjectKey, Value};
use crate::diagnostic::{Code, Severity};
use crate::parse::{Part, Place};
use cel::objects::{Key, Map as CelMap};
use std::collections::{BTreeMap, HashMap};
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
    views: Views,
    cost: Cost,
    message: Box<str>,
    severity: Severity,
}

/// The compiled guardrails of a tree.
#[derive(Default)]
pub struct Guardrails {
    rules: Vec<Guardrail>,
    /// What the rules of a kind look at together, those of every kind included; of every kind under the empty name.
    views: BTreeMap<Box<str>, Views>,
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
        let rules: Vec<Guardrail> = index
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
        let views = views_by_kind(&rules);
        Self { rules, views, env }
    }

    /// Whether no rule looks at the clock or at what was before.
    pub fn are_timeless(&self) -> bool {
        !self.rules.iter().any(Guardrail::looks_at_time)
    }

    /// Whether a verdict on `key` with these labels may be another one in the next commit although
    /// nothing that it was made of changed: it looks at the clock or at what was before.
    pub fn change_with_time(&self, key: &ObjectKey, body: &Value) -> bool {
        self.rules.iter().any(|rule| rule.looks_at_time() && rule.matches(key, body))
    }

    /// Every guardrail that `body` breaks.
    pub fn check(&self, entry: &Entry, body: &Value, facts: &Facts<'_>) -> Vec<Problem> {
        let key = &entry.document.key;
        let matching: Vec<&Guardrail> = self.rules.iter().filter(|rule| rule.matches(key, body)).collect();
        if matching.is_empty() {
            return Vec::new();
        }
        let generic = || self.views.get("");
        let Some(views) = self.views.get(&*key.kind).or_else(generic) else { return Vec::new() };
        let [object, old, partner] = ["object", "old", "partner"].map(|name| views.variable(name));
        let before = facts.old.filter(|_| old.is_some()).map(Object::value);
        let owner = facts.partner.filter(|_| partner.is_some()).map(|entry| &entry.document);
        let sees = [Some(body), before.as_ref(), owner.map(|document| &document.body)];
        let width = sees.into_iter().flatten().map(width).max().unwrap_or_default();
        let mut context = cel::Context::with_env(self.env.clone());
        if let Some(view) = object {
            context.add_variable_from_value("object", document(key, body, view));
        }
        if let Some(view) = old {
            let before = before.as_ref().map_or(cel::Value::Null, |old| document(key, old, view));
            context.add_variable_from_value("old", before);
        }
        if let Some(view) = partner {
            let owner = owner.map_or(cel::Value::Null, |one| document(&one.key, &one.body, view));
            context.add_variable_from_value("partner", owner);
        }
        if views.variable("now").is_some() {
            context.add_variable_from_value("now", facts.now.to_string());
        }
        matching.iter().filter_map(|rule| Some(problem(rule, entry, rule.verdict(&context, width)?))).collect()
    }
}

/// What the rules of each kind look at together.
fn views_by_kind(rules: &[Guardrail]) -> BTreeMap<Box<str>, Views> {
    let kinds = rules.iter().map(|rule| rule.kind.clone().unwrap_or_default());
    let mut all: BTreeMap<Box<str>, Views> = kinds.map(|kind| (kind, Views::default())).collect();
    for (kind, views) in &mut all {
        let of_kind = rules.iter().filter(|rule| rule.kind.as_ref().is_none_or(|one| one == kind));
        of_kind.for_each(|rule| views.merge(&rule.views));
    }
    all
}

impl Guardrail {
    fn looks_at_time(&self) -> bool {
        ["now", "old"].iter().any(|name| self.views.variable(name).is_some())
    }

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
        views: Views::of(program.expression()),
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

/// A document as an expression sees it, as far as it looks: `object.metadata.labels`, `object.spec`.
fn document(key: &ObjectKey, body: &Value, view: &View) -> cel::Value {
    let part = |name: &str, view: &View| {
        let part = body.get(name).or_else(|| body.at(&["metadata", name]));
        part.map_or_else(|| map(std::iter::empty()), |part| cel_value(part, view))
    };
    let metadata = view.field("metadata").map(|view| {
        let name = view.field("name").map(|_| ("name", cel::Value::from(&*key.name)));
        let parts = ["labels", "annotations"].map(|name| view.field(name).map(|view| (name, part(name, view))));
        ("metadata", map(name.into_iter().chain(parts.into_iter().flatten())))
    });
    let kind = view.field("kind").map(|_| ("kind", cel::Value::from(&*key.kind)));
    let spec = view.field("spec").map(|view| ("spec", part("spec", view)));
    map(kind.into_iter().chain(metadata).chain(spec))
}

fn map<'k>(entries: impl Iterator<Item = (&'k str, cel::Value)>) -> cel::Value {
    let map: HashMap<Key, cel::Value> = entries.map(|(key, value)| (Key::from(key.to_owned()), value)).collect();
    cel::Value::Map(CelMap { map: Arc::new(map) })
}

/// Integers become CEL's `int`, so that `replicas > 1` compares like with like.
fn cel_value(value: &Value, view: &View) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => number.as_i64().map_or_else(|| cel::Value::Float(number.as_f64()), cel::Value::Int),
        Value::String(text) => cel::Value::from(&**text),
        // Of a list everything is seen: who looks into it goes through a loop or an index.
        Value::List(items) => {
            cel::Value::List(Arc::new(items.iter().map(|item| cel_value(item, &View::Whole)).collect()))
        }
        Value::Map(entries) => match view {
            View::Whole => map(entries.iter().map(|(key, value)| (key, cel_value(value, view)))),
            View::Fields(fields) => {
                let seen = fields.iter().filter_map(|(key, view)| Some((&**key, cel_value(entries.get(key)?, view))));
                map(seen)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXPRESSIONS: [&str; 9] = [
        "has(object.spec.a) && has(object.spec.a.b) && size(object.spec.a.b) > 0",
        "object.spec.a == object.spec.b || object.metadata.name == 'x'",
        "object.spec.all(key, key != 'b' || object.spec[key] != null)",
        "has(object.metadata.labels.a) ? object.metadata.labels.a == 'x' : object.kind == 'Suite'",
        "!has(object.spec.a) || object.spec.a.exists(one, one == 'b')",
        "object.spec.a.b.c > 1",
        "size(object) > 0 && size(object.spec) > 1",
        "[object.spec.a, object.spec.b].all(one, one != null)",
        "object['spec'].b == {'c': object.spec.a}.c",
    ];

    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf =
            prop_oneof![Just(serde_json::Value::Null), (0..3_i64).prop_map(Into::into), "[xb]".prop_map(Into::into)];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let map = proptest::collection::btree_map("[abc]", inner.clone(), 0..3);
            prop_oneof![
                proptest::collection::vec(inner, 0..3).prop_map(Into::into),
                map.prop_map(|map| map.into_iter().collect())
            ]
        })
    }

    proptest! {
        #[test]
        fn what_an_expression_says_of_the_part_that_it_sees_it_says_of_the_whole(spec in proptest::collection::btree_map("[abc]", values(), 0..4), label in "[ax]") {
            let spec: serde_json::Value = spec.into_iter().collect();
            let body = Value::from(&serde_json::json!({"labels": {label: "x"}, "annotations": {}, "spec": spec}));
            let (key, env) = (ObjectKey::new("Suite", "x"), Arc::new(cel::Env::stdlib()));
            for expression in EXPRESSIONS {
                let program = env.compile(expression).unwrap();
                let says = |view: &View| {
                    let mut context = cel::Context::with_env(env.clone());
                    context.add_variable_from_value("object", document(&key, &body, view));
                    program.execute(&context).map_err(|error| error.to_string())
                };
                let seen = Views::of(program.expression());
                let (part, whole) = (says(seen.variable("object").unwrap()), says(&View::Whole));
                prop_assert_eq!(part.is_ok(), whole.is_ok(), "{}: {:?} {:?}", expression, part, whole);
                prop_assert_eq!(part.ok(), whole.ok(), "{}", expression);
            }
        }
    }
}
