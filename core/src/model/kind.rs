//! What makes a kind: a name, a table, a typed spec, and the checks that no schema can express.

use super::schema::document_schema;
use super::shape::Shape;
use super::violation::{Violation, violations};
use crate::change::{FieldPath, Value};
use crate::diagnostic::Code;

/// A kind of document. Implement it in a file of its own and register it in the catalog.
pub trait Kind {
    /// As in `kind: Instance`.
    const NAME: &'static str;
    /// As in `pintle get instances`.
    const PLURAL: &'static str;
    /// The live table.
    const TABLE: &'static str;
    /// One sentence for `pintle explain`.
    const SUMMARY: &'static str;
    /// The typed `spec`.
    type Spec: schemars::JsonSchema;

    /// Checks a merged spec beyond its schema. Cross-field rules only; references are generic.
    fn check(_spec: &Value, _problems: &mut Problems) {}

    /// The objects that one document stands for, when it is not one: `(name, spec)` each.
    fn expand(_spec: &Value) -> Option<Vec<(String, FieldPath, Value)>> {
        None
    }
}

/// What a kind's own check found.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Violation>);

impl Problems {
    /// Two fields that contradict each other, told at `path` (below `spec`).
    pub fn inconsistent(&mut self, path: &str, message: impl Into<String>) -> &mut Self {
        self.push(Code::Inconsistent, path, message)
    }

    /// A value that its type allows but the kind does not.
    pub fn invalid(&mut self, path: &str, message: impl Into<String>) -> &mut Self {
        self.push(Code::InvalidValue, path, message)
    }

    /// A hint for the last problem.
    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        if let Some(last) = self.0.last_mut() {
            last.hint = Some(hint.into());
        }
        self
    }

    fn push(&mut self, code: Code, path: &str, message: impl Into<String>) -> &mut Self {
        let path = FieldPath(
            std::iter::once("spec").chain(path.split('.').filter(|key| !key.is_empty())).map(str::to_owned).collect(),
        );
        self.0.push(Violation::new(code, path, message));
        self
    }
}

type Expansion = Option<Vec<(String, FieldPath, Value)>>;

/// A registered kind, compiled once.
pub struct KindDef {
    /// As in `kind: Instance`.
    pub name: &'static str,
    /// As in `pintle get instances`.
    pub plural: &'static str,
    /// The live table.
    pub table: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The published JSON Schema of the whole document.
    pub schema: serde_json::Value,
    /// The compiled shape of the whole document.
    pub shape: Shape,
    validator: jsonschema::Validator,
    check: fn(&Value, &mut Problems),
    expand: fn(&Value) -> Expansion,
}

impl KindDef {
    /// Compiles `K`.
    pub fn of<K: Kind>() -> Self {
        let schema = document_schema::<K>();
        let validator = compile(&schema);
        let shape = Shape::of(&schema);
        Self {
            name: K::NAME,
            plural: K::PLURAL,
            table: K::TABLE,
            summary: K::SUMMARY,
            schema,
            shape,
            validator,
            check: K::check,
            expand: K::expand,
        }
    }

    /// Everything in which `body`, a merged document, breaks the schema or the kind's own checks.
    pub fn violations(&self, body: &Value) -> Vec<Violation> {
        let json = serde_json::Value::from(body);
        if !self.validator.is_valid(&json) {
            return violations(&self.validator, &json, &self.shape);
        }
        let mut problems = Problems::default();
        (self.check)(body.get("spec").unwrap_or(&Value::Null), &mut problems);
        problems.0
    }

    /// The objects that one document stands for, when it is not one.
    pub fn expand(&self, spec: &Value) -> Expansion {
        (self.expand)(spec)
    }
}

/// Compiles a schema that was generated here, with the formats of our scalars.
pub(super) fn compile(schema: &serde_json::Value) -> jsonschema::Validator {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_format("cron", super::scalar::is_cron)
        .with_format("timezone", super::scalar::is_timezone)
        .with_format("cidr", super::scalar::is_cidr)
        .with_format("semver", super::scalar::is_semver)
        .with_format("semver-range", super::scalar::is_semver_range)
        .with_format("instant", super::scalar::is_instant)
        .with_format("calendar-date", super::scalar::is_calendar_date)
        .build(schema)
        .expect("a generated schema compiles")
}

impl std::fmt::Debug for KindDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KindDef({})", self.name)
    }
}
