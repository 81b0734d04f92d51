//! Takes values out of what the API server says is wrong with an object: it quotes whole templates,
//! and secrets may be in them.

use serde_json::Value;

use super::refusal_cause::RefusalCause;

/// Longest value that is shown, in characters; what is longer is no slip of the pen in a name or a
/// number.
const SHORT: usize = 64;

/// Words of field paths under which values may be secrets.
const SECRETIVE: [&str; 6] = [
    "data",
    "stringData",
    "env",
    "args",
    "command",
    "annotations",
];

/// The message of a 422 without the values at fault that are long, structured, or stand where
/// secrets stand.
///
/// The server writes `KIND "NAME" is invalid: FIELD: SORT: VALUE: WHY`, where `WHY` may be missing.
/// <https://pkg.go.dev/k8s.io/apimachinery/pkg/util/validation/field#Error>
pub(super) fn redacted(message: &str, causes: &mut [RefusalCause]) -> String {
    for cause in causes.iter_mut() {
        cause.message = without_value(&cause.field, &cause.message);
    }
    let Some((head, _)) = message
        .split_once(" is invalid: ")
        .filter(|_| !causes.is_empty())
    else {
        return message.to_owned();
    };
    let listed: Vec<String> = causes
        .iter()
        .map(|cause| format!("{}: {}", cause.field, cause.message))
        .collect();
    match listed.as_slice() {
        [one] => format!("{head} is invalid: {one}"),
        many => format!("{head} is invalid: [{}]", many.join(", ")),
    }
}

fn without_value(field: &str, message: &str) -> String {
    let Some((sort, rest)) = message.split_once(": ") else {
        return message.to_owned();
    };
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let why = match values.next() {
        Some(Ok(value)) => {
            let end = values.byte_offset();
            if is_harmless(field, &value) {
                return message.to_owned();
            }
            rest[end..].strip_prefix(": ").unwrap_or_default()
        }
        // Words, no value: `Forbidden: field is immutable`. Below the first line is what would
        // change, with its values.
        _ if matches!(sort, "Forbidden" | "Required value" | "Internal error")
            || !rest.contains(['{', '"']) =>
        {
            return message.lines().next().unwrap_or_default().to_owned();
        }
        // A value in a notation of the server's own.
        _ => rest.rsplit_once(": ").map_or("", |(_, why)| why),
    };
    if why.is_empty() {
        sort.to_owned()
    } else {
        format!("{sort}: {why}")
    }
}

fn is_harmless(field: &str, value: &Value) -> bool {
    let secretive = field
        .split(['.', '[', ']'])
        .any(|part| SECRETIVE.contains(&part));
    let short = match value {
        Value::String(text) => text.chars().count() <= SHORT,
        Value::Object(_) | Value::Array(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    short && !secretive
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(field: &str, message: &str) -> RefusalCause {
        RefusalCause {
            field: field.to_owned(),
            message: message.to_owned(),
            ..RefusalCause::default()
        }
    }

    #[test]
    fn names_and_numbers_are_shown() {
        for message in [
            r#"Invalid value: "Web_1": must be lower case"#,
            "Invalid value: -1: must be greater than or equal to 0",
            "Required value",
        ] {
            assert_eq!(without_value("metadata.name", message), message);
        }
    }

    #[test]
    fn templates_are_not() {
        let template = r#"Invalid value: {"containers":[{"env":[{"name":"KEY","value":"made-up: {"}]}]}: field is immutable"#;
        assert_eq!(
            without_value("spec.template", template),
            "Invalid value: field is immutable"
        );
        let go = r#"Invalid value: core.PodSpec{Containers:[]core.Container{{Env:"made-up"}}}: may not be changed"#;
        assert_eq!(
            without_value("spec.template", go),
            "Invalid value: may not be changed"
        );
    }

    #[test]
    fn what_would_change_is_not() {
        let message = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`\n  core.PodSpec{\n-  Env: \"made-up\",";
        assert_eq!(
            without_value("spec", message),
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
        );
    }

    #[test]
    fn what_stands_where_secrets_stand_is_not() {
        for field in [
            "data[key]",
            "spec.template.spec.containers[0].env[1].value",
            "spec.template.spec.containers[0].args[0]",
        ] {
            assert_eq!(
                without_value(field, r#"Invalid value: "made-up": too short"#),
                "Invalid value: too short"
            );
        }
    }

    #[test]
    fn the_whole_message_is_made_of_its_causes() {
        let mut causes = [
            cause("data[key]", r#"Invalid value: "made-up": too short"#),
            cause("spec", "Required value"),
        ];
        let message = r#"Secret "db" is invalid: [data[key]: Invalid value: "made-up": too short, spec: Required value]"#;
        let expected = r#"Secret "db" is invalid: [data[key]: Invalid value: too short, spec: Required value]"#;
        assert_eq!(redacted(message, &mut causes), expected);
    }
}
