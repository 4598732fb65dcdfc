//! The published schemas of what commands print, and the list of codes, are those of the code.
//! `PINTLE_UPDATE=1` writes them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use pintle_core::diagnostic::Code;
use std::fmt::Write;
use std::path::Path;

#[test]
fn the_schema_of_a_rendered_plan_is_fresh() {
    check("output/plan.schema.json", &pintle_core::render::plan_output_schema());
}

#[test]
fn the_list_of_codes_is_fresh() {
    let mut text = String::from(
        "# Codes\n\nEvery diagnostic, hold, refusal and alarm has a code that stays. `pintle explain CODE` prints the same.\nThis page is generated: `PINTLE_UPDATE=1 cargo test -p pintle-core --test output_schemas`.\n",
    );
    for code in Code::ALL {
        let (name, title, meaning) = (code.as_str(), code.title(), code.explanation());
        write!(text, "\n## {name}: {title}\n\n{meaning}\n").unwrap();
    }
    fresh("docs/reference/codes.md", &text);
}

fn check(name: &str, schema: &serde_json::Value) {
    fresh(&format!("schemas/{name}"), &format!("{schema:#}\n"));
}

fn fresh(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    if std::env::var_os("PINTLE_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == text, "{} is stale: run the tests with PINTLE_UPDATE=1", path.display());
}
