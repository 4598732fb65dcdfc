//! A tree that is edited in place says what the whole tree says when it is resolved anew, or refuses
//! and stays what it was.

use super::documents::Files;
use super::memory::{Loader, resolved, said};
use pintle_core::model::Catalog;
use pintle_core::parse::{FileEdit, ParsedTree};
use pintle_core::resolve::Resolved;
use proptest::prelude::*;
use std::sync::Arc;

const DAY: &str = "2026-11-20T12:00:00Z";

/// Documents, each with every spec that it may come to have. The first ones are sound together.
const FLEET: &[(&str, &[&str])] = &[
    ("Partner/acme", &["{displayName: Acme, profiles: [small], quotas: {instances: 3, tenants: 2, cpu: 5}}"]),
    ("Partner/kora", &["{displayName: Kora}", "{displayName: Kora, lifecycle: terminated}"]),
    (
        "Profile/small",
        &[
            "{appliesTo: Instance, values: {resources: {cpu: 1}}}",
            "{appliesTo: Instance, values: {resources: {cpu: 4}}}",
        ],
    ),
    ("Version/one", &["{component: platform, version: 1.0.0, stage: released}"]),
    ("Version/two", &["{component: platform, version: 2.0.0, stage: yanked}"]),
    ("Channel/stable", &["{mode: manual, component: platform, target: 1.0.0}"]),
    ("Suite/crm", &["{description: CRM, owner: crm}"]),
    ("Channel/crm", &["{mode: manual, component: crm}"]),
    ("MaintenanceWindow/night", &["{timezone: Europe/Berlin, allow: [{days: [mon], start: '22:00', duration: 4h}]}"]),
    (
        "Guardrail/cpu",
        &[
            "{match: {kind: Instance}, expression: '!has(object.spec.resources) || object.spec.resources.cpu < 9', message: no, enforcement: warn}",
        ],
    ),
    (
        "Instance/one",
        &[
            "{type: partner-deployed, partner: acme, resources: {cpu: 2}}",
            "{type: partner-deployed, partner: acme, resources: {cpu: 5}}",
            "{type: partner-deployed, partner: acme, resources: {cpu: 9}}",
            "{type: partner-deployed, partner: kora, network: {domains: [a.example]}}",
            "{type: self-hosted-enterprise, partner: acme}",
            "{type: partner-deployed, partner: acme, lifecycle: terminated}",
            "{type: partner-deployed, partner: nobody}",
            "{type: partner-deployed, partner: acme, update: {pin: {version: 2.0.0, reason: r}}}",
        ],
    ),
    (
        "Instance/two",
        &[
            "{type: partner-deployed, partner: acme, network: {domains: [b.example]}, update: {channel: stable}}",
            "{type: partner-deployed, partner: acme, network: {domains: [a.example]}, update: {channel: crm}}",
            "{type: partner-deployed, partner: kora, network: {domains: [a.example, b.example]}}",
            "{type: shared-saas, update: {target: 1.0.0, windows: [night]}}",
            "{type: shared-saas, oops: 1}",
        ],
    ),
    (
        "Instance/three",
        &[
            "{type: shared-saas}",
            "{type: partner-deployed, partner: acme}",
            "{type: shared-saas, update: {target: 3.0.0}}",
            "{type: shared-saas, config: {a: 1}}",
            "{type: shared-saas, network: {domains: [b.example]}}",
        ],
    ),
    (
        "Tenant/x",
        &[
            "{partner: acme, instance: one, displayName: X}",
            "{partner: acme, instance: three, displayName: X}",
            "{partner: kora, instance: one, displayName: X}",
            "{partner: acme, instance: two, displayName: X, lifecycle: terminated}",
            "{partner: kora, instance: three, displayName: X}",
        ],
    ),
    (
        "Tenant/y",
        &[
            "{partner: kora, instance: three, displayName: Y}",
            "{partner: acme, instance: one, displayName: Y}",
            "{partner: kora, instance: three, displayName: Z}",
        ],
    ),
    (
        "Member/m",
        &[
            "{partner: acme, roles: [tenant-admin], tenants: [x], login: {oidc: {issuer: 'https://id.acme.example', subject: s}}}",
            "{partner: acme, roles: [tenant-admin], tenants: [x, y], login: {oidc: {issuer: 'https://id.acme.example', subject: s}}}",
        ],
    ),
];

fn text(chosen: &[usize]) -> String {
    FLEET.iter().zip(chosen).map(|((name, specs), at)| format!("{name}: {}\n", specs[*at])).collect()
}

fn edits(before: &ParsedTree, after: &ParsedTree) -> Vec<FileEdit> {
    let pairs = before.files.iter().zip(&after.files).filter(|(one, other)| !Arc::ptr_eq(&one.parsed, &other.parsed));
    pairs
        .map(|(one, other)| FileEdit {
            path: one.path.clone(),
            before: one.parsed.clone(),
            after: other.parsed.clone(),
        })
        .collect()
}

/// Edits `tree` in place. Whether that was possible; what it says then is what the whole says.
fn amend(known: &mut Resolved, before: &ParsedTree, after: &ParsedTree) -> bool {
    let untouched = said(known);
    let whole = resolved(after, None, DAY);
    match known.amend(&edits(before, after), Catalog::standard(), DAY.parse().unwrap()) {
        Some(_) => {
            assert_eq!(said(known), said(&whole));
            assert!(!known.has_errors());
            true
        }
        None => {
            assert_eq!(said(known), untouched);
            false
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Vec<(prop::sample::Index, prop::sample::Index)>>> {
    let one = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    prop::collection::vec(prop::collection::vec(one, 1..3), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_tree_says_what_the_whole_tree_says(steps in steps()) {
        let mut loader = Loader::default();
        let mut chosen = vec![0; FLEET.len()];
        let mut tree = loader.tree(&text(&chosen));
        let mut known = resolved(&tree, None, DAY);
        prop_assert!(!known.has_errors(), "{:#?}", known.problems);
        for step in steps {
            for (document, spec) in step {
                let document = document.index(FLEET.len());
                chosen[document] = spec.index(FLEET[document].1.len());
            }
            let next = loader.tree(&text(&chosen));
            if !amend(&mut known, &tree, &next) {
                let whole = resolved(&next, Some(&known), DAY);
                if whole.has_errors() {
                    // Held: the sound tree stays, and the next commit is compared with it.
                    chosen = vec![0; FLEET.len()];
                    known = resolved(&loader.tree(&text(&chosen)), None, DAY);
                    tree = loader.tree(&text(&chosen));
                    continue;
                }
                known = whole;
            }
            tree = next;
        }
    }
}

/// Whether changing `document` to its spec number `at` was done in place, from the first fleet.
fn in_place(document: &str, at: usize) -> bool {
    let mut loader = Loader::default();
    let mut chosen = vec![0; FLEET.len()];
    let tree = loader.tree(&text(&chosen));
    let mut known = resolved(&tree, None, DAY);
    chosen[FLEET.iter().position(|(name, _)| *name == document).unwrap()] = at;
    amend(&mut known, &tree, &loader.tree(&text(&chosen)))
}

#[test]
fn what_nothing_else_is_made_of_is_edited_in_place() {
    assert!(in_place("Instance/three", 3) && in_place("Instance/two", 3), "an instance");
    assert!(in_place("Tenant/x", 1) && in_place("Tenant/y", 2), "a tenant");
}

#[test]
fn what_breaks_a_rule_among_neighbours_is_left_to_the_whole_tree() {
    for (document, at, why) in [
        ("Instance/one", 1, "the quota of its partner"),
        ("Instance/one", 2, "a guardrail"),
        ("Instance/one", 6, "a dangling reference"),
        ("Instance/one", 7, "a yanked version"),
        ("Instance/two", 1, "a channel of another component"),
        ("Instance/three", 1, "its tenant, of another partner"),
        ("Instance/three", 4, "a domain of an instance that it shares nothing else with"),
        ("Tenant/x", 4, "its administrator, of another partner"),
        ("Tenant/x", 2, "an instance of another partner"),
        ("Member/m", 1, "a tenant of another partner"),
        ("Partner/kora", 1, "a partner, of which others are made"),
        ("Profile/small", 1, "a profile, of which others are made"),
    ] {
        assert!(!in_place(document, at), "{document}: {why}");
    }
}

#[test]
fn a_document_that_moves_or_goes_is_left_to_the_whole_tree() {
    let mut loader = Loader::default();
    let tree = loader.tree("Instance/three: {type: shared-saas}\nInstance/four: {type: shared-saas}");
    let mut known = resolved(&tree, None, DAY);
    let both = Files::short("Instance/five: {type: shared-saas}").tree();
    let edit = FileEdit {
        path: tree.files[0].path.clone(),
        before: tree.files[0].parsed.clone(),
        after: both.files[0].parsed.clone(),
    };
    assert!(known.amend(&[edit], Catalog::standard(), DAY.parse().unwrap()).is_none());
}
