//! The register of kinds. Everything generic asks the catalog; nothing lists kinds a second time.

use super::kind::{Kind, KindDef};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The kinds that this Pintle knows.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    kinds: BTreeMap<&'static str, Arc<KindDef>>,
}

impl Catalog {
    /// The kinds of `pintle/v1`.
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::default()
                .with::<super::capability::Capability>()
                .with::<super::channel::Channel>()
                .with::<super::guardrail::Guardrail>()
                .with::<super::instance::Instance>()
                .with::<super::member::Member>()
                .with::<super::partner::Partner>()
                .with::<super::platform_config::PlatformConfig>()
                .with::<super::profile::Profile>()
                .with::<super::rollout::Rollout>()
                .with::<super::schedule::Schedule>()
                .with::<super::suite::Suite>()
                .with::<super::tenant::Tenant>()
                .with::<super::version::Version>()
                .with::<super::window::MaintenanceWindow>()
        });
        &STANDARD
    }

    /// The same catalog with one more kind.
    #[must_use]
    pub fn with<K: Kind>(mut self) -> Self {
        self.kinds.insert(K::NAME, Arc::new(KindDef::of::<K>()));
        self
    }

    /// The kind called `name`.
    pub fn kind(&self, name: &str) -> Option<&KindDef> {
        self.kinds.get(name).map(AsRef::as_ref)
    }

    /// The kind that people call `word`: its name, plural, or either in any case.
    pub fn find(&self, word: &str) -> Option<&KindDef> {
        self.iter().find(|kind| kind.name.eq_ignore_ascii_case(word) || kind.plural.eq_ignore_ascii_case(word))
    }

    /// Every kind, by name.
    pub fn iter(&self) -> impl Iterator<Item = &KindDef> {
        self.kinds.values().map(AsRef::as_ref)
    }
}
