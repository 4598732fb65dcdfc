//! `pintle explain`, `pintle schema`, `pintle render`.

use super::sandbox::Sandbox;
use pintle_core::parse::parse_file;

fn example() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/state-repo").to_owned()
}

#[test]
fn a_field_is_explained() {
    let sandbox = Sandbox::empty();
    insta::assert_snapshot!(sandbox.pintle("nobody", &["explain", "instance.spec.update.pin"]).ends(0).out);
    insta::assert_snapshot!(sandbox.pintle("nobody", &["explain", "Instance.spec.lifecycle"]).ends(0).out);
}

#[test]
fn a_code_is_explained() {
    let sandbox = Sandbox::empty();
    insta::assert_snapshot!(sandbox.pintle("nobody", &["explain", "PIN0203"]).ends(0).out);
}

#[test]
fn what_is_misspelt_is_answered_with_the_nearest() {
    let sandbox = Sandbox::empty();
    for (arguments, expected) in [
        (["explain", "instnace"], "pintle explain instance"),
        (["explain", "instance.spec.updte"], "pintle explain instance.spec.update"),
        (["explain", "PIN02O3"], "pintle explain PIN0203"),
        (["schema", "chanel"], "pintle schema channel"),
    ] {
        let said = sandbox.pintle("nobody", &arguments).ends(1);
        assert!(said.err.contains(expected), "{}", said.err);
    }
    let said = sandbox.pintle("nobody", &["render", "acme-prd", "--repo", &example()]).ends(1);
    assert!(said.err.contains("pintle render Instance/acme-prod"), "{}", said.err);
}

#[test]
fn schemas_are_those_that_are_published() {
    let sandbox = Sandbox::empty();
    for (what, file) in [("Instance", "instance"), ("channels", "channel"), ("guard", "guard"), ("plan", "output/plan")]
    {
        let published =
            std::fs::read_to_string(format!("{}/schemas/{file}.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(sandbox.pintle("nobody", &["schema", what]).ends(0).out, published, "{what}");
    }
}

#[test]
fn a_document_is_rendered_with_where_each_value_comes_from() {
    let sandbox = Sandbox::empty();
    insta::assert_snapshot!(
        sandbox.pintle("nobody", &["render", "acme-prod", "--repo", &example(), "--origin"]).ends(0).out
    );
}

#[test]
fn every_rendered_document_of_the_example_reads_back() {
    let sandbox = Sandbox::empty();
    for name in [
        "Instance/acme-prod",
        "Instance/nordwind-prod",
        "Capability/sso",
        "PlatformConfig/platform",
        "MaintenanceWindow/year-end",
        "Guardrail/gold-needs-a-window",
    ] {
        let said = sandbox.pintle("nobody", &["render", name, "--repo", &example()]).ends(0);
        let parsed = parse_file(said.out.as_bytes());
        assert!(parsed.errors.is_empty(), "{name}: {:?}\n{}", parsed.errors, said.out);
        assert_eq!(parsed.documents[0].key.to_string(), name);
    }
}

#[test]
fn a_revision_is_rendered_as_json_with_origins() {
    let sandbox = Sandbox::new();
    sandbox.grow("alice", "32Gi");
    let answer =
        sandbox.pintle("nobody", &["render", "acme-prod", "--rev", "HEAD~1", "--origin", "-o", "json"]).ends(0).json();
    assert_eq!(answer["formatVersion"], "1.0");
    assert_eq!(answer["document"]["spec"]["resources"]["memory"], "8Gi");
    assert_eq!(answer["origins"]["spec.lifecycle"], "default");
    assert_eq!(answer["origins"]["spec.resources.memory"], "instances/acme/acme-prod.yaml:9");
}
