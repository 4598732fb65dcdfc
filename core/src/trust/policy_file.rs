//! `.pintle/trust.yaml` → a [`Policy`], or everything that is wrong with it at once.

use super::glob::Glob;
use super::keys::{Fingerprint, PublicKey};
use super::policy::{Action, Bind, BreakGlass, Matching, Person, Policy, PolicyKey, Rule};
use super::policy_check::check;
use super::policy_reader::{Node, Reader};
use super::snapshot::POLICY_PATH;
use crate::change::{CHANGE_ID_VERSION, FieldPath};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::parse::{Limits, read_documents};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const FIELDS: &[&str] = &[
    "version",
    "repoId",
    "people",
    "groups",
    "rules",
    "approvalMaxAge",
    "breakGlass",
    "revoked",
    "reinstated",
    "changeIds",
];
const RULE_FIELDS: &[&str] =
    &["name", "match", "approvals", "from", "independent", "rollback", "implicit", "machines", "reach", "bind"];
const MATCH_FIELDS: &[&str] = &["otherwise", "kind", "name", "labels", "partner", "paths", "fields", "actions"];
const DEFAULT_MAX_AGE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Reads a policy and refuses one that is malformed, weak or contradictory at the time `at`.
pub fn read_policy(bytes: &[u8], at: Timestamp) -> Result<Policy, Vec<Diagnostic>> {
    let whole = |message: &str| vec![Diagnostic::error(Code::TrustPolicy, Location::file(POLICY_PATH), message)];
    let text = std::str::from_utf8(bytes).map_err(|_| whole("the file is not UTF-8"))?;
    let (documents, errors) = read_documents(text, Limits::default());
    if !errors.is_empty() {
        let place = |span: crate::parse::Span| Location {
            file: POLICY_PATH.into(),
            line: span.line,
            column: span.column,
            length: span.length,
        };
        return Err(errors
            .into_iter()
            .map(|error| Diagnostic::error(error.code, place(error.span), error.message))
            .collect());
    }
    let [(value, _)] = documents.as_slice() else { return Err(whole("expected exactly one document")) };
    let mut reader = Reader::new(text);
    let policy = reader.policy(&Node { value, path: FieldPath::default() });
    if let Some(policy) = &policy {
        check(policy, at, &mut reader);
    }
    match policy {
        Some(policy) if reader.problems.is_empty() => Ok(policy),
        _ => Err(reader.problems),
    }
}

impl<'a> Reader<'a> {
    fn policy(&mut self, root: &Node<'a>) -> Option<Policy> {
        self.fields(root, FIELDS);
        let version = self.required(root, "version").map(|node| self.count(&node, 1));
        let repo_id = self.required(root, "repoId").and_then(|node| self.text(&node));
        let people = self.required(root, "people").map(|node| self.people(&node)).unwrap_or_default();
        let groups = self.required(root, "groups").map(|node| self.groups(&node)).unwrap_or_default();
        let rules = self.required(root, "rules").map(|node| self.rules(&node)).unwrap_or_default();
        let approval_max_age = root.get("approvalMaxAge").map_or(DEFAULT_MAX_AGE, |node| self.duration(&node));
        let break_glass = root.get("breakGlass").and_then(|node| self.break_glass(&node));
        let mut keys = |name: &str| {
            let items = root.get(name).map(|node| node.items()).unwrap_or_default();
            items.iter().filter_map(|item| self.revocation(item)).collect()
        };
        let (revoked, reinstated) = (keys("revoked"), keys("reinstated"));
        let change_ids = self.change_ids(root.get("changeIds").as_ref());
        Some(Policy {
            version: version?,
            repo_id: repo_id?,
            people,
            groups,
            rules,
            approval_max_age,
            break_glass,
            revoked,
            reinstated,
            change_ids,
        })
    }

    fn change_ids(&mut self, node: Option<&Node<'a>>) -> std::collections::BTreeSet<Arc<str>> {
        let Some(node) = node else { return [Arc::from(CHANGE_ID_VERSION)].into() };
        let versions: std::collections::BTreeSet<Arc<str>> = self.texts(Some(node.clone())).into_iter().collect();
        if !versions.contains(CHANGE_ID_VERSION) {
            self.wrong(
                node,
                format!("this Pintle makes change ids of version {CHANGE_ID_VERSION}, which must be among them"),
            );
        }
        versions
    }

    fn people(&mut self, node: &Node<'a>) -> std::collections::BTreeMap<Arc<str>, Person> {
        node.entries().into_iter().map(|(name, node)| (name.into(), self.person(&node))).collect()
    }

    fn person(&mut self, node: &Node<'a>) -> Person {
        self.fields(node, &["email", "machine", "keys"]);
        let email = node.get("email").and_then(|node| self.text(&node)).map(|text| text.to_string());
        let machine = self.flag(node.get("machine"), false);
        let keys = self.required(node, "keys").map(|keys| keys.items()).unwrap_or_default();
        Person { email, machine, keys: keys.iter().filter_map(|key| self.key(key)).collect() }
    }

    fn key(&mut self, node: &Node<'a>) -> Option<PolicyKey> {
        self.fields(node, &["key", "require", "notAfter"]);
        let line = self.required(node, "key")?;
        let text = self.text(&line)?;
        let key = PublicKey::from_line(&text).map_err(|error| self.wrong(&line, error.to_string())).ok()?;
        let required = self.texts(node.get("require"));
        let (touch, pin) = (required.iter().any(|one| &**one == "touch"), required.iter().any(|one| &**one == "pin"));
        if required.iter().any(|one| !matches!(&**one, "touch" | "pin")) {
            self.wrong(node, "`require` takes `touch` and `pin`");
        }
        if (touch || pin) && !key.is_fido() {
            self.wrong(node, "only a FIDO key (sk-ssh-ed25519@openssh.com) can require touch or PIN");
        }
        let not_after = node.get("notAfter").and_then(|node| self.moment(&node));
        Some(PolicyKey { key, require_touch: touch, require_pin: pin, not_after })
    }

    fn moment(&mut self, node: &Node<'_>) -> Option<Timestamp> {
        let moment = node.value.as_str().and_then(|text| text.parse().ok());
        if moment.is_none() {
            self.wrong(node, "expected a moment such as `2027-06-30T00:00:00Z`");
        }
        moment
    }

    fn groups(
        &mut self,
        node: &Node<'a>,
    ) -> std::collections::BTreeMap<Arc<str>, std::collections::BTreeSet<Arc<str>>> {
        node.entries()
            .into_iter()
            .map(|(name, members)| (name.into(), self.texts(Some(members)).into_iter().collect()))
            .collect()
    }

    fn rules(&mut self, node: &Node<'a>) -> Vec<Rule> {
        node.items().iter().filter_map(|item| self.rule(item)).collect()
    }

    fn rule(&mut self, node: &Node<'a>) -> Option<Rule> {
        self.fields(node, RULE_FIELDS);
        let name = self.required(node, "name").and_then(|node| self.text(&node));
        let matching = self.required(node, "match").map(|node| self.matching(&node));
        let approvals = self.required(node, "approvals").map(|node| self.people_count(&node, 1));
        let from = self.required(node, "from");
        Some(Rule {
            from: self.texts(from),
            independent: node.get("independent").map_or(0, |node| self.people_count(&node, 0)),
            rollback: node.get("rollback").map(|node| self.people_count(&node, 1)),
            implicit: self.flag(node.get("implicit"), false),
            machines: self.flag(node.get("machines"), false),
            reach: self.flag(node.get("reach"), true),
            bind: node.get("bind").and_then(|node| self.bind(&node)),
            name: name?,
            matching: matching?,
            approvals: approvals?,
        })
    }

    /// A number of people. More than could ever be is an error, not a smaller number.
    fn people_count(&mut self, node: &Node<'_>, least: u64) -> u32 {
        let count = self.count(node, least);
        u32::try_from(count).unwrap_or_else(|_| {
            self.wrong(node, format!("{count} people are more than there are"));
            u32::MAX
        })
    }

    fn bind(&mut self, node: &Node<'_>) -> Option<Bind> {
        match node.value.as_str() {
            Some("field") => Some(Bind::Field),
            Some("document") => Some(Bind::Document),
            Some("closure") => Some(Bind::Closure),
            _ => {
                self.wrong(node, "expected `field`, `document` or `closure`");
                None
            }
        }
    }

    fn matching(&mut self, node: &Node<'a>) -> Matching {
        self.fields(node, MATCH_FIELDS);
        if node.entries().is_empty() {
            self.wrong(node, "a rule must say what it matches");
        }
        let labels = node.get("labels").map(|node| self.labels(&node)).unwrap_or_default();
        Matching {
            otherwise: self.flag(node.get("otherwise"), false),
            kinds: self.given(node, "kind"),
            names: self.given(node, "name"),
            labels,
            partner: node.get("partner").and_then(|node| self.text(&node)),
            paths: self.paths(node),
            fields: self.given(node, "fields").iter().map(|text| FieldPath::dotted(text)).collect(),
            actions: self.actions(node),
        }
    }

    /// Labels, at least one: none at all would match everything.
    fn labels(&mut self, node: &Node<'a>) -> std::collections::BTreeMap<Arc<str>, Arc<str>> {
        let entries = node.entries();
        if entries.is_empty() {
            self.wrong(node, "expected labels such as `{tier: gold}`");
        }
        entries.into_iter().filter_map(|(key, value)| Some((key.into(), self.text(&value)?))).collect()
    }

    /// A list that, where it is given, names something: an empty one would match everything.
    fn given(&mut self, node: &Node<'a>, key: &str) -> Vec<Arc<str>> {
        let Some(found) = node.get(key) else { return Vec::new() };
        let texts = self.texts(Some(found.clone()));
        if texts.is_empty() {
            self.wrong(&found, format!("`{key}` names nothing"));
        }
        texts
    }

    fn paths(&mut self, node: &Node<'a>) -> Vec<Glob> {
        let texts = self.given(node, "paths");
        texts.iter().filter_map(|text| Glob::parse(text).map_err(|message| self.wrong(node, message)).ok()).collect()
    }

    fn actions(&mut self, node: &Node<'a>) -> Vec<Action> {
        let texts = self.given(node, "actions");
        let mut actions = Vec::new();
        for text in &texts {
            match &**text {
                "create" => actions.push(Action::Create),
                "update" => actions.push(Action::Update),
                "delete" => actions.push(Action::Delete),
                other => self.wrong(node, format!("`{other}` is no action; there are `create`, `update` and `delete`")),
            }
        }
        actions
    }

    fn break_glass(&mut self, node: &Node<'a>) -> Option<BreakGlass> {
        self.fields(node, &["from", "approvals", "match", "ratifyWithin"]);
        let from = self.required(node, "from");
        let from = self.texts(from);
        let approvals = node.get("approvals").map_or(1, |node| self.people_count(&node, 1));
        let matching = self.required(node, "match").map(|node| self.matching(&node));
        let ratify_within = self.required(node, "ratifyWithin").map(|node| self.duration(&node));
        Some(BreakGlass { from, approvals, matching: matching?, ratify_within: ratify_within? })
    }

    fn revocation(&mut self, node: &Node<'a>) -> Option<(Fingerprint, String)> {
        self.fields(node, &["fingerprint", "reason"]);
        let fingerprint = self.required(node, "fingerprint")?;
        let reason = self.required(node, "reason").and_then(|node| self.text(&node))?;
        let key = fingerprint.value.as_str().and_then(|text| text.parse().ok());
        if key.is_none() {
            self.wrong(&fingerprint, "expected a fingerprint such as `SHA256:…`");
        }
        Some((key?, reason.to_string()))
    }
}
