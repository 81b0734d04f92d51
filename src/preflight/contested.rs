//! The values on both sides of a conflict about a field.

use serde_json::Value;

use crate::{cluster::Refusal, object::one_line};

/// Longer values say less than they hide.
const LONGEST: usize = 60;

/// `` `spec.replicas` is 4 there and 1 in the plan `` for each field that `refusal` is about and that both
/// objects have, in a sentence; `None` where there is none. `hide` takes secret values out of a text.
pub(crate) fn contested(
    refusal: &Refusal,
    live: &Value,
    sent: &Value,
    hide: &dyn Fn(&str) -> String,
) -> Option<String> {
    let sides = refusal.causes.iter().filter_map(|cause| {
        let field = cause.field.as_str();
        let (there, wanted) = (shown(at(live, field)?)?, shown(at(sent, field)?)?);
        let name = field.trim_start_matches('.');
        let (there, wanted) = (hide(&there), hide(&wanted));
        Some(format!(
            "`{name}` is {there} there and {wanted} in the plan"
        ))
    });
    let sides: Vec<String> = sides.collect();
    (!sides.is_empty()).then(|| sides.join("; "))
}

/// A value on one line; `None` for maps, lists and texts that are too long.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) | Value::Array(_) => None,
        value => Some(value.to_string())
            .filter(|text| text.len() <= LONGEST)
            .map(|text| one_line(&text, LONGEST)),
    }
}

/// What `value` holds at `field`, as the API server writes it: `.spec.containers[name="web"].image`. Names
/// with dots in them are found too.
fn at<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    if field.is_empty() {
        return Some(value);
    }
    match value {
        Value::Object(fields) => {
            let rest = field.strip_prefix('.')?;
            let found = fields.iter().filter_map(|(name, below)| {
                let rest = rest.strip_prefix(name.as_str())?;
                let ends = rest.is_empty() || rest.starts_with(['.', '[']);
                ends.then(|| at(below, rest)).flatten()
            });
            found.into_iter().next()
        }
        Value::Array(items) => {
            let (keys, rest) = field.strip_prefix('[')?.split_once(']')?;
            let item = items.iter().find(|item| is_named(item, keys))?;
            at(item, rest)
        }
        _ => None,
    }
}

/// Whether `item` has the `keys`: `containerPort=80,protocol="TCP"`.
fn is_named(item: &Value, keys: &str) -> bool {
    keys.split(',').all(|key| {
        let Some((name, value)) = key.split_once('=') else {
            return false;
        };
        let value: Option<Value> = serde_json::from_str(value).ok();
        value.is_some() && item.get(name) == value.as_ref()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(field: &str, live: &Value, sent: &Value) -> Option<String> {
        let cause = json!({"reason": "FieldManagerConflict", "field": field, "message": ""});
        let refusal = Refusal {
            causes: vec![serde_json::from_value(cause).expect("a cause")],
            ..Refusal::default()
        };
        contested(&refusal, live, sent, &|text| {
            text.replace("hidden", "(secret)")
        })
    }

    #[test]
    fn both_values_are_named_where_both_are_short() {
        let object = |image: &str, text: &str| {
            json!({
                "spec": {"containers": [{"name": "log"}, {"name": "web", "image": image}]},
                "data": {"app.conf": text, "list": [1]},
            })
        };
        let (live, sent) = (object("web:1", "hidden"), object("web:2", "one"));
        let image = ".spec.containers[name=\"web\"].image";
        assert_eq!(
            said(image, &live, &sent).as_deref(),
            Some(
                "`spec.containers[name=\"web\"].image` is \"web:1\" there and \"web:2\" in the plan"
            )
        );
        assert_eq!(
            said(".data.app.conf", &live, &sent).as_deref(),
            Some("`data.app.conf` is \"(secret)\" there and \"one\" in the plan")
        );
        let long = object("web:1", &"long ".repeat(20));
        assert_eq!(said(".data.app.conf", &long, &sent), None);
        assert_eq!(said(".data.list", &live, &sent), None);
        assert_eq!(said(".data.absent", &live, &sent), None);
    }
}
