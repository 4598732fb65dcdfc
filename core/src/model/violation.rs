//! Schema errors in the user's words: a path, a code, what was expected, the nearest field.

use super::Shape;
use crate::change::FieldPath;
use crate::diagnostic::{Code, nearest};
use crate::parse::Part;
use jsonschema::error::{TypeKind, ValidationErrorKind};

/// One way in which a merged document breaks its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The code.
    pub code: Code,
    /// From the document's root.
    pub path: FieldPath,
    /// The key or the value.
    pub part: Part,
    /// One sentence.
    pub message: String,
    /// What was expected there.
    pub label: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Violation {
    /// A violation at the value at `path`.
    pub fn new(code: Code, path: FieldPath, message: impl Into<String>) -> Self {
        Self { code, path, part: Part::Value, message: message.into(), label: None, hint: None }
    }
}

/// All violations of `json` against the compiled schema.
pub(super) fn violations(validator: &jsonschema::Validator, json: &serde_json::Value, shape: &Shape) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    for error in validator.iter_errors(json) {
        let path = path_of(&error.instance_path().to_string());
        let here = shape.at(&path.0);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                found.extend(unexpected.iter().map(|field| unknown_field(&path, field, here)));
            }
            ValidationErrorKind::Required { property } => {
                found.push(missing_field(path, property.as_str().unwrap_or_default(), here));
            }
            ValidationErrorKind::Type { kind } => found.push(wrong_type(path, kind, error.instance(), here)),
            ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => {
                found.push(not_one_of(path, error.instance(), here));
            }
            ValidationErrorKind::PropertyNames { error } => found.push(bad_key(&path, error.instance())),
            kind => {
                let fallback = bound(kind).unwrap_or_else(|| error.to_string());
                found.push(invalid(path, error.instance(), here, &fallback));
            }
        }
    }
    found.dedup();
    found
}

fn path_of(pointer: &str) -> FieldPath {
    let unescape = |key: &str| key.replace("~1", "/").replace("~0", "~");
    FieldPath(pointer.split('/').skip(1).map(unescape).collect())
}

fn unknown_field(parent: &FieldPath, field: &str, shape: Option<&Shape>) -> Violation {
    let known: Vec<&str> = shape.map(|s| s.properties.keys().map(|key| &**key).collect()).unwrap_or_default();
    let mut violation = Violation::new(Code::UnknownField, parent.child(field), format!("unknown field `{field}`"));
    violation.part = Part::Key;
    violation.label = Some(format!("expected one of {}", listed(known.iter().copied())));
    violation.hint = nearest(field, known).map(|name| format!("did you mean `{name}`?"));
    violation
}

fn missing_field(parent: FieldPath, field: &str, shape: Option<&Shape>) -> Violation {
    let mut violation = Violation::new(Code::MissingField, parent, format!("missing field `{field}`"));
    violation.part = Part::Key;
    violation.hint =
        shape.and_then(|s| s.properties.get(field)?.description.as_deref().map(|text| format!("`{field}`: {text}")));
    violation
}

fn wrong_type(path: FieldPath, kind: &TypeKind, found: &serde_json::Value, shape: Option<&Shape>) -> Violation {
    let wanted = match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(many) if many.iter().count() > 3 && shape.is_some_and(|s| s.expects.is_some()) => {
            shape.and_then(|s| s.expects.as_deref()).unwrap_or_default().to_owned()
        }
        TypeKind::Multiple(many) => {
            many.iter().map(|one| one.to_string()).filter(|one| one != "null").collect::<Vec<_>>().join(" or ")
        }
    };
    let mut violation = Violation::new(Code::WrongType, path, format!("expected {wanted}, found {}", shown(found)));
    violation.label = shape.and_then(|s| s.expects.as_deref().map(|text| format!("expected {text}")));
    violation.hint = found
        .as_str()
        .filter(|text| wanted == "boolean" && matches!(*text, "yes" | "no" | "on" | "off"))
        .map(|_| "write `true` or `false`".to_owned());
    violation
}

fn not_one_of(path: FieldPath, found: &serde_json::Value, shape: Option<&Shape>) -> Violation {
    let values = shape.map(|s| s.values.as_slice()).unwrap_or_default();
    let mut violation = Violation::new(Code::InvalidValue, path, format!("{} is not allowed here", shown(found)));
    violation.label =
        (!values.is_empty()).then(|| format!("expected one of {}", listed(values.iter().map(String::as_str))));
    violation.hint = found
        .as_str()
        .and_then(|text| nearest(text, values.iter().map(String::as_str)))
        .map(|name| format!("did you mean `{name}`?"));
    violation
}

fn invalid(path: FieldPath, found: &serde_json::Value, shape: Option<&Shape>, fallback: &str) -> Violation {
    match shape.and_then(|s| s.expects.as_deref()) {
        Some(expects) => {
            let mut violation = Violation::new(Code::InvalidValue, path, format!("{} is not {expects}", shown(found)));
            violation.label = Some(format!("expected {expects}"));
            violation
        }
        None => Violation::new(Code::InvalidValue, path, fallback),
    }
}

/// A key of a free map that has the wrong form.
fn bad_key(parent: &FieldPath, key: &serde_json::Value) -> Violation {
    let key = key.as_str().unwrap_or_default();
    let mut violation = Violation::new(Code::InvalidValue, parent.child(key), format!("`{key}` cannot be a key here"));
    violation.part = Part::Key;
    violation.hint = Some("write dotted words such as `auth.session.ttl`".to_owned());
    violation
}

/// The sentence for a value beyond a bound.
fn bound(kind: &ValidationErrorKind) -> Option<String> {
    Some(match kind {
        ValidationErrorKind::MinItems { limit } | ValidationErrorKind::MinProperties { limit } => {
            format!("expected at least {limit} here")
        }
        ValidationErrorKind::MaxItems { limit } | ValidationErrorKind::MaxProperties { limit } => {
            format!("expected at most {limit} here")
        }
        ValidationErrorKind::MinLength { limit: 1 } => "the text is empty".to_owned(),
        ValidationErrorKind::MaxLength { limit } => format!("the text is longer than {limit} characters"),
        ValidationErrorKind::Minimum { limit } => format!("expected {limit} or more"),
        ValidationErrorKind::Maximum { limit } => format!("expected {limit} or less"),
        ValidationErrorKind::UniqueItems => "the list names something twice".to_owned(),
        _ => return None,
    })
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(_) => "a map".to_owned(),
        serde_json::Value::Array(_) => "a list".to_owned(),
        serde_json::Value::String(text) if text.len() <= 60 => format!("`{text}`"),
        serde_json::Value::String(_) => "text".to_owned(),
        other => format!("`{other}`"),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
