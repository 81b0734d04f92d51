//! Reading what lies at a path in raw JSON: the only place that follows a path written in the
//! program. What has another type than expected is as good as absent: objects may be partial or
//! foreign.
//!
//! A path is a JSON pointer (RFC 6901), also into a part of an object: `text(container, "/image")`.
//! What every object has is asked of [`ManifestView`](super::ManifestView) instead.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Whatever is at `path`.
pub(crate) fn part<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    value.pointer(path)
}

/// The text at `path`, or `None` where it is absent or empty.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    part(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// The whole number at `path`, also where it is written as text.
pub(crate) fn integer(value: &Value, path: &str) -> Option<i64> {
    let value = part(value, path)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// What `path` says, where it says `true` or `false`.
pub(crate) fn boolean(value: &Value, path: &str) -> Option<bool> {
    part(value, path)?.as_bool()
}

/// Whether `true` stands at `path`.
pub(crate) fn is_true(value: &Value, path: &str) -> bool {
    boolean(value, path) == Some(true)
}

/// Whether an object, list or scalar other than `null` stands at `path`.
pub(crate) fn is_present(value: &Value, path: &str) -> bool {
    part(value, path).is_some_and(|value| !value.is_null())
}

/// The moment at `path`.
pub(crate) fn time(value: &Value, path: &str) -> Option<Timestamp> {
    text(value, path)?.parse().ok()
}

/// The entries of the list at `path`; none where it is absent.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    part(value, path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The texts in the list at `path`; what is no text is left out.
pub(crate) fn texts<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    list(value, path).iter().filter_map(Value::as_str)
}

/// The map at `path`.
pub(crate) fn map<'a>(value: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
    part(value, path)?.as_object()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_another_type_is_as_good_as_absent() {
        let value = json!({"spec": {
            "text": "a", "empty": "", "number": 3, "numeral": "3", "yes": true, "null": null,
            "list": ["a", 1], "map": {"a": 1}, "time": "2026-01-01T00:00:00Z",
        }});
        assert_eq!(text(&value, "/spec/text"), Some("a"));
        for path in ["/spec/empty", "/spec/number", "/spec/absent"] {
            assert_eq!(text(&value, path), None, "{path}");
        }
        for (path, number) in [
            ("/spec/number", Some(3)),
            ("/spec/numeral", Some(3)),
            ("/spec/text", None),
        ] {
            assert_eq!(integer(&value, path), number, "{path}");
        }
        for (path, truth, present) in [
            ("/spec/yes", Some(true), true),
            ("/spec/text", None, true),
            ("/spec/null", None, false),
            ("/spec/absent", None, false),
        ] {
            assert_eq!(boolean(&value, path), truth, "{path}");
            assert_eq!(is_true(&value, path), truth == Some(true), "{path}");
            assert_eq!(is_present(&value, path), present, "{path}");
        }
        assert_eq!(list(&value, "/spec/list").len(), 2);
        assert!(list(&value, "/spec/map").is_empty());
        assert_eq!(texts(&value, "/spec/list").collect::<Vec<_>>(), ["a"]);
        assert!(map(&value, "/spec/map").is_some() && map(&value, "/spec/list").is_none());
        assert!(time(&value, "/spec/time").is_some() && time(&value, "/spec/text").is_none());
    }
}
