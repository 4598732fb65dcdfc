//! Member: an administrator or a viewer on a partner's side.

use super::scalar::{Base64Url, HttpsUrl, Ref, Set, to};
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Member;

impl Kind for Member {
    const NAME: &'static str = "Member";
    const PLURAL: &'static str = "members";
    const TABLE: &'static str = "members";
    const SUMMARY: &'static str =
        "A person on a partner's side: the roles they have inside that partner, and how they log in.";
    type Spec = MemberSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        check_scope(spec, problems);
        check_login(spec, problems);
    }
}

fn check_scope(spec: &Value, problems: &mut Problems) {
    let has_role = |role: &str| {
        spec.get("roles")
            .and_then(Value::as_list)
            .is_some_and(|roles| roles.iter().any(|one| one.as_str() == Some(role)))
    };
    let tenants = spec.get("tenants").and_then(Value::as_list).map_or(0, <[Value]>::len);
    if has_role("tenant-admin") && tenants == 0 {
        problems
            .inconsistent("roles", "a tenant-admin needs the `tenants` it administers")
            .hint("add `tenants: [NAME]`, or give the role partner-admin");
    }
    if has_role("partner-admin") && tenants > 0 {
        problems
            .inconsistent("tenants", "a partner-admin administers every tenant of the partner")
            .hint("remove `tenants`, or give the role tenant-admin");
    }
}

fn check_login(spec: &Value, problems: &mut Problems) {
    let given = |way: &str| spec.at(&["login", way]).is_some_and(|value| *value != Value::Null);
    match (given("passkey"), given("oidc")) {
        (true, true) => problems
            .inconsistent("login", "a member logs in by a passkey or by OIDC, not by both")
            .hint("remove `passkey` or `oidc`"),
        (false, false) => {
            problems.inconsistent("login", "a member needs a way to log in").hint("add `passkey` or `oidc`")
        }
        _ => return,
    };
}

/// What a member declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MemberSpec {
    /// The partner whose objects the roles are about.
    pub partner: Ref<to::Partner>,
    /// The name that people read.
    pub display_name: Option<String>,
    /// What the person may do there.
    #[schemars(length(min = 1))]
    pub roles: Set<MemberRole>,
    /// The tenants that tenant-admin and viewer are limited to; a viewer without any sees the whole partner.
    pub tenants: Option<Set<Ref<to::Tenant>>>,
    /// How the person proves who they are: exactly one way.
    pub login: Login,
}

/// What a person may do inside a partner.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberRole {
    /// Proposes changes to everything of the partner.
    PartnerAdmin,
    /// Proposes changes to the listed tenants.
    TenantAdmin,
    /// Reads.
    Viewer,
}

/// How a person proves who they are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Login {
    /// A passkey (WebAuthn).
    pub passkey: Option<Passkey>,
    /// An account at an identity provider.
    pub oidc: Option<OidcSubject>,
}

/// A passkey (WebAuthn).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Passkey {
    /// The credential's id, as the authenticator gave it, in base64url.
    pub credential_id: Base64Url,
    /// The credential's public key (COSE), in base64url.
    pub public_key: Base64Url,
}

/// An account at an identity provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OidcSubject {
    /// The provider's issuer URL.
    pub issuer: HttpsUrl,
    /// The account's `sub` claim there: never an e-mail address, which can change hands.
    #[schemars(length(min = 1))]
    pub subject: String,
}
