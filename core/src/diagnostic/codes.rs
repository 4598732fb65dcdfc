//! The stable codes. A code is never reused for another meaning; `pintle explain` prints the text here.

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $text:literal;)*) => {
        /// A stable code of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];
            /// The code as printed, such as `PIN0107`.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $code,)* } }
            /// What it is, in a few words.
            pub fn title(self) -> &'static str { match self { $(Code::$name => $title,)* } }
            /// Why it is refused and what to do.
            pub fn explanation(self) -> &'static str { match self { $(Code::$name => $text,)* } }
        }
    };
}

codes! {
    YamlSyntax = "PIN0101", "invalid YAML", "The file is not YAML 1.2. Nothing of the commit is applied until it parses: a file that cannot be read must never look like a deletion.";
    DuplicateKey = "PIN0102", "duplicate key", "A map names one key twice. Most YAML readers silently keep the last; Pintle refuses, because reviewers see the first. Remove one of them.";
    YamlTag = "PIN0103", "YAML tag", "Tags (`!something`, `!!str`) change what a value means in ways a reviewer cannot see. Quote the value if it must be text.";
    MergeKey = "PIN0104", "merge key", "`<<` is not part of YAML 1.2. Use a Profile for shared values.";
    Tab = "PIN0105", "tab", "A tab stands where YAML expects spaces. Replace it by spaces.";
    TooLarge = "PIN0106", "document too large", "A document is larger than 1 MiB, nested deeper than 64 levels, or holds too many values. Split it.";
    UnknownField = "PIN0107", "unknown field", "The kind has no such field. A misspelt field would otherwise be ignored silently. `pintle explain KIND` lists the fields.";
    NotUtf8 = "PIN0108", "not UTF-8", "The file is not UTF-8 text, or holds control or bidirectional characters that a terminal would hide.";
    WrongType = "PIN0109", "wrong type", "The value has another type than the field. `no`, `on`, `yes` are text in YAML 1.2; write `true` or `false`.";
    InvalidValue = "PIN0110", "invalid value", "The value is not one the field accepts.";
    MissingField = "PIN0111", "missing field", "The kind needs this field, and neither the document nor its profiles give it.";
    UnknownKind = "PIN0112", "unknown kind", "`kind` names nothing that Pintle knows. `pintle explain` lists the kinds.";
    BadEnvelope = "PIN0113", "not a Pintle document", "Every document has `apiVersion: pintle/v1`, `kind`, `metadata` with a name, and `spec`. Put files that are no documents under `.pintle/ignore` or in a dot-folder.";
    InvalidName = "PIN0114", "invalid name", "A name is a DNS label: lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit.";
    Alias = "PIN0115", "anchor or alias", "Anchors and aliases make one line change many values out of a reviewer's sight, and can blow up to any size. Use a Profile for shared values.";
    SecretInGit = "PIN0116", "secret in the repository", "The value looks like a private key or a well-known token. Take it out, revoke it, and name it by `secretRef`.";
    DuplicateIdentity = "PIN0201", "duplicate identity", "Two documents have the same kind and name. Which one counts would depend on the order of files. Remove or rename one.";
    AmbiguousSetting = "PIN0202", "setting given twice", "Two PlatformConfig documents set the same key. Remove one of them.";
    DanglingReference = "PIN0203", "dangling reference", "The document names an object that does not exist in the same commit. Add it in this commit, or correct the name.";
    ProfileKind = "PIN0204", "profile for another kind", "The profile's `appliesTo` is another kind than this document's.";
    ReferenceCycle = "PIN0205", "reference cycle", "Objects refer to each other in a circle, so there is no order in which they could be applied.";
    Inconsistent = "PIN0206", "inconsistent fields", "Two fields of the document contradict each other, or one needs another.";
    OwnershipMismatch = "PIN0207", "belongs to another partner", "The document refers to an object of another partner.";
    AmbiguousComponent = "PIN0208", "ambiguous component", "A Suite and a Capability share a name, or one is called `platform`. A component is named by one word, which must mean one thing. Rename one of them.";
    DuplicateVersion = "PIN0209", "version declared twice", "Two Version documents declare the same number of the same component. Which stage and artifacts count would depend on their names. Remove one of them.";
    NotInstallable = "PIN0210", "version that is not installed", "A draft is never installed, a yanked version never newly chosen, and one at its end of life is no longer repaired. Name another version.";
    QuotaExceeded = "PIN0211", "quota exceeded", "What a partner's documents declare comes to more than its quota. What is terminated does not count. Raise the quota in the partner's document, or ask for less.";
    DomainTaken = "PIN0212", "domain used twice", "Two instances answer to one domain; which one is reached would be left to chance. Take it from one of them.";
    WindowTooShort = "PIN0213", "window too short", "No maintenance window of the instance is as long as the upgrade is expected to take. An upgrade starts only where it can end before its window does, so this one never would.";
    GuardrailBroken = "PIN0301", "guardrail broken", "A Guardrail of the repository does not hold for this document. Change the document, or the guardrail by its own approval.";
    GuardrailInvalid = "PIN0302", "guardrail cannot be evaluated", "The CEL expression does not compile, is too costly, or gives no boolean. A guardrail that cannot be evaluated denies.";
    ConfigSchema = "PIN0303", "config breaks its schema", "The instance's `config` does not satisfy the `configSchema` of a capability or version that it uses.";
    SchemaInvalid = "PIN0304", "invalid configSchema", "The `configSchema` is not a JSON Schema (draft 2020-12), or refers to another document.";
    EmptyRepository = "PIN0401", "no documents", "The tree holds no document at all. An empty tree is never read as \"delete everything\".";
    UnreadableFile = "PIN0402", "unreadable file", "A file of the commit cannot be read from the object database, or is no regular file. Nothing of the commit is applied.";
    GuardFile = "PIN0403", "invalid guard settings", "`.pintle/guard.yaml` cannot be used. Nothing is applied without the safety settings it is meant to give.";
    IgnoreFile = "PIN0404", "invalid ignore file", "`.pintle/ignore` cannot be read as gitignore patterns.";
    TrustPolicy = "PIN0501", "invalid trust policy", "`.pintle/trust.yaml` is malformed, contradicts itself, or asks for approvals that nobody could give. It is refused when it is proposed, never later.";
    ApprovalsMissing = "PIN0510", "approvals missing", "A rule of the trust policy asks for more people than have approved. `pintle approve` makes the signed commit that counts.";
    NoRule = "PIN0511", "no rule matches", "Every entry of a change needs a rule of the trust policy. Add one, for example `match: {otherwise: true}`, by its own approved change.";
    ApprovalIgnored = "PIN0512", "an approval does not count", "A trailer names this change and does not count: by its signer, its key, its age, its base, or what was accepted since. Also said of a change that an operator denied on the daemon's host, and of what a limit passed over.";
    NoChangeSet = "PIN0513", "the tree has no meaning", "A document does not parse, two documents share an identity, or a path may not stand in a state tree. Such a tree is never accepted.";
    PolicyRefused = "PIN0514", "the new trust policy is refused", "The change brings a trust policy that could not be used: see its diagnostics. Until it is repaired the change is not accepted.";
    HistoryUnreadable = "PIN0515", "the history cannot be read", "A commit is missing, malformed, or too far away. Fetch again, or rewrite the commit.";
    AuthorIgnored = "PIN0516", "the author's signature does not count", "An author's signature counts beside an approval when the whole change is signed by that one person.";
    Withdrawn = "PIN0517", "its approvals are withdrawn", "Someone whom a rule of the change asks took back what was approved of it so far. Approvals signed after that count again.";
    GlassHolds = "PIN0518", "the glass holds", "`breakGlass` of the trust policy does not let this change through: it is outside of its scope, deletes something, or too few people broke it.";
    ForbiddenShape = "PIN0519", "a tree that can never count", "The tree of the commit holds a symlink, a submodule, a name that a checkout could mistake, a case variant of the policy's path, or more than the daemon's settings allow. It is not considered; commit without it.";
    Rewound = "PIN0520", "the branch was rewound", "The tip is an ancestor of what was accepted. The state is kept. Push the accepted commit again, or let an operator consider the other history.";
    Forked = "PIN0521", "the branch was forked", "The tip does not descend from what was accepted. The state is kept. Push the accepted history again, or let an operator consider the other history.";
    Introduction = "PIN0522", "the introduction does not hold", "The first trusted commit, its policy or its signature are not what the settings of the daemon say.";
    RecordUnproven = "PIN0523", "a recorded acceptance cannot be derived", "A record says that a commit was accepted and the objects do not show it. A record alone never accepts anything.";
    ActionsDiffer = "PIN0525", "other actions than approved", "An approval says `actions=`: it was given for exactly the actions that its plan showed, and the live state has moved so that others would be done. Nothing is done; bring the live state back, or have a further change approved with `--actions`.";
    ReadDifferently = "PIN0526", "this Pintle reads the accepted tree differently", "The version of Pintle that was here before understood the accepted documents otherwise than this one does. That is a change like any other, with an id over both readings: nothing is applied until as many people as the rules for the policy itself ask for have run the new version's `pintle approve COMMIT --reading DIGEST --push`, as `pintle status` says it. `pintle plan` of that version shows what it would do.";
    LimitExceeded = "PIN0527", "a limit of the guard would be passed", "The plan would change more objects within 24 hours than `limits` in `.pintle/guard.yaml` allow, counting what moved already and what is on its way. The guard is that of the commit admitted before: no commit raises its own limit. Nothing of the plan is done. Take the change back, or let as many people as `override` asks for lift the limit for exactly these actions: `pintle approve COMMIT --allow-limit LIMIT --for ACTIONS --reason TEXT`.";
    ClockDiffers = "PIN0528", "the clocks differ", "The clock of the host that leads and that of the database are more than five minutes apart, and nobody knows which is right. Acceptances carry the host's time, and other hosts would have to wait for one that has not come; so nothing new is accepted until the clocks agree. What is accepted already is kept applied.";
    GlassBroken = "PIN0530", "glass was broken and is not ratified", "A change came by fewer approvals than its rules ask for. The people who should have been asked look at it: `pintle approve --ratify COMMIT`, or revert it. Until then those who broke the glass cannot break it again.";
    KeyRevoked = "PIN0531", "a key was revoked by one root person", "The key counts for nothing from now on. Write it down under `revoked` in the trust policy; a policy that lists it under `reinstated` takes it back.";
    KeyRunsOut = "PIN0532", "a key runs out", "A key of the policy expires within 30 days, or already has. Add its successor before that: what it signs afterwards does not count.";
    NoSpareRoot = "PIN0533", "root has no spare", "As many root people can sign as a change of the trust policy needs, or fewer: one lost key, and the policy can never change again. Add a person or a key.";
    TipDisappeared = "PIN0534", "a commit disappeared", "The branch no longer contains a commit that was seen and never accepted. That is allowed (a leaked secret is rewritten away), and worth knowing.";
    Stale = "PIN0535", "the remote does not answer", "Nothing was fetched for longer than it should be, or the remote shows less than its heartbeat says there is. The state is kept, and nothing new is seen.";
    MainBlocked = "PIN0536", "main is blocked", "The tip has been held for longer than it should be. Approve it, or take it back: `pintle unblock`.";
}

impl Code {
    /// The code that prints as `text`.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.as_str())
    }
}
