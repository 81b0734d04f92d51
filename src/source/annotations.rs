//! Our annotations on manifests, which are read and never sent; but for the one that keeps an object,
//! which has to be there when the object is about to be deleted.

use serde_json::Value;

use crate::object::{AnnotatedMarks, ManifestView, Problem, Provided, RollbackMark};

/// Names the phase of an object.
const PHASE: &str = "deployctl.dev/phase";
/// Says that an object may be deleted and created anew.
const RECREATE: &str = "deployctl.dev/recreate";
/// Says what a rollback does with an object.
const ROLLBACK: &str = "deployctl.dev/rollback";
/// Says whether pods are restarted when something changes that they read.
const RESTART_ON_CHANGE: &str = "deployctl.dev/restart-on-change";
/// Says that an object stays where it would be deleted. It is sent.
const KEEP: &str = "deployctl.dev/keep";
/// Lists what there will be because of an object.
const PROVIDES: &str = "deployctl.dev/provides";
/// Says whether variables are replaced in an object.
const SUBSTITUTE: &str = "deployctl.dev/substitute";

/// Whether variables are replaced in `object`: where its annotation does not say otherwise.
pub(super) fn is_substituted(object: &Value) -> bool {
    let value = ManifestView(object).annotation(SUBSTITUTE);
    value != Some("false")
}

/// What annotations of ours say about an object. They are for us and never sent to the cluster.
#[derive(Debug, Default)]
pub(super) struct Annotated {
    /// Name of the phase.
    pub(super) phase: Option<String>,
    pub(super) marks: AnnotatedMarks,
    /// What there will be because of it.
    pub(super) provides: Vec<Provided>,
}

/// Removes our annotations from `object`, and the map of annotations where nothing else is in it,
/// and returns what they say.
///
/// A value that means nothing is a problem, which has no place yet.
pub(super) fn take_annotations(object: &mut Value, problems: &mut Vec<Problem>) -> Annotated {
    let mut annotated = Annotated::default();
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return annotated;
    };
    let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    else {
        return annotated;
    };
    let mut take = |name: &str| {
        annotations.remove(name).map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
    };
    annotated.phase = take(PHASE);
    annotated.marks = AnnotatedMarks {
        recreate: take(RECREATE)
            .and_then(|value| known(RECREATE, &value, &TRUE_OR_FALSE, problems)),
        rollback: take(ROLLBACK)
            .and_then(|value| known(ROLLBACK, &value, &MANUAL_OR_RERUN, problems)),
        restart_on_change: take(RESTART_ON_CHANGE)
            .and_then(|value| known(RESTART_ON_CHANGE, &value, &TRUE_OR_FALSE, problems)),
    };
    annotated.provides = take(PROVIDES).map_or_else(Vec::new, |value| provided(&value, problems));
    // It is read before variables are replaced, by `is_substituted`.
    let _ = take(SUBSTITUTE).and_then(|value| known(SUBSTITUTE, &value, &TRUE_OR_FALSE, problems));
    if let Some(keep) = annotations.get(KEEP).and_then(Value::as_str) {
        known(KEEP, keep, &TRUE_OR_FALSE, problems);
    }
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    annotated
}

/// What `value` lists.
fn provided(value: &str, problems: &mut Vec<Problem>) -> Vec<Provided> {
    Provided::listed(value).unwrap_or_else(|entry| {
        let message = format!("the annotation `{PROVIDES}` lists `{entry}`, which is not understood");
        let hint = "write `KIND/NAME`, `KIND/NAMESPACE/NAME` or `Secret/NAME[KEY,KEY]`, with commas between";
        problems.push(Problem::error(message).hint(hint));
        Vec::new()
    })
}

const TRUE_OR_FALSE: [(&str, bool); 2] = [("true", true), ("false", false)];
const MANUAL_OR_RERUN: [(&str, RollbackMark); 2] = [
    ("manual", RollbackMark::Manual),
    ("rerun", RollbackMark::Rerun),
];

/// What `value` of the annotation `name` means among `meanings`.
fn known<T: Copy>(
    name: &str,
    value: &str,
    meanings: &[(&str, T)],
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let found = meanings
        .iter()
        .find(|(text, _)| *text == value)
        .map(|(_, meaning)| *meaning);
    if found.is_none() {
        let texts = meanings
            .iter()
            .map(|(text, _)| format!("`\"{text}\"`"))
            .collect::<Vec<_>>()
            .join(" or ");
        problems.push(
            Problem::error(format!(
                "the annotation `{name}` is `{value}`, which means nothing"
            ))
            .hint(format!("write {texts}")),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn annotated(annotations: &Value) -> (Value, Annotated, Vec<String>) {
        let mut object = json!({"metadata": {"name": "a", "annotations": annotations}});
        let mut problems = Vec::new();
        let annotated = take_annotations(&mut object, &mut problems);
        (
            object,
            annotated,
            problems.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn our_annotations_are_read_and_not_sent() {
        let (object, annotated, problems) = annotated(&json!({
            "deployctl.dev/phase": "apps", "deployctl.dev/recreate": "true",
            "deployctl.dev/rollback": "manual", "deployctl.dev/restart-on-change": "false",
            "deployctl.dev/substitute": "false",
        }));
        assert_eq!(object, json!({"metadata": {"name": "a"}}));
        assert_eq!(annotated.phase.as_deref(), Some("apps"));
        let marks = AnnotatedMarks {
            recreate: Some(true),
            rollback: Some(RollbackMark::Manual),
            restart_on_change: Some(false),
        };
        assert_eq!(annotated.marks, marks);
        assert!(problems.is_empty());
    }

    #[test]
    fn a_value_that_means_nothing_is_an_error() {
        let (object, annotated, problems) =
            annotated(&json!({"deployctl.dev/rollback": "never", "other": "x"}));
        assert_eq!(object["metadata"]["annotations"], json!({"other": "x"}));
        assert_eq!(annotated.marks, AnnotatedMarks::default());
        assert_eq!(
            problems,
            [
                "the annotation `deployctl.dev/rollback` is `never`, which means nothing; write `\"manual\"` or `\"rerun\"`"
            ]
        );
    }

    #[test]
    fn what_an_object_provides_is_read_and_what_is_not_understood_is_an_error() {
        let (object, read, problems) =
            annotated(&json!({"deployctl.dev/provides": "Secret/db[a,b], ConfigMap/ca"}));
        assert_eq!(object, json!({"metadata": {"name": "a"}}));
        assert_eq!((read.provides.len(), problems.len()), (2, 0));
        let (_, _, problems) = annotated(&json!({"deployctl.dev/provides": "db"}));
        assert_eq!(
            problems,
            [
                "the annotation `deployctl.dev/provides` lists `db`, which is not understood; write `KIND/NAME`, `KIND/NAMESPACE/NAME` or `Secret/NAME[KEY,KEY]`, with commas between"
            ]
        );
    }

    #[test]
    fn what_keeps_an_object_is_sent() {
        let (object, _, problems) = annotated(&json!({"deployctl.dev/keep": "true"}));
        let annotations = &object["metadata"]["annotations"];
        assert_eq!(*annotations, json!({"deployctl.dev/keep": "true"}));
        assert!(problems.is_empty());
        let (_, _, problems) = annotated(&json!({"deployctl.dev/keep": "yes"}));
        assert_eq!(
            problems,
            [
                "the annotation `deployctl.dev/keep` is `yes`, which means nothing; write `\"true\"` or `\"false\"`"
            ]
        );
    }
}
