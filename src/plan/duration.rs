//! Spans of time as a plan writes them: `90s`, `15m`, `1h 30m`.

use std::{borrow::Cow, fmt, time::Duration};

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// A span of time as it is written: `90s`, `15m`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanDuration(pub(crate) Duration);

/// Parses a span of time longer than nothing, for example `90s`, `15m`, `1h 30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let refused =
        || format!("`{text}` is not a duration; write for example `90s`, `15m` or `1h 30m`");
    let duration = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|signed| Duration::try_from(signed).ok())
        .ok_or_else(refused)?;
    if duration.is_zero() {
        Err(refused())
    } else {
        Ok(duration)
    }
}

impl<'de> Deserialize<'de> for PlanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = PlanDuration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a duration such as `15m`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PlanDuration, E> {
        parse_duration(text).map(PlanDuration).map_err(E::custom)
    }
}

impl JsonSchema for PlanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A span of time such as `90s`, `15m` or `1h 30m`.", "pattern": "^[0-9]"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_and_nothing_is_refused() {
        assert_eq!(parse_duration("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "15", "0s", "-5m", "soon"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
