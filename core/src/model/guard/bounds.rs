//! How much may move at once, in numbers: of the guard, and of a Rollout that is tighter.

use super::Moving;
use crate::change::{Number, Value};

/// See the module. Nothing that is not bounded counts as unbounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// In the whole fleet.
    pub global: usize,
    /// Of one partner.
    pub per_partner: usize,
    /// In one region.
    pub per_region: usize,
    /// The share, in percent, that may be down at once.
    pub down_percent: f64,
    /// Tenants on what moves at once.
    pub tenants: Option<usize>,
}

impl Bounds {
    /// What `tighten` of a Rollout says.
    pub fn of_tighten(tighten: &Value) -> Self {
        let whole = |key: &str| match tighten.get(key) {
            Some(Value::Number(number)) => Number::as_i64(number).and_then(|number| usize::try_from(number).ok()),
            _ => None,
        };
        let percent = tighten.get("maxUnavailable").and_then(Value::as_str);
        Self {
            global: whole("global").unwrap_or(usize::MAX),
            per_partner: whole("perPartner").unwrap_or(usize::MAX),
            per_region: whole("perRegion").unwrap_or(usize::MAX),
            down_percent: percent.and_then(|text| text.strip_suffix('%')?.parse().ok()).unwrap_or(100.0),
            tenants: whole("maxTenantsMoving"),
        }
    }

    /// The tighter of both in everything.
    #[must_use]
    pub fn within(self, other: &Self) -> Self {
        Self {
            global: self.global.min(other.global),
            per_partner: self.per_partner.min(other.per_partner),
            per_region: self.per_region.min(other.per_region),
            down_percent: self.down_percent.min(other.down_percent),
            tenants: self.tenants.into_iter().chain(other.tenants).min(),
        }
    }

    /// How many of `fleet` may be down: at least one, unless `0%` is written.
    pub fn unavailable(&self, fleet: usize) -> usize {
        if self.down_percent <= 0.0 { 0 } else { ((fleet as f64 * self.down_percent / 100.0) as usize).max(1) }
    }
}

impl From<&Moving> for Bounds {
    fn from(moving: &Moving) -> Self {
        Self {
            global: moving.global as usize,
            per_partner: moving.per_partner as usize,
            per_region: moving.per_region as usize,
            down_percent: moving.max_unavailable.as_f64(),
            tenants: moving.max_tenants_moving.map(|most| most as usize),
        }
    }
}
