//! The rules across documents: one story each, with what is told.

use super::documents::{Files, golden};
use std::fmt::Write;

const VERSIONS: &str = "
    Suite/crm: {description: CRM, owner: x}
    Version/p-4-5: {component: platform, version: 4.5.0, stage: released}
    Version/p-4-6: {component: platform, version: 4.6.0, stage: yanked}
    Version/p-4-7: {component: platform, version: 4.7.0, stage: draft}
    Version/p-3-0: {component: platform, version: 3.0.0, stage: eol}
    Version/crm-2: {component: crm, version: 2.0.0, stage: released}
";

#[test]
fn a_component_is_the_platform_a_suite_or_a_capability() {
    insta::assert_snapshot!(golden("
        Suite/platform: {description: x, owner: x}
        Suite/crm: {description: x, owner: x}
        Capability/crm: {description: x}
        Capability/sso: {description: x}
        Version/a: {component: crmm, version: 1.0.0, stage: released}
        Version/b: {component: sso, version: 1.0.0, stage: released, requires: {platform: '>=1', plattform: '>=1', ssso: '1'}}
        Channel/c: {mode: manual, component: billing}
    "));
}

#[test]
fn a_version_is_declared_once() {
    insta::assert_snapshot!(golden(
        "
        Version/a: {component: platform, version: 1.0.0, stage: released}
        Version/b: {component: platform, version: 1.0.0, stage: draft}
        Version/c: {component: platform, version: 1.0.1, stage: draft}
    "
    ));
}

#[test]
fn a_version_that_is_named_exists_and_can_be_installed() {
    insta::assert_snapshot!(golden(&format!("{VERSIONS}
        Channel/missing: {{mode: manual, component: platform, target: 4.5.9}}
        Channel/none: {{mode: manual, component: crm, target: 1.0.0}}
        Channel/draft: {{mode: manual, component: platform, target: 4.7.0}}
        Channel/yanked: {{mode: manual, component: platform, target: 4.6.0}}
        Channel/eol: {{mode: manual, component: platform, target: 3.0.0}}
        Channel/empty: {{mode: frozen, component: platform, track: '5.x'}}
        Channel/fine: {{mode: frozen, component: platform, track: '4.x'}}
        Instance/a: {{type: shared-saas, update: {{pin: {{version: 4.6.0, reason: audit}}}}, suites: {{crm: {{pin: {{version: 9.9.9, reason: x}}}}}}}}
        Instance/b: {{type: shared-saas, update: {{target: 4.7.1}}}}
    ")));
}

#[test]
fn a_broken_version_makes_no_other_document_wrong() {
    insta::assert_snapshot!(golden(
        "
        Version/a: {component: platform, version: 1.0.0, stage: relesed}
        Channel/c: {mode: manual, component: platform, target: 1.0.0}
    "
    ));
}

#[test]
fn who_follows_a_channel_follows_one_of_its_component() {
    insta::assert_snapshot!(golden(
        "
        Suite/crm: {description: x, owner: x}
        Channel/crm: {mode: manual, component: crm, upstream: {channel: stable, soak: 1h}}
        Channel/stable: {mode: manual, component: platform}
        Profile/gold: {appliesTo: Instance, values: {update: {channel: crm}}}
        Instance/a: {type: shared-saas, profiles: [gold], suites: {crm: {channel: stable}}}
        Instance/b: {type: shared-saas, update: {channel: stable}, suites: {crm: {channel: crm}}}
    "
    ));
}

#[test]
fn what_belongs_to_a_partner_refers_to_its_own() {
    insta::assert_snapshot!(golden("
        Partner/acme: {displayName: A}
        Partner/bolt: {displayName: B}
        Instance/acme: {type: partner-deployed, partner: acme}
        Instance/bank: {type: self-hosted-enterprise, partner: acme}
        Instance/shared: {type: shared-saas}
        Tenant/a: {partner: bolt, instance: acme, displayName: x}
        Tenant/b: {partner: bolt, instance: shared, displayName: x}
        Tenant/c: {partner: acme, instance: bank, displayName: x}
        Tenant/d: {partner: acme, instance: bank, displayName: x}
        Tenant/e: {partner: acme, instance: bank, displayName: x, lifecycle: terminated}
        Member/m: {partner: acme, roles: [tenant-admin], tenants: [c, b], login: {oidc: {issuer: 'https://id.example', subject: x}}}
    "));
}

#[test]
fn what_ended_keeps_nothing_that_runs() {
    insta::assert_snapshot!(golden(
        "
        Partner/acme: {displayName: A}
        Partner/gone: {displayName: B, lifecycle: terminated}
        Instance/old: {type: partner-deployed, partner: acme, lifecycle: terminated}
        Instance/left: {type: partner-deployed, partner: gone}
        Instance/over: {type: partner-deployed, partner: gone, lifecycle: suspended}
        Tenant/a: {partner: acme, instance: old, displayName: x}
        Tenant/b: {partner: acme, instance: old, displayName: x, lifecycle: suspended}
        Tenant/c: {partner: gone, instance: over, displayName: x}
    "
    ));
}

#[test]
fn quotas_are_summed_after_the_merge_and_told_at_the_quota() {
    insta::assert_snapshot!(golden("
        Profile/big: {appliesTo: Instance, values: {resources: {cpu: 1500m, memory: 8Gi, storage: 600Gi}}}
        Partner/acme: {displayName: A, profiles: [big], quotas: {instances: 1, tenants: 1, cpu: 2, memory: 16Gi, storage: 1Ti}}
        Partner/free: {displayName: B, profiles: [big]}
        Instance/a: {type: partner-deployed, partner: acme}
        Instance/b: {type: partner-deployed, partner: acme}
        Instance/c: {type: partner-deployed, partner: acme, lifecycle: terminated}
        Instance/d: {type: partner-deployed, partner: free}
        Tenant/a: {partner: acme, instance: a, displayName: x}
        Tenant/b: {partner: acme, instance: b, displayName: x}
    "));
}

#[test]
fn a_domain_leads_to_one_instance() {
    insta::assert_snapshot!(golden(
        "
        Instance/a: {type: shared-saas, network: {domains: [z.example, a.example]}}
        Instance/b: {type: shared-saas, network: {domains: [b.example, a.example]}}
        Instance/c: {type: shared-saas, lifecycle: terminated, network: {domains: [a.example]}}
    "
    ));
}

#[test]
fn a_window_leaves_time_for_the_upgrade() {
    insta::assert_snapshot!(golden("
        Version/v: {component: platform, version: 1.0.0, stage: released, estimate: 90m}
        Channel/stable: {mode: manual, component: platform, target: 1.0.0}
        MaintenanceWindow/short: {timezone: UTC, allow: [{days: [sat], start: '22:00', duration: 1h}]}
        MaintenanceWindow/joined: {timezone: UTC, allow: [{days: [sun], start: '23:00', duration: 1h}, {days: [mon], start: '00:00', duration: 1h}]}
        MaintenanceWindow/year-end: {timezone: UTC, deny: [{from: 2026-12-15, to: 2027-01-05}]}
        Instance/a: {type: shared-saas, update: {channel: stable, windows: [year-end, short]}}
        Instance/b: {type: shared-saas, update: {channel: stable, windows: [short, joined]}}
        Instance/c: {type: shared-saas, update: {channel: stable, windows: [year-end]}}
        Instance/d: {type: shared-saas, update: {pin: {version: 1.0.0, reason: x}, windows: [short]}}
    "));
}

#[test]
fn a_capability_has_what_it_requires() {
    insta::assert_snapshot!(golden(
        "
        Capability/base: {description: x}
        Capability/always: {description: x, default: true}
        Capability/loyalty: {description: x, requires: [base, always]}
        Instance/a: {type: shared-saas, capabilities: [loyalty]}
        Instance/b: {type: shared-saas, capabilities: [loyalty, base]}
    "
    ));
}

#[test]
fn kinds_that_are_named_exist() {
    insta::assert_snapshot!(golden(
        "
        Profile/a: {appliesTo: Instanc, values: {x: 1}}
        Guardrail/b: {match: {kind: Tenants}, expression: 'true', message: m}
    "
    ));
}

#[test]
fn the_values_of_an_unused_profile_fit_its_kind() {
    insta::assert_snapshot!(golden("
        Profile/a: {appliesTo: Instance, values: {resorces: {cpu: 1}, resources: {cpu: many}, update: {channel: nowhere, pin: {reason: later}}}}
        Profile/b: {appliesTo: Instance, values: {type: partner-deployed, update: null}}
    "));
}

/// Six thousand documents, every one of them read by several rules.
#[test]
fn a_large_fleet_is_held_by_every_rule() {
    let mut text = "Partner/acme: {displayName: A, quotas: {instances: 2999}}\nVersion/v: {component: platform, version: 1.0.0, stage: released}\nChannel/stable: {mode: manual, component: platform, target: 1.0.0}\n".to_owned();
    for at in 0..3000 {
        writeln!(text, "Instance/i{at}: {{type: partner-deployed, partner: acme, update: {{channel: stable}}, network: {{domains: [i{at}.example]}}}}\nTenant/t{at}: {{partner: acme, instance: i{at}, displayName: x}}").unwrap();
    }
    assert_eq!(
        Files::short(&text).told(),
        "partner/acme.yaml:4:44 PIN0211: partner `acme` has 3000 of 2999 instances (raise the quota to 3000, or ask for less)\n"
    );
}
