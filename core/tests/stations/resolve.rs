//! Profiles, defaults, origins, guardrails, config schemas, references.

use super::documents::{Files, golden};
use pintle_core::change::{FieldPath, ObjectKey, Value};
use pintle_core::model::Catalog;
use pintle_core::parse::Part;
use pintle_core::resolve::{Index, Layer, Origin, origin};
use std::fmt::Write;

const FLEET: &str = "
    Profile/base: {appliesTo: Instance, values: {resources: {cpu: 1, memory: 1Gi}, network: {domains: [base.example]}, config: {theme: base, deep: {a: 1, b: 2}}}}
    Profile/gold: {appliesTo: Instance, values: {resources: {memory: 2Gi}, network: {domains: [gold.example, two.example]}, config: {deep: {b: 3}}}}
    Profile/own: {appliesTo: Instance, values: {config: {theme: own}}}
    Partner/acme: {displayName: Acme, profiles: [base, gold]}
    Instance/a: {type: partner-deployed, partner: acme, profiles: [own], config: {deep: {a: null, c: 4}}, health: {path: /up}}
";

fn body(files: &Files, key: &str) -> String {
    let resolved = files.resolved();
    let object = resolved.get(&ObjectKey::parse(key).unwrap()).unwrap();
    serde_json::to_string_pretty(&serde_json::Value::from(&object.value())).unwrap()
}

#[test]
fn profiles_merge_from_the_partner_to_the_document_and_null_removes() {
    insta::assert_snapshot!(body(&Files::short(FLEET), "Instance/a"));
}

#[test]
fn the_origin_of_every_value_is_known() {
    let (files, mut ignored) = (Files::short(FLEET), Vec::new());
    let index = Index::of(&files.tree(), Catalog::standard(), &mut ignored);
    let get = |key: &str| index.get(&ObjectKey::parse(key).unwrap()).unwrap();
    let profile = |name: &str| Layer { entry: get(&format!("Profile/{name}")), root: &["spec", "values"] };
    let layers =
        [profile("base"), profile("gold"), profile("own"), Layer { entry: get("Instance/a"), root: &["spec"] }];
    let mut shown = String::new();
    for path in [
        "spec.resources.cpu",
        "spec.resources.memory",
        "spec.resources.replicas",
        "spec.network.domains",
        "spec.config.theme",
        "spec.config.deep.b",
        "spec.config.deep.c",
        "spec.health.interval",
        "spec.lifecycle",
        "metadata.name",
    ] {
        match origin(&layers, &FieldPath::dotted(path), Part::Value).unwrap() {
            Origin::Default => writeln!(shown, "{path}: default").unwrap(),
            Origin::Document(place) => writeln!(shown, "{path}: {} {}", place.document.file, place.path).unwrap(),
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn defaults_do_not_make_the_document_another() {
    let with = |extra: &str| Files::short(&format!("Partner/acme: {{displayName: Acme{extra}}}"));
    let key = ObjectKey::new("Partner", "acme");
    let (short, long) = (with("").resolved(), with(", lifecycle: active").resolved());
    assert_eq!(short.get(&key).unwrap().digest, long.get(&key).unwrap().digest);
    assert_ne!(short.get(&key).unwrap().written, long.get(&key).unwrap().written);
}

#[test]
fn the_order_of_a_set_means_nothing() {
    let with = |list: &str| {
        Files::short(&format!("Instance/a: {{type: shared-saas, network: {{domains: [{list}]}}}}")).resolved()
    };
    let key = ObjectKey::new("Instance", "a");
    assert_eq!(
        with("a.example, b.example").get(&key).unwrap().digest,
        with("b.example, a.example").get(&key).unwrap().digest
    );
}

#[test]
fn a_wrong_value_is_told_in_the_profile_that_gave_it() {
    insta::assert_snapshot!(golden(
        "
        Profile/gold: {appliesTo: Instance, values: {resources: {memory: lots}}}
        Instance/a: {type: shared-saas, profiles: [gold]}
        Instance/b: {type: shared-saas, profiles: [gold], resources: {memory: 1Gi}}
    "
    ));
}

#[test]
fn a_profile_of_another_kind_is_refused_where_it_is_named() {
    insta::assert_snapshot!(golden(
        "
        Profile/tenants: {appliesTo: Tenant, values: {region: eu}}
        Instance/a: {type: shared-saas, profiles: [tenants]}
    "
    ));
}

#[test]
fn a_dangling_reference_names_the_nearest_and_its_place() {
    insta::assert_snapshot!(golden(
        "
        Partner/acme: {displayName: Acme}
        Profile/lost: {appliesTo: Instance, values: {update: {windows: [nightly]}}}
        Instance/a: {type: partner-deployed, partner: acmee, profiles: [lost]}
        Instance/b: {type: partner-deployed, partner: acme, suites: {crm: {}}, capabilities: [sso]}
    "
    ));
}

#[test]
fn an_identity_is_declared_once() {
    let text = "apiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\nspec: {displayName: A}\n";
    assert_eq!(
        Files::verbatim(&format!("=== a.yaml\n{text}=== b.yaml\n# moved\n{text}")).told(),
        "b.yaml:4:18 PIN0201: Partner/acme is declared twice (the other one is a.yaml:1)\n"
    );
}

#[test]
fn a_setting_is_given_once_and_each_key_is_an_object() {
    let files = Files::short(
        "PlatformConfig/a: {settings: {mail.retries: 3, ui.theme: dark}}\nPlatformConfig/b: {settings: {mail.retries: 4}}",
    );
    assert_eq!(
        files.told(),
        "platformconfig/b.yaml:4:33 PIN0202: `mail.retries` is set by two documents (the other one is platformconfig/a.yaml:1)\n"
    );
    let names: Vec<String> = files.resolved().objects.iter().map(|one| one.key.to_string()).collect();
    assert_eq!(names, ["PlatformConfig/mail.retries", "PlatformConfig/mail.retries", "PlatformConfig/ui.theme"]);
}

#[test]
fn circles_of_references_are_told() {
    insta::assert_snapshot!(golden(
        "
        Channel/a: {mode: manual, component: platform, upstream: {channel: b, soak: 1h}}
        Channel/b: {mode: manual, component: platform, upstream: {channel: a, soak: 1h}}
        Channel/c: {mode: manual, component: platform, upstream: {channel: c, soak: 1h}}
        Channel/d: {mode: manual, component: platform, upstream: {channel: a, soak: 1h}}
    "
    ));
}

#[test]
fn guardrails_deny_warn_and_are_bounded() {
    insta::assert_snapshot!(golden(
        r#"
        Guardrail/broken: {match: {kind: Instance, labels: {tier: gold}}, expression: "has(object.spec.update)", message: "gold needs an update policy"}
        Guardrail/costly: {match: {kind: Instance}, expression: "object.spec.l.all(a, object.spec.l.all(b, object.spec.l.all(c, object.spec.l.all(d, object.spec.l.all(e, a + b + c + d + e > 0)))))", message: "m"}
        Guardrail/crooked: {match: {kind: Instance}, expression: "object.spec.nothing.at.all", message: "m", enforcement: warn}
        Guardrail/text: {match: {kind: Tenant}, expression: "1 +", message: "m"}
        Guardrail/typed: {match: {kind: Suite}, expression: "'yes'", message: "m"}
        Guardrail/warns: {match: {kind: Instance}, expression: "object.spec.type != 'shared-saas'", message: "we share nothing", enforcement: warn}
        Instance/a [labels: {tier: gold}]: {type: shared-saas}
        Instance/b [labels: {tier: iron}]: {type: shared-saas}
        Suite/crm: {description: CRM, owner: x}
    "#
    ));
}

#[test]
fn a_loop_too_wide_for_a_document_is_refused_there() {
    let items = vec!["1"; 2000].join(", ");
    let files = Files::short(&format!(
        "Guardrail/wide: {{match: {{kind: Instance}}, expression: \"object.spec.config.l.all(a, object.spec.config.l.all(b, a + b >= 0))\", message: m}}\nInstance/a: {{type: shared-saas, config: {{l: [{items}]}}}}"
    ));
    assert!(
        files.told().contains("PIN0302: Instance/a: the expression is too costly over 2000 entries"),
        "{}",
        files.told()
    );
}

#[test]
fn a_guardrail_compares_with_what_was_accepted_before() {
    let fleet = |cpu: &str| {
        Files::short(&format!(
            "Guardrail/grow: {{match: {{kind: Instance}}, expression: \"old == null || object.spec.resources.cpu >= old.spec.resources.cpu\", message: \"an instance does not shrink\"}}\nInstance/a: {{type: shared-saas, resources: {{cpu: {cpu}}}}}"
        ))
    };
    let before = fleet("4").resolved();
    let after = fleet("2");
    assert_eq!(fleet("4").told(), "nothing is wrong\n");
    assert_eq!(
        after.told_of(&after.resolved_after(Some(&before))),
        "instance/a.yaml:3:18 PIN0301: Instance/a: an instance does not shrink (`pintle explain PIN0301`, and see Guardrail/grow)\n"
    );
    assert!(!fleet("8").resolved_after(Some(&before)).has_errors());
}

#[test]
fn the_config_of_an_instance_satisfies_what_it_uses() {
    insta::assert_snapshot!(golden(
        r#"
        Capability/sso: {description: x, configSchema: {type: object, required: [sso], properties: {sso: {type: object, properties: {"a/b": {type: string}}}}}}
        Capability/bad: {description: x, configSchema: {type: nonsense}}
        Capability/far: {description: x, configSchema: {$ref: "https://elsewhere.example/schema.json"}}
        Instance/a: {type: shared-saas, capabilities: [sso], config: {sso: {"a/b": 5}}}
        Instance/b: {type: shared-saas, capabilities: [sso]}
        Instance/c: {type: shared-saas}
    "#
    ));
}

#[test]
fn a_pinned_version_asks_for_its_config_too() {
    let files = |config: &str| {
        Files::short(&format!(
            "Version/v: {{component: platform, version: 4.5.1, stage: released, configSchema: {{required: [theme]}}}}\nInstance/a: {{type: shared-saas, update: {{pin: {{version: 4.5.1, reason: r}}}}, config: {config}}}"
        ))
    };
    assert_eq!(files("{theme: dark}").told(), "nothing is wrong\n");
    assert!(
        files("{other: dark}").told().contains("PIN0303: Version/v does not accept this config"),
        "{}",
        files("{other: dark}").told()
    );
}

#[test]
fn the_objects_are_sorted_and_hold_only_what_is_sound() {
    let files = Files::short(
        "Tenant/t: {partner: p}\nPartner/p: {displayName: P}\nInstance/z: {type: shared-saas}\nInstance/a: {type: shared-saas}",
    );
    let resolved = files.resolved();
    let names: Vec<String> = resolved.objects.iter().map(|one| one.key.to_string()).collect();
    assert_eq!(names, ["Instance/a", "Instance/z", "Partner/p"]);
    assert!(resolved.has_errors());
    assert_eq!(resolved.objects[0].value().get("spec").unwrap().get("lifecycle"), Some(&Value::string("active")));
}

#[test]
fn nothing_is_wrong_with_the_example_repository() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/state-repo");
    let mut files = Files(std::collections::BTreeMap::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if pintle_core::parse::is_document_path(&name) {
                files.0.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    assert!(files.0.len() > 60);
    assert_eq!(files.told(), "nothing is wrong\n");
}
