//! What the tree before lets resolve skip must never show: with a memory and without, a tree says the same.

use super::documents::Files;
use pintle_core::model::Catalog;
use pintle_core::parse::{File, ParsedFile, ParsedTree, parse_file};
use pintle_core::resolve::{Resolved, resolve};
use std::collections::HashMap;
use std::sync::Arc;

const FLEET: &str = "
    Partner/acme: {displayName: Acme, profiles: [small]}
    Profile/small: {appliesTo: Instance, values: {resources: {cpu: 1, memory: 2Gi}}}
    Profile/large: {appliesTo: Instance, values: {resources: {cpu: 8, memory: 16Gi}}}
    Capability/sso: {description: Sign-on, configSchema: {type: object, properties: {sso: {type: boolean}}}}
    Instance/one: {type: partner-deployed, partner: acme, capabilities: [sso], config: {sso: true}}
    Instance/two: {type: partner-deployed, partner: acme, profiles: [large]}
    Instance/three: {type: shared-saas}
    Tenant/t: {partner: acme, instance: one, displayName: T}
    Guardrail/small: {match: {kind: Instance}, expression: 'object.spec.type != \"shared-saas\" || !has(object.spec.capabilities)', message: no, enforcement: deny}
";

/// Parses as a loader does: what is the same text is the same parsed file.
#[derive(Default)]
pub struct Loader(HashMap<Vec<u8>, Arc<ParsedFile>>);

impl Loader {
    pub fn tree(&mut self, text: &str) -> ParsedTree {
        let files = Files::short(text).0.into_iter().map(|(path, bytes)| {
            let parsed = self.0.entry(bytes.clone()).or_insert_with(|| Arc::new(parse_file(&bytes))).clone();
            File { path: path.into(), parsed }
        });
        ParsedTree { files: files.collect() }
    }
}

const DAY: &str = "2026-11-20T12:00:00Z";

pub fn resolved(tree: &ParsedTree, previous: Option<&Resolved>, now: &str) -> Resolved {
    resolve(tree, Catalog::standard(), previous, now.parse().unwrap())
}

pub fn said(resolved: &Resolved) -> String {
    format!("{:#?}\n{:#?}", resolved.objects, resolved.problems)
}

/// `after` resolved with the memory of `before` says what it says alone, or with a previous tree
/// that is equal but shares nothing with it.
fn same_with_memory(before: &str, after: &str) -> Resolved {
    let (mut loader, mut stranger) = (Loader::default(), Loader::default());
    let first = resolved(&loader.tree(before), None, DAY);
    let unrelated = resolved(&stranger.tree(before), None, DAY);
    let tree = loader.tree(after);
    let with = resolved(&tree, Some(&first), DAY);
    assert_eq!(said(&with), said(&resolved(&tree, Some(&unrelated), DAY)), "after\n{after}");
    with
}

#[test]
fn a_tree_says_the_same_with_and_without_a_memory() {
    let edits = [
        ("cpu: 8", "cpu: 9"),
        ("profiles: [small]", "profiles: [large]"),
        ("profiles: [large]", "profiles: [small]"),
        ("displayName: Acme", "displayName: Acme Ltd"),
        ("sso: {type: boolean}", "sso: {type: string}"),
        ("sso: true", "sso: 7"),
        ("!has(object.spec.capabilities)", "has(object.spec.partner)"),
        ("Instance/one", "Instance/uno"),
        ("Partner/acme", "Partner/other"),
        ("Capability/sso", "Capability/sign-on"),
        ("appliesTo: Instance, values: {resources: {cpu: 8", "appliesTo: Tenant, values: {resources: {cpu: 8"),
        ("instance: one", "instance: two"),
        ("Tenant/t: {partner: acme, instance: one, displayName: T}", ""),
        ("Profile/large: {appliesTo: Instance, values: {resources: {cpu: 8, memory: 16Gi}}}", ""),
    ];
    for (from, to) in edits {
        assert!(FLEET.contains(from), "{from}");
        let edited = FLEET.replacen(from, to, 1);
        same_with_memory(FLEET, &edited);
        same_with_memory(&edited, FLEET);
    }
}

#[test]
fn a_guardrail_that_looks_at_the_clock_is_asked_again() {
    let fleet = format!(
        "{FLEET}\nGuardrail/until: {{match: {{kind: Instance}}, expression: 'now < \"2026-12\"', message: over, enforcement: deny}}"
    );
    let mut loader = Loader::default();
    let first = resolved(&loader.tree(&fleet), None, DAY);
    assert!(!first.has_errors(), "{:?}", first.problems);
    let later = resolved(&loader.tree(&fleet), Some(&first), "2027-01-01T00:00:00Z");
    assert_eq!(later.problems.len(), 3, "every instance is asked again");
}

#[test]
fn a_guardrail_that_compares_is_asked_again() {
    let rule = "Guardrail/grows: {match: {kind: Instance}, expression: 'old == null || object.spec.resources.cpu != old.spec.resources.cpu', message: same, enforcement: deny}";
    let fleet = format!(
        "{}\n{rule}",
        FLEET
            .replace("Instance/three: {type: shared-saas}", "Instance/three: {type: shared-saas, resources: {cpu: 2}}")
    );
    let with = same_with_memory(&fleet, &fleet);
    assert_eq!(with.problems.len(), 3, "{:?}", with.problems);
}
