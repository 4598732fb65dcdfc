//! `pintle explain`: what a kind, a field or a code means, from the same shapes that check documents.

use super::{CliError, Exit, Out};
use pintle_core::diagnostic::{Code, nearest};
use pintle_core::model::{Catalog, Guard, KindDef, Shape};
use pintle_core::render::{Paper, Style};

/// What to explain.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A kind, a field such as `instance.spec.update.pin`, or a code such as PIN0203; all kinds if not given
    #[arg(value_name = "KIND[.PATH] | CODE")]
    what: Option<String>,
}

/// The codes by their first two digits.
const RANGES: &[(&str, &str)] = &[
    ("PIN01", "reading documents"),
    ("PIN02", "documents together: identities, references, profiles"),
    ("PIN03", "guardrails and config schemas"),
    ("PIN04", "the tree as a whole"),
    ("PIN05", "trust: policies, approvals, history"),
];

/// Explains it, or lists what there is.
pub fn run(args: &ExplainArgs, out: &Out) -> Result<Exit, CliError> {
    match args.what.as_deref() {
        None => list(out),
        Some(what)
            if what.get(..4).is_some_and(|begin| {
                begin.to_ascii_uppercase().starts_with("PIN") && begin.ends_with(|c: char| c.is_ascii_digit())
            }) =>
        {
            code(what, out)?;
        }
        Some(what) => field(what, out)?,
    }
    Ok(Exit::Success)
}

fn list(out: &Out) {
    let kinds = Catalog::standard();
    if out.is_json() {
        let kinds: Vec<_> = kinds
            .iter()
            .map(|kind| serde_json::json!({"kind": kind.name, "plural": kind.plural, "summary": kind.summary}))
            .collect();
        let codes: Vec<_> =
            Code::ALL.iter().map(|code| serde_json::json!({"code": code, "title": code.title()})).collect();
        out.json(&serde_json::json!({"formatVersion": "1.0", "kinds": kinds, "codes": codes}));
        return;
    }
    let paper = out.paper();
    let mut lines = vec![paper.paint(Style::Heading, "Kinds")];
    lines.extend(kinds.iter().map(|kind| format!("  {:<18} {}", kind.name, kind.summary)));
    lines.extend([
        format!("  {:<18} {}", "guard", "The safety settings in .pintle/guard.yaml."),
        String::new(),
        paper.paint(Style::Heading, "Codes"),
    ]);
    for (prefix, meaning) in RANGES {
        let codes: Vec<&str> =
            Code::ALL.iter().map(|code| code.as_str()).filter(|code| code.starts_with(prefix)).collect();
        if let (Some(first), Some(last)) = (codes.first(), codes.last()) {
            lines.push(format!("  {:<18} {meaning}", format!("{first}–{last}")));
        }
    }
    lines.extend([String::new(), "pintle explain instance.spec.update.pin, pintle explain PIN0203".to_owned()]);
    out.text(&lines.join("\n"));
}

fn code(what: &str, out: &Out) -> Result<(), CliError> {
    let Some(code) = Code::find(what) else {
        let near = nearest(&what.to_ascii_uppercase(), Code::ALL.iter().map(|code| code.as_str()));
        return Err(CliError::new(format!("there is no code {what}")).hint(
            near.map_or_else(|| "pintle explain lists the codes".to_owned(), |near| format!("pintle explain {near}")),
        ));
    };
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "code": code, "title": code.title(), "explanation": code.explanation()}));
    } else {
        let paper = out.paper();
        out.text(&format!(
            "{}: {}\n\n{}",
            paper.paint(Style::Heading, code.as_str()),
            code.title(),
            wrapped(code.explanation(), paper.width)
        ));
    }
    Ok(())
}

fn field(what: &str, out: &Out) -> Result<(), CliError> {
    let mut keys = what.split('.').map(str::to_owned);
    let word = keys.next().unwrap_or_default();
    let (name, summary, root) = subject(&word)?;
    let path: Vec<String> = keys.collect();
    let mut shape = root;
    for (depth, key) in path.iter().enumerate() {
        let known: Vec<&str> = shape.properties.keys().map(AsRef::as_ref).collect();
        shape = shape
            .child(key)
            .or_else(|| item(shape).and_then(|each| each.child(key)))
            .ok_or_else(|| unknown(&word, &path[..depth], key, &known))?;
    }
    let parent = path.split_last().and_then(|(_, above)| root.at(above));
    let required =
        path.last().is_some_and(|key| parent.is_some_and(|parent| parent.required.iter().any(|one| one == key)));
    let subject = Subject {
        title: std::iter::once(name).chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("."),
        summary,
        shape,
        required,
        whole: path.is_empty(),
    };
    if out.is_json() {
        out.json(&subject.json());
    } else {
        out.text(&subject.lines(&out.paper()).join("\n"));
    }
    Ok(())
}

fn subject(word: &str) -> Result<(&'static str, &'static str, &'static Shape), CliError> {
    let catalog = Catalog::standard();
    if word.eq_ignore_ascii_case("guard") {
        return Ok(("guard", "The safety settings in .pintle/guard.yaml.", Guard::shape()));
    }
    if let Some(kind) = catalog.find(word) {
        return Ok((kind.name, kind.summary, &kind.shape));
    }
    let lower = word.to_lowercase();
    let names: Vec<(String, &KindDef)> = catalog.iter().map(|kind| (kind.name.to_lowercase(), kind)).collect();
    let near = nearest(&lower, names.iter().map(|(name, _)| name.as_str()));
    Err(CliError::new(format!("there is no kind `{word}`")).hint(
        near.map_or_else(|| "pintle explain lists the kinds".to_owned(), |near| format!("pintle explain {near}")),
    ))
}

fn unknown(kind: &str, above: &[String], key: &str, known: &[&str]) -> CliError {
    let place = std::iter::once(kind).chain(above.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
    let hint = match nearest(key, known.iter().copied()) {
        Some(near) => format!("pintle explain {place}.{near}"),
        None if known.is_empty() => format!("it has no fields: pintle explain {place}"),
        None => format!("it has {}", known.join(", ")),
    };
    CliError::new(format!("{place} has no field `{key}`")).hint(hint)
}

/// What stands in a list: `guard.limits.count` means a field of its items.
fn item(shape: &Shape) -> Option<&Shape> {
    shape.each.as_deref().filter(|_| shape.types.iter().any(|kind| kind == "array"))
}

struct Subject<'a> {
    title: String,
    summary: &'a str,
    shape: &'a Shape,
    required: bool,
    whole: bool,
}

impl Subject<'_> {
    fn lines(&self, paper: &Paper) -> Vec<String> {
        let shape = self.shape;
        let kind = if self.whole { String::new() } else { format!("  <{}>", type_of(shape)) };
        let mut lines = vec![format!("{}{kind}", paper.paint(Style::Heading, &self.title))];
        let text = if self.whole { self.summary } else { shape.description.as_deref().unwrap_or_default() };
        lines.extend(wrapped(text, paper.width.saturating_sub(2)).lines().map(|line| format!("  {line}")));
        let facts = [
            ("expects", shape.expects.as_deref().map(str::to_owned)),
            ("one of", (!shape.values.is_empty()).then(|| shape.values.join(", "))),
            ("default", shape.default.as_ref().map(shown)),
            ("needed", self.required.then(|| "yes".to_owned())),
            ("names a", shape.reference.as_deref().or(shape.key_reference.as_deref()).map(str::to_owned)),
            ("order", shape.set.then(|| "means nothing".to_owned())),
        ];
        lines.extend(facts.into_iter().filter_map(|(name, text)| Some(format!("  {:<9} {}", name, text?))));
        let below = item(shape).filter(|each| !each.properties.is_empty()).unwrap_or(shape);
        if !below.properties.is_empty() {
            lines.extend([String::new(), "  fields".to_owned()]);
        }
        let names = below.properties.keys().map(|name| name.len()).max().unwrap_or(0);
        let types = below.properties.values().map(|field| type_of(field).len() + 2).max().unwrap_or(0);
        lines.extend(below.properties.iter().map(|(name, field)| {
            let needed = if below.required.iter().any(|one| **one == **name) { " (needed)" } else { "" };
            format!(
                "    {name:<names$}  {:<types$}  {}{needed}",
                format!("<{}>", type_of(field)),
                field.description.as_deref().unwrap_or_default()
            )
        }));
        lines
    }

    fn json(&self) -> serde_json::Value {
        let shape = self.shape;
        let below = item(shape).filter(|each| !each.properties.is_empty()).unwrap_or(shape);
        let fields: Vec<_> = below.properties.iter().map(|(name, field)| serde_json::json!({"name": name, "type": type_of(field), "description": field.description, "required": below.required.iter().any(|one| **one == **name)})).collect();
        serde_json::json!({
            "formatVersion": "1.0", "path": self.title, "type": type_of(shape), "description": if self.whole { Some(self.summary) } else { shape.description.as_deref() },
            "expects": shape.expects, "values": shape.values, "default": shape.default.as_ref().map(serde_json::Value::from), "required": self.required,
            "reference": shape.reference, "set": shape.set, "fields": fields,
        })
    }
}

fn shown(value: &pintle_core::change::Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn type_of(shape: &Shape) -> String {
    let names: Vec<&str> = shape.types.iter().map(String::as_str).filter(|name| *name != "null").collect();
    match (names.as_slice(), shape.each.as_deref()) {
        (["array"], Some(each)) => format!("list of {}", type_of(each)),
        (["object"], Some(each)) if shape.properties.is_empty() => format!("map of {}", type_of(each)),
        ([], _) if !shape.values.is_empty() => "string".to_owned(),
        ([], _) => "any".to_owned(),
        (names, _) => names.join(" or ").replace("object", "map").replace("array", "list"),
    }
}

/// `text` broken between words.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > width.clamp(40, 100) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_a_range() {
        for code in Code::ALL {
            assert!(RANGES.iter().any(|(prefix, _)| code.as_str().starts_with(prefix)), "{code}");
        }
    }

    #[test]
    fn every_field_of_every_kind_has_a_type_and_a_description() {
        fn walk(path: &str, shape: &Shape) {
            for (key, field) in &shape.properties {
                let path = format!("{path}.{key}");
                assert!(field.description.is_some(), "{path}");
                assert!(!type_of(field).is_empty(), "{path}");
                walk(&path, field);
            }
        }
        for kind in Catalog::standard().iter() {
            walk(kind.name, &kind.shape);
        }
    }
}
