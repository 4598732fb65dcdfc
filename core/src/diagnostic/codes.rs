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
