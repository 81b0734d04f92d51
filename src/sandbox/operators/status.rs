//! What has to be written so that an object has the status that its operator wants.

use serde_json::{Map, Value};

use super::subject::NOW;

/// The change of the status that makes it `wanted` (a JSON merge patch), or `None` where it already
/// says so. Times in `wanted` are [`NOW`]: one that stands there already is kept, unless it is of a
/// condition that has changed.
pub(super) fn change(current: &Value, wanted: &Value, now: &str) -> Option<Value> {
    let wanted = timed(wanted, Some(current), now);
    if holds(current, &wanted) {
        return None;
    }
    let Value::Object(mut wanted) = wanted else {
        return Some(wanted);
    };
    // What an earlier state said, for example an error.
    for key in current.as_object().into_iter().flat_map(Map::keys) {
        wanted.entry(key.clone()).or_insert(Value::Null);
    }
    Some(Value::Object(wanted))
}

fn timed(wanted: &Value, current: Option<&Value>, now: &str) -> Value {
    match wanted {
        Value::String(text) if text == NOW => {
            let kept = current.filter(|current| current.is_string());
            kept.cloned().unwrap_or_else(|| now.into())
        }
        Value::Object(map) => {
            let current = current.filter(|current| {
                ["status", "phase"]
                    .iter()
                    .all(|key| same(current, map, key))
            });
            let field = |(key, value): (&String, &Value)| {
                let current = current.and_then(|current| current.get(key));
                (key.clone(), timed(value, current, now))
            };
            Value::Object(map.iter().map(field).collect())
        }
        Value::Array(list) => {
            let entry = |(index, value): (usize, &Value)| {
                timed(value, current.and_then(|current| current.get(index)), now)
            };
            Value::Array(list.iter().enumerate().map(entry).collect())
        }
        other => other.clone(),
    }
}

/// Whether both say the same at `key`, where both say something there.
fn same(current: &Value, wanted: &Map<String, Value>, key: &str) -> bool {
    match (current.get(key), wanted.get(key)) {
        (Some(Value::String(current)), Some(Value::String(wanted))) => current == wanted,
        _ => true,
    }
}

/// Whether `current` says everything that `wanted` does.
fn holds(current: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(map) => map.iter().all(|(key, value)| {
            current
                .get(key)
                .is_some_and(|current| holds(current, value))
        }),
        Value::Array(list) => current.as_array().is_some_and(|current| {
            current.len() == list.len()
                && current
                    .iter()
                    .zip(list)
                    .all(|(current, value)| holds(current, value))
        }),
        other => current == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(status: &str, time: &str) -> Value {
        json!({"conditions": [{"type": "Ready", "status": status, "lastTransitionTime": time}]})
    }

    #[test]
    fn what_stands_there_already_is_not_written_again() {
        let current = condition("True", "earlier");
        assert_eq!(change(&current, &condition("True", NOW), "now"), None);
    }

    #[test]
    fn the_time_of_a_condition_is_that_of_its_last_change() {
        let current = json!({"conditions": [
            {"type": "Ready", "status": "True", "reason": "Old", "lastTransitionTime": "earlier"},
            {"type": "Active", "status": "False", "lastTransitionTime": "earlier"},
        ]});
        let wanted = json!({"conditions": [
            {"type": "Ready", "status": "True", "reason": "New", "lastTransitionTime": NOW},
            {"type": "Active", "status": "True", "lastTransitionTime": NOW},
        ]});
        let change = change(&current, &wanted, "now").unwrap();
        assert_eq!(change["conditions"][0]["lastTransitionTime"], "earlier");
        assert_eq!(change["conditions"][1]["lastTransitionTime"], "now");
    }

    #[test]
    fn what_an_earlier_state_said_is_taken_back() {
        let current =
            json!({"phase": "Failed", "failureReason": "no reason", "startTimestamp": "earlier"});
        let wanted = json!({"phase": "Completed", "startTimestamp": NOW});
        assert_eq!(
            change(&current, &wanted, "now"),
            Some(json!({"phase": "Completed", "failureReason": null, "startTimestamp": "now"}))
        );
    }
}
