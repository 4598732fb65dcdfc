//! Typed scalars: how a duration, a quantity or a reference is written, and what its schema says.
//! Values stay text in the tree; these types give them their schema and their parser.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{LazyLock, RwLock};

macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident, $expects:literal, { $($schema:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, serde::Deserialize, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(pub serde_json::Value);
        impl JsonSchema for $name {
            fn inline_schema() -> bool { true }
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "x-pintle-expects": $expects, $($schema)* })
            }
        }
    };
}

scalar!(/** A span of time: `60s`, `10m`, `1h30m`, `14d`, `2w`. */ Span, "a duration such as `60s`, `10m`, `24h`, `7d`", {"type": "string", "pattern": "^([0-9]{1,9}(ms|s|m|h|d|w))+$"});
scalar!(/** An amount of bytes: `8Gi`, `500Mi`. */ Bytes, "an amount of bytes such as `500Mi` or `8Gi`", {"type": "string", "pattern": "^[0-9]{1,15}(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"});
scalar!(/** Processor cores: `4`, `0.5`, `500m`. */ Cpu, "processor cores such as `4`, `0.5` or `500m`", {"type": ["number", "string"], "pattern": "^[0-9]{1,9}m?$", "exclusiveMinimum": 0});
scalar!(/** A share: `5%`. */ Percent, "a percentage such as `5%`", {"type": "string", "pattern": "^(100|[0-9]{1,2})(\\.[0-9]+)?%$"});
scalar!(/** A moment, RFC 3339 with offset. */ Instant, "a moment such as `2026-12-20T00:00:00Z`", {"type": "string", "format": "instant"});
scalar!(/** A date or a moment. */ DateOrInstant, "a date such as `2027-01-31`, or a moment such as `2027-01-31T00:00:00Z`", {"type": "string", "format": "calendar-date"});
scalar!(/** A semantic version, in full. */ SemVer, "a semantic version such as `4.6.2`", {"type": "string", "format": "semver"});
scalar!(/** A range of versions. */ SemVerRange, "a version range such as `>=4.4, <4.6.2` or `4.x`", {"type": "string", "format": "semver-range"});
scalar!(/** A network in CIDR notation. */ Cidr, "a network such as `203.0.113.0/24`", {"type": "string", "format": "cidr"});
scalar!(/** A domain name in lower case. */ Domain, "a domain name such as `shop.acme.example`", {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", "maxLength": 253});
scalar!(/** A cron expression of 5 or 6 fields. */ Cron, "a cron expression of 5 or 6 fields such as `0 3 * * 1-5`", {"type": "string", "format": "cron"});
scalar!(/** An IANA time zone. */ TimeZoneName, "an IANA time zone such as `Africa/Lagos`", {"type": "string", "format": "timezone"});
scalar!(/** The digest of an artifact, with what it belongs to. */ ArtifactRef, "an artifact named by digest such as `registry.example/app@sha256:…`", {"type": "string", "pattern": "@?sha256:[0-9a-f]{64}$"});
scalar!(/** A time of day in the window's zone: `22:00`. */ TimeOfDay, "a time of day such as `22:00`", {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"});
scalar!(/** A JSON Schema, draft 2020-12. */ EmbeddedSchema, "a JSON Schema", {"type": "object"});
scalar!(/** A component that has versions: `platform`, a Suite or a Capability. */ Component, "`platform`, or the name of a Suite or Capability", {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"});
scalar!(/** The name of a kind: `Instance`. */ KindName, "the name of a kind such as `Instance`", {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]{0,62}$"});
scalar!(/** A short lower-case word: a region, a jurisdiction, an issuer. */ Word, "a lower-case word such as `eu-west-1`", {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"});
scalar!(/** Bytes in base64url without padding. */ Base64Url, "bytes in base64url without padding", {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,2048}$"});
scalar!(/** The value of a setting: anything but null. */ Setting, "a boolean, a number, text, a list or a map", {"type": ["boolean", "number", "string", "array", "object"]});
scalar!(/** An address with TLS. */ HttpsUrl, "an address such as `https://id.acme.example`", {"type": "string", "pattern": "^https://[^\\s]+$"});
scalar!(/** An address with TLS, or one of this host. */ WebhookUrl, "an address such as `https://hooks.acme.example/pintle`; without TLS only on this host", {"type": "string", "pattern": "^(https://|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])[:/])[^\\s@]+$"});
scalar!(/** An address. */ HttpUrl, "an address such as `https://hooks.acme.example/nightly`", {"type": "string", "pattern": "^https?://[^\\s/?#@]+([/?#][^\\s]*)?$"});
scalar!(/** The path of an address. */ UrlPath, "a path such as `/healthz`", {"type": "string", "pattern": "^/[^\\s]*$"});
scalar!(/** An e-mail address. */ Email, "an e-mail address such as `ops@acme.example`", {"type": "string", "format": "email"});
scalar!(/** Any value. */ Anything, "any value", {});

/// Text that names an object of the kind that `K` names.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent, bound = "")]
pub struct Ref<K>(pub String, #[serde(skip)] PhantomData<K>);

/// Which kind a [`Ref`] points to.
pub trait RefTarget {
    /// The kind's name.
    const KIND: &'static str;
}

macro_rules! targets {
    ($($name:ident)*) => { $(
        #[doc = concat!("A reference to a ", stringify!($name), ".")]
        #[derive(Debug, Clone)]
        pub struct $name;
        impl RefTarget for $name { const KIND: &'static str = stringify!($name); }
    )* };
}

/// What a [`Ref`] may point to.
pub mod to {
    use super::RefTarget;
    targets! { Partner Tenant Instance Suite Capability Version Channel Rollout MaintenanceWindow Profile Schedule Member }
}

impl<K: RefTarget> JsonSchema for Ref<K> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{}Ref", K::KIND).into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "x-pintle-ref": K::KIND, "x-pintle-expects": format!("the name of a {}", K::KIND)})
    }
}

/// A list in which order and repetition mean nothing.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Set<T>(pub Vec<T>);

impl<T: JsonSchema> JsonSchema for Set<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("SetOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "uniqueItems": true, "x-pintle-set": true, "items": generator.subschema_for::<T>()})
    }
}

impl Span {
    /// Its length in milliseconds; 0 for text that no schema has seen.
    pub fn as_ms(&self) -> u64 {
        self.0.as_str().and_then(span_ms).unwrap_or_default()
    }
}

impl Percent {
    /// The share from 0 to 100; 0 for text that no schema has seen.
    pub fn as_f64(&self) -> f64 {
        self.0.as_str().and_then(|text| text.strip_suffix('%')?.parse().ok()).unwrap_or_default()
    }
}

/// The milliseconds of a [`Span`]'s text; none when it is no duration or too long to count.
pub fn span_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit = &rest[digits..];
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let count: u64 = rest[..digits].parse().ok()?;
        total = total.checked_add(count.checked_mul(unit_ms(&unit[..length])?)?)?;
        rest = &unit[length..];
    }
    (!text.is_empty()).then_some(total)
}

fn unit_ms(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    })
}

/// The moment that a [`DateOrInstant`]'s text names; a date begins at midnight in `zone`.
pub fn moment(text: &str, zone: &str) -> Option<jiff::Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).ok()?;
    let date: jiff::civil::Date = text.parse().ok()?;
    Some(date.to_zoned(zone).ok()?.timestamp())
}

/// Answers that are remembered: a fleet has few expressions in many documents, and reading one costs as much as the
/// rest of its document.
const KNOWN_CRONS: usize = 1_024;

pub(super) fn is_cron(text: &str) -> bool {
    static KNOWN: LazyLock<RwLock<HashMap<Box<str>, bool>>> = LazyLock::new(RwLock::default);
    if let Some(known) = KNOWN.read().ok().and_then(|known| known.get(text).copied()) {
        return known;
    }
    let fields = text.split_whitespace().count();
    let sound = (5..=6).contains(&fields) && cron(text).is_some();
    if let Ok(mut known) = KNOWN.write()
        && known.len() < KNOWN_CRONS
    {
        known.insert(text.into(), sound);
    }
    sound
}

/// The cron expression that a [`Cron`]'s text says.
pub fn cron(text: &str) -> Option<croner::Cron> {
    let parser = croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build();
    parser.parse(text).ok()
}

pub(super) fn is_timezone(text: &str) -> bool {
    jiff::tz::TimeZoneDatabase::bundled().get(text).is_ok()
}

pub(super) fn is_cidr(text: &str) -> bool {
    text.parse::<ipnet::IpNet>().is_ok_and(|net| net.addr() == net.network())
}

pub(super) fn is_semver(text: &str) -> bool {
    semver::Version::parse(text).is_ok()
}

pub(super) fn is_semver_range(text: &str) -> bool {
    semver::VersionReq::parse(text).is_ok()
}

pub(super) fn is_instant(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

pub(super) fn is_calendar_date(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok_and(|_| text.len() == 10) || is_instant(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up() {
        assert_eq!(span_ms("1h30m"), Some(5_400_000));
        assert_eq!(span_ms("2w"), span_ms("14d"));
        assert_eq!(span_ms("250ms"), Some(250));
        for text in ["", "h", "5", "5y", "1h30", "999999999999999999999w"] {
            assert_eq!(span_ms(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_date_begins_at_midnight_in_its_zone() {
        assert_eq!(moment("2026-12-15", "Africa/Lagos").unwrap().to_string(), "2026-12-14T23:00:00Z");
        assert_eq!(moment("2026-12-15T00:00:00Z", "Africa/Lagos").unwrap().to_string(), "2026-12-15T00:00:00Z");
        assert_eq!(moment("soon", "Africa/Lagos"), None);
    }
}
