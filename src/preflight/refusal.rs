//! A refusal of the API server in the words of who wrote the manifest.

use crate::cluster::Refusal;

/// What the API server says is wrong with an object, as people write it: without the object's name,
/// which stands before it, and without the value at fault, which may be a secret.
pub(crate) fn described(refusal: &Refusal) -> String {
    if refusal.is_invalid() && !refusal.causes.is_empty() {
        let causes: Vec<String> = refusal
            .causes
            .iter()
            .map(|cause| match cause.field.as_str() {
                "" => cause.message.clone(),
                field => format!("`{field}`: {}", cause.message),
            })
            .collect();
        return causes.join("; ");
    }
    let text = refusal.to_string();
    if let Some((_, errors)) = text.split_once("strict decoding error: ") {
        return errors.to_owned();
    }
    if let Some(errors) = text.strip_prefix("failed to create typed patch object (") {
        let errors = errors
            .split_once("): ")
            .map_or(errors, |(_, errors)| errors);
        let errors = errors.strip_prefix("errors:").unwrap_or(errors).lines();
        return errors
            .map(str::trim)
            .filter(|error| !error.is_empty())
            .map(field_error)
            .collect::<Vec<_>>()
            .join("; ");
    }
    match text.split_once(" cannot be handled as a ") {
        Some((_, rest)) => rest
            .split_once(": ")
            .map_or_else(|| text.clone(), |(_, error)| error.to_owned()),
        None => text,
    }
}

/// How the API server says that another object has what only one can have.
const TAKEN: [&str; 2] = ["already allocated", "already marked as default"];

/// Whether `refusal` is for nothing else than that another object has what only one can have
/// ([`crate::object::exclusive`]).
pub(crate) fn is_for_exclusive(refusal: &Refusal) -> bool {
    let says = |text: &str| TAKEN.iter().any(|words| text.contains(words));
    match refusal.causes.as_slice() {
        [] => says(&refusal.message),
        causes => causes.iter().all(|cause| says(&cause.message)),
    }
}

/// Whether it is the manifest that is wrong, and not the cluster that does not let it in: also what
/// cannot be read, which the API server answers with 400 or 500.
pub(super) fn is_about_the_manifest(refusal: &Refusal) -> bool {
    const UNREADABLE: [&str; 3] = [
        "failed to create typed patch object",
        "strict decoding error",
        "cannot be handled as a",
    ];
    let is_unreadable = || {
        UNREADABLE
            .iter()
            .any(|words| refusal.message.contains(words))
    };
    !is_for_exclusive(refusal)
        && (refusal.is_invalid() || refusal.code == 400 || refusal.code == 500 && is_unreadable())
}

/// Whether the API server does not know a field of the object.
pub(super) fn names_an_unknown_field(refusal: &Refusal) -> bool {
    refusal.message.contains("field not declared in schema")
        || refusal.message.contains("unknown field")
}

/// ``unknown field `spec.replcas` `` or `` `data.port`: expected string, but it is a number``.
fn field_error(error: &str) -> String {
    let Some((path, said)) = error.split_once(": ") else {
        return error.to_owned();
    };
    let path = path.trim_start_matches('.');
    if said == "field not declared in schema" {
        return format!("unknown field `{path}`");
    }
    match said.split_once(", got &value.valueUnstructured{Value:") {
        Some((expected, value)) => format!("`{path}`: {expected}, but it is {}", sort_of(value)),
        None => format!("`{path}`: {said}"),
    }
}

/// What sort of value a Go literal is.
fn sort_of(literal: &str) -> &'static str {
    match literal {
        text if text.starts_with('"') => "text",
        text if text.starts_with("map[") => "a map",
        text if text.starts_with("[]") => "a list",
        text if text.starts_with("true") || text.starts_with("false") => "true or false",
        text if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
            "a number"
        }
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::RefusalCause;

    fn refused(message: &str) -> String {
        described(&Refusal {
            code: 500,
            message: message.to_owned(),
            ..Refusal::default()
        })
    }

    #[test]
    fn a_typo_is_named_alike_however_the_server_says_it() {
        let apply = "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replcas: field not declared in schema";
        assert_eq!(refused(apply), "unknown field `spec.replcas`");
        let create = "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replcas\"";
        assert_eq!(refused(create), "unknown field \"spec.replcas\"");
    }

    #[test]
    fn a_value_of_the_wrong_sort_is_not_shown() {
        let message = "failed to create typed patch object (shop/x; /v1, Kind=Secret): errors:\n  .data.a: expected string, got \
                       &value.valueUnstructured{Value:[]interface {}{1}}\n  .data.b: expected string, got &value.valueUnstructured{Value:31337}\n";
        assert_eq!(
            refused(message),
            "`data.a`: expected string, but it is a list; `data.b`: expected string, but it is a number"
        );
        let create = "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ConfigMap.data of type string";
        assert_eq!(
            refused(create),
            "json: cannot unmarshal array into Go struct field ConfigMap.data of type string"
        );
    }

    #[test]
    fn invalid_fields_are_listed() {
        let cause = |field: &str, message: &str| RefusalCause {
            field: field.to_owned(),
            message: message.to_owned(),
            ..RefusalCause::default()
        };
        let causes = vec![
            cause("spec.a", "Required value"),
            cause("spec.b", "Invalid value"),
        ];
        assert_eq!(
            described(&Refusal {
                code: 422,
                causes,
                ..Refusal::default()
            }),
            "`spec.a`: Required value; `spec.b`: Invalid value"
        );
        assert_eq!(refused("something else"), "something else");
    }
}
