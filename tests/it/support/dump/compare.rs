use serde_json::Value;

/// Appends a line to `differences` for every field of the object `identity` that is not the same in
/// both.
pub(super) fn fields(identity: &str, was: &Value, is: &Value, differences: &mut Vec<String>) {
    let mut different = |path: &str, was: Option<&Value>, is: Option<&Value>| {
        differences.push(match (was, is) {
            (Some(was), Some(is)) => format!("{identity} {path}: {was} became {is}"),
            (Some(was), None) => format!("{identity} {path}: {was} is gone"),
            (None, is) => format!("{identity} {path}: {} is new", is.unwrap_or(&Value::Null)),
        });
    };
    walk(&mut String::new(), Some(was), Some(is), &mut different);
}

/// The same, for objects whose values are nobody's business.
pub(super) fn fields_without_values(
    identity: &str,
    was: &Value,
    is: &Value,
    differences: &mut Vec<String>,
) {
    let mut different = |path: &str, _: Option<&Value>, _: Option<&Value>| {
        differences.push(format!("{identity} {path}: it is not the same"));
    };
    walk(&mut String::new(), Some(was), Some(is), &mut different);
}

type Different<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

/// Calls `different` with the innermost fields that differ.
fn walk(path: &mut String, was: Option<&Value>, is: Option<&Value>, different: &mut Different<'_>) {
    match (was, is) {
        (Some(was), Some(is)) if was == is => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                step(
                    path,
                    &format!(".{key}"),
                    before.get(key),
                    after.get(key),
                    different,
                );
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                step(
                    path,
                    &format!("[{index}]"),
                    before.get(index),
                    after.get(index),
                    different,
                );
            }
        }
        _ => different(path, was, is),
    }
}

fn step(
    path: &mut String,
    part: &str,
    was: Option<&Value>,
    is: Option<&Value>,
    different: &mut Different<'_>,
) {
    let length = path.len();
    path.push_str(part);
    walk(path, was, is, different);
    path.truncate(length);
}
