//! A fleet's documents: instances of 700 ± 100 bytes, 25 to a partner, four guardrails, one channel
//! that everyone follows.

/// Instances of one partner.
const TO_A_PARTNER: usize = 25;

pub const CHANNEL: &str = "channels/stable.yaml";
pub const PROFILE: &str = "profiles/standard.yaml";

/// The name of an instance.
pub fn name(at: usize) -> String {
    format!("p{:05}-i{:02}", at / TO_A_PARTNER, at % TO_A_PARTNER)
}

/// Where an instance's document stands.
pub fn path(at: usize) -> String {
    format!("instances/p{:05}/{}.yaml", at / TO_A_PARTNER, name(at))
}

/// An instance; `edition` changes its memory.
pub fn instance(at: usize, edition: usize) -> String {
    let (name, partner) = (name(at), format!("p{:05}", at / TO_A_PARTNER));
    let (region, tier) =
        (["eu-west-1", "eu-central-1", "af-west-1", "sa-east-1"][at % 4], ["gold", "standard"][at % 2]);
    let text = format!(
        "apiVersion: pintle/v1\nkind: Instance\nmetadata:\n  name: {name}\n  labels: {{region: {region}, tier: {tier}}}\nspec:\n  type: partner-deployed\n  partner: {partner}\n  profiles: [standard]\n  update: {{channel: stable, windows: [night]}}\n  resources: {{cpu: 4, memory: {memory}Gi, storage: 200Gi, replicas: 3}}\n  database: {{engine: postgres, plan: dedicated, backups: {{schedule: \"0 1 * * *\", retain: 35}}}}\n  network:\n    domains: [{name}.platform.example]\n    tls: {{issuer: letsencrypt}}\n  config:\n    locale: de-DE\n    theme: partner-{theme}\n    smtp: {{host: smtp.platform.example, password: {{secretRef: {partner}-smtp}}}}\n    motto: \"{motto}\"\n",
        memory = 16 + edition,
        theme = at % 7,
        motto = "what stands here is what should be ".repeat(1 + at % 4),
    );
    debug_assert!((600..=800).contains(&text.len()), "{} bytes", text.len());
    text
}

/// The profile that every instance uses.
pub fn profile(interval: usize) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Profile\nmetadata: {{name: standard}}\nspec:\n  appliesTo: Instance\n  values:\n    health: {{path: /healthz, interval: {interval}s, timeout: 2s}}\n"
    )
}

/// The channel that every instance follows.
pub fn channel(version: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Channel\nmetadata: {{name: stable}}\nspec:\n  mode: manual\n  component: platform\n  target: {version}\n"
    )
}

/// Everything but the instances.
pub fn platform(instances: usize) -> Vec<(String, String)> {
    let mut files = vec![
        (".pintle/trust.yaml".to_owned(), super::signing::policy()),
        // Counted like the default, and wide enough for a change of the whole fleet.
        (".pintle/guard.yaml".to_owned(), "limits: [{match: {kind: Instance}, action: update, percent: 100, per: partner}]\n".to_owned()),
        (CHANNEL.to_owned(), channel("4.6.0")),
        (PROFILE.to_owned(), profile(30)),
        ("windows/night.yaml".to_owned(), "apiVersion: pintle/v1\nkind: MaintenanceWindow\nmetadata: {name: night}\nspec:\n  timezone: Europe/Berlin\n  allow:\n    - {days: [mon, tue, wed, thu, fri], start: \"22:00\", duration: 4h}\n".to_owned()),
    ];
    for version in ["4.6.0", "4.6.1"] {
        let name = version.replace('.', "-");
        files.push((format!("versions/platform/{version}.yaml"), format!("apiVersion: pintle/v1\nkind: Version\nmetadata: {{name: platform-{name}}}\nspec:\n  component: platform\n  version: {version}\n  stage: released\n")));
    }
    for (name, expression) in GUARDRAILS {
        files.push((format!("guardrails/{name}.yaml"), format!("apiVersion: pintle/v1\nkind: Guardrail\nmetadata: {{name: {name}}}\nspec:\n  match: {{kind: Instance}}\n  expression: >-\n    {expression}\n  message: see the guide\n  enforcement: deny\n")));
    }
    for at in 0..instances.div_ceil(TO_A_PARTNER) {
        files.push((format!("partners/p{at:05}.yaml"), format!("apiVersion: pintle/v1\nkind: Partner\nmetadata: {{name: p{at:05}}}\nspec:\n  displayName: Partner {at}\n  contact: {{email: ops@p{at:05}.example}}\n  quotas: {{instances: 100, cpu: 400, memory: 4000Gi, storage: 40Ti}}\n")));
    }
    files
}

const GUARDRAILS: [(&str, &str); 4] = [
    (
        "has-a-window",
        "has(object.spec.update) && has(object.spec.update.windows) && size(object.spec.update.windows) > 0",
    ),
    (
        "is-fenced",
        "object.spec.type != \"self-hosted-enterprise\" || (has(object.spec.network) && has(object.spec.network.allow))",
    ),
    ("pins-expire", "!has(object.spec.update) || !has(object.spec.update.pin) || has(object.spec.update.pin.expires)"),
    ("runs-twice", "object.metadata.labels.tier != \"gold\" || object.spec.resources.replicas > 1"),
];
