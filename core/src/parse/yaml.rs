//! What a plain scalar means: YAML 1.2's core schema, read strictly.

use crate::change::{Number, Value};

/// `true`, `false`, `null`, JSON's numbers; everything else is text. `no`, `on`, `NO`, `0777`,
/// `1_000`, `0x1f`, `.inf` are text (see docs/decisions/0001).
pub fn value_of_plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => Number::parse(text).map_or_else(|| Value::string(text), Value::Number),
    }
}
