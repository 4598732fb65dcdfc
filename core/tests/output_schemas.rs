//! The published schemas of what commands print are those of the code. `PINTLE_UPDATE=1` writes them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

#[test]
fn the_schema_of_a_rendered_plan_is_fresh() {
    check("output/plan.schema.json", &pintle_core::render::plan_output_schema());
}

fn check(name: &str, schema: &serde_json::Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas").join(name);
    let text = format!("{schema:#}\n");
    if std::env::var_os("PINTLE_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == text, "{} is stale: run the tests with PINTLE_UPDATE=1", path.display());
}
