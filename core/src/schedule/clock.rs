//! The clock of one Schedule, read once.

use super::civil::{Repeated, Wall};
use super::jitter::jitter;
use crate::change::Value;
use crate::model::scalar::{cron, moment, span_ms};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// A spec whose clock cannot be read: another Pintle wrote it, or nobody checked it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule's `{0}` cannot be read")]
pub struct BadClock(pub &'static str);

/// When a Schedule fires.
#[derive(Debug, Clone)]
pub struct Clock {
    ticks: Ticks,
    jitter: SignedDuration,
    /// Spans in which it does not fire, as `[from, to)`.
    closed: Vec<(Timestamp, Timestamp)>,
}

#[derive(Debug, Clone)]
enum Ticks {
    Cron(Vec<Wall>),
    Every { every_ms: i64, offset_ms: i64 },
    Once(Timestamp),
}

impl Clock {
    /// The clock of a Schedule's resolved `spec`; `windows` are the specs of the windows that it excludes.
    pub fn of(spec: &Value, windows: &[Value]) -> Result<Self, BadClock> {
        let jitter = span(spec, "jitter")?.unwrap_or(SignedDuration::ZERO);
        let closed = windows.iter().flat_map(denied).collect();
        Ok(Self { ticks: Ticks::of(spec)?, jitter, closed })
    }

    /// The first tick after `after`, inside of closed spans too; `None` when there is none.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.ticks {
            Ticks::Cron(walls) => walls.iter().filter_map(|wall| wall.next(after)).min(),
            Ticks::Once(at) => (*at > after).then_some(*at),
            Ticks::Every { every_ms, offset_ms } => {
                let before = (after.as_millisecond() - offset_ms).div_euclid(*every_ms);
                let next = before.checked_add(1)?.checked_mul(*every_ms)?.checked_add(*offset_ms)?;
                Timestamp::from_millisecond(next).ok()
            }
        }
    }

    /// The ticks after `after`, inside of closed spans too.
    pub fn ticks(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), |tick| self.next(*tick))
    }

    /// The ticks after `after` at which it fires.
    pub fn fires(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.ticks(after).filter(|tick| !self.is_closed(*tick))
    }

    /// Whether `tick` lies in a span in which it does not fire.
    pub fn is_closed(&self, tick: Timestamp) -> bool {
        self.closed.iter().any(|(from, to)| *from <= tick && tick < *to)
    }

    /// When `tick` of the schedule `name` runs: its time and the jitter.
    pub fn runs_at(&self, name: &str, tick: Timestamp) -> Timestamp {
        tick.checked_add(jitter(name, tick, self.jitter)).unwrap_or(tick)
    }
}

impl Ticks {
    fn of(spec: &Value) -> Result<Self, BadClock> {
        if let Some(expressions) = spec.get("cron").and_then(Value::as_list) {
            let zone = zone(spec)?;
            let word = |rule| spec.at(&["dst", rule]).and_then(Value::as_str);
            let after_gap = word("gap") != Some("skip");
            let repeated = match word("overlap") {
                Some("both") => Repeated::Both,
                Some("second") => Repeated::Second,
                _ => Repeated::First,
            };
            let walls = expressions.iter().map(|expression| {
                let cron = expression.as_str().and_then(cron).ok_or(BadClock("cron"))?;
                Ok(Wall::new(cron, zone.clone(), after_gap, repeated))
            });
            return Ok(Self::Cron(walls.collect::<Result<_, _>>()?));
        }
        if let Some(every) = span(spec, "every")? {
            let offset_ms = span(spec, "offset")?.map_or(0, |offset| offset.as_millis() as i64);
            let every_ms = every.as_millis() as i64;
            return if every_ms > 0 { Ok(Self::Every { every_ms, offset_ms }) } else { Err(BadClock("every")) };
        }
        let at = spec.get("at").and_then(Value::as_str).and_then(|text| text.parse().ok());
        at.map(Self::Once).ok_or(BadClock("at"))
    }
}

fn zone(spec: &Value) -> Result<TimeZone, BadClock> {
    let name = spec.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
    TimeZoneDatabase::bundled().get(name).map_err(|_| BadClock("timezone"))
}

fn span(spec: &Value, field: &'static str) -> Result<Option<SignedDuration>, BadClock> {
    match spec.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let ms = value.as_str().and_then(span_ms).and_then(|ms| i64::try_from(ms).ok()).ok_or(BadClock(field))?;
            Ok(Some(SignedDuration::from_millis(ms)))
        }
    }
}

/// The spans of a window in which nothing at all may move. One that blocks only some movements blocks no job.
fn denied(window: &Value) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let zone = window.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
    let spans = window.get("deny").and_then(Value::as_list).unwrap_or_default();
    let all = spans.iter().filter(|span| span.get("blocks").is_none_or(|blocks| *blocks == Value::Null));
    all.filter_map(move |span| {
        let at = |key: &str| span.get(key).and_then(Value::as_str).and_then(|text| moment(text, zone));
        Some((at("from")?, at("to")?))
    })
}
