//! Documents of the usual kinds, as short as they can be.

/// A suite: needs nothing, and nothing needs it.
pub fn suite(name: &str, description: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Suite\nmetadata: {{name: {name}}}\nspec: {{displayName: {name}, owner: it, description: {description}}}\n"
    )
}

/// A partner.
pub fn partner(name: &str) -> String {
    format!("apiVersion: pintle/v1\nkind: Partner\nmetadata: {{name: {name}}}\nspec: {{displayName: {name}}}\n")
}

/// An instance of a partner; two people approve each.
pub fn instance(name: &str, partner: &str, cpu: u32) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Instance\nmetadata: {{name: {name}, labels: {{region: eu-west-1}}}}\n\
         spec: {{type: partner-deployed, partner: {partner}, resources: {{cpu: {cpu}, memory: 8Gi}}}}\n"
    )
}
