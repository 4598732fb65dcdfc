//! Typed scalars: how a duration, a quantity or a reference is written, and what its schema says.
//! Values stay text in the tree; these types give them their schema and their parser.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::marker::PhantomData;

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
scalar!(/** Any value. */ Anything, "any value", {});

/// Text that names an object of the kind that `K` names.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
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

pub(super) fn is_cron(text: &str) -> bool {
    let fields = text.split_whitespace().count();
    (5..=6).contains(&fields) && cron_parser().parse(text).is_ok()
}

fn cron_parser() -> croner::parser::CronParser {
    croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build()
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
