//! Label selectors, evaluated over labels.

use serde_json::{Map, Value};

use super::super::field::{list, map, text};

/// Whether a label selector (`matchLabels` and `matchExpressions`) holds for `labels`. An empty
/// selector holds for everything.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let empty = Map::new();
    let equal = map(selector, "/matchLabels").unwrap_or(&empty);
    equal
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
        && list(selector, "/matchExpressions")
            .iter()
            .all(|expression| holds(expression, labels))
}

fn holds(expression: &Value, labels: &Value) -> bool {
    let value = text(expression, "/key").and_then(|key| labels.get(key));
    let listed = value.is_some_and(|value| list(expression, "/values").contains(value));
    match text(expression, "/operator") {
        Some("In") => listed,
        Some("NotIn") => !listed,
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

/// Whether `labels` have all that `selector` asks for but for slips of the pen: `wbe` for `web`.
pub(crate) fn nearly_selects(selector: &Value, labels: &Value) -> bool {
    let empty = Map::new();
    let equal = map(selector, "/matchLabels").unwrap_or(&empty);
    let has = |(key, wanted): (&String, &Value)| {
        let value = labels.get(key).and_then(Value::as_str);
        let pair = value.zip(wanted.as_str());
        pair.is_some_and(|(value, wanted)| is_nearly(value, wanted))
    };
    !equal.is_empty() && equal.iter().all(has)
}

fn is_nearly(value: &str, wanted: &str) -> bool {
    let limit = (wanted.chars().count() / 3).min(2);
    strsim::damerau_levenshtein(value, wanted) <= limit
}

/// Whether a label selector is one that holds for everything.
pub(super) fn selects_everything(selector: &Value) -> bool {
    let empty = |key: &str| match selector.get(key) {
        Some(Value::Object(labels)) => labels.is_empty(),
        Some(Value::Array(expressions)) => expressions.is_empty(),
        _ => true,
    };
    empty("matchLabels") && empty("matchExpressions")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_nearly_a_match() {
        let labels = json!({"app": "web", "tier": "front"});
        let nearly = |wanted: Value| nearly_selects(&json!({"matchLabels": wanted}), &labels);
        assert!(nearly(json!({"app": "wbe"})) && nearly(json!({"app": "web", "tier": "fornt"})));
        assert!(!nearly(json!({"app": "api"})) && !nearly(json!({"app": "web", "name": "web"})));
        assert!(!nearly(json!({})));
    }

    #[test]
    fn selectors_hold_as_the_api_server_has_them() {
        let labels = json!({"app": "web", "tier": "front"});
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "web", "x": "y"}}), false),
            (
                json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["y"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "x", "operator": "Exists"}]}),
                false,
            ),
            (
                json!({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}], "matchLabels": {"app": "api"}}),
                false,
            ),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
    }
}
