//! What a plan leaves to others, in the paths of `managedFields`.

use serde_json::Value;

use super::{
    adopt::patch,
    entries::{Entry, entries},
    fields::Fields,
    path::{Element, Path},
};
use crate::plan::{FieldSelector, FieldStep};

/// Whether `path` is, or lies in, what one of `ignored` names in `object`.
pub(crate) fn is_ignored(path: &Path, ignored: &[FieldSelector], object: &Value) -> bool {
    ignored
        .iter()
        .any(|field| relation(field, path, object) == Some(Relation::Within))
}

/// A JSON patch that takes what `ignored` names out of `manager`'s `Apply` entry, so that it is
/// given up without being removed; `None` where it holds nothing of it. It fails with 409 where
/// `live` is not what is stored any more.
///
/// Given up too are the maps of `initial` that `sent`, which is `initial` without what is ignored,
/// does not hold any more: an apply would take them away with all that is in them.
pub(crate) fn give_up_ignored(
    live: &Value,
    manager: &str,
    ignored: &[FieldSelector],
    (initial, sent): (&Value, &Value),
) -> Option<Value> {
    let all: Vec<Entry<'_>> = entries(live).collect();
    let ours = all.iter().find(|entry| entry.is_applied_by(manager))?;
    let is_left_empty = |path: &Path| path.get(sent).is_none() && path.get(initial).is_some();
    let is_given_up = |path: &&Path| {
        let mut relations = ignored
            .iter()
            .filter_map(|field| relation(field, path, live));
        relations.any(|relation| relation == Relation::Within || is_left_empty(path))
    };
    let fields = ours.fields();
    let kept: Fields = fields
        .iter()
        .filter(|path| !is_given_up(path))
        .cloned()
        .collect();
    if kept == *fields {
        return None;
    }
    let others = all.iter().filter(|entry| !entry.is_applied_by(manager));
    let entries = others.cloned().chain([ours.with_fields(kept)]);
    Some(patch(live, entries, None))
}

/// What `manager` holds as a whole of `object` although `field` names only a part of it: that part
/// cannot be left to others.
pub(crate) fn held_as_a_whole(
    object: &Value,
    manager: &str,
    field: &FieldSelector,
) -> Option<Path> {
    let ours = entries(object).find(|entry| entry.is_applied_by(manager))?;
    let fields = ours.fields();
    let is_whole = |path: &&Path| {
        let has_parts = fields
            .iter()
            .any(|other| other != *path && other.is_within(path));
        !has_parts && relation(field, path, object) == Some(Relation::Around)
    };
    let whole = fields.iter().find(is_whole)?;
    field.is_in(object).then(|| whole.clone())
}

/// How a path lies to what a selector names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// It is that, or a part of it.
    Within,
    /// That is a part of it.
    Around,
}

fn relation(field: &FieldSelector, path: &Path, object: &Value) -> Option<Relation> {
    let mut holder = Some(object);
    for (step, element) in field.steps().iter().zip(path.elements()) {
        if !is_named(step, element, holder) {
            return None;
        }
        holder = holder.and_then(|holder| element.child(holder));
    }
    let is_within = field.steps().len() <= path.elements().len();
    Some(if is_within {
        Relation::Within
    } else {
        Relation::Around
    })
}

/// Whether `step` names what `element` names in `holder`.
fn is_named(step: &FieldStep, element: &Element, holder: Option<&Value>) -> bool {
    if let (FieldStep::Field(name), Element::Field(field)) = (step, element) {
        return name == field;
    }
    let item = holder.and_then(|holder| Some((element.position(holder)?, element.child(holder)?)));
    item.is_some_and(|(position, item)| step.names(position, item))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &str = "deployctl.shop.dev";

    fn ignored(fields: &[&str]) -> Vec<FieldSelector> {
        let parsed = fields.iter().map(|field| FieldSelector::parse(field));
        parsed.collect::<Result<_, _>>().expect("fields")
    }

    fn manifest() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "annotations": {"example.com/x": "1"}}, "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [
                {"name": "web", "image": "web:1", "resources": {"limits": {"cpu": "1"}}},
                {"name": "log", "image": "log:1", "resources": {"limits": {"cpu": "1"}}},
            ]}},
        }})
    }

    fn live() -> Value {
        let container = json!({".": {}, "f:name": {}, "f:image": {}, "f:resources": {"f:limits": {"f:cpu": {}}}});
        let fields = json!({
            "f:metadata": {"f:annotations": {".": {}, "f:example.com/x": {}}, "f:labels": {"f:deployctl.dev/shop.dev": {}}},
            "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": container, "k:{\"name\":\"log\"}": container}}}},
        });
        let mut live = manifest();
        live["metadata"]["resourceVersion"] = "7".into();
        live["metadata"]["managedFields"] = json!([
            {"manager": "other", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:status": {}}},
            {"manager": OURS, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": fields},
        ]);
        live
    }

    fn given_up(fields: &[&str]) -> Option<Value> {
        let (ignored, initial) = (ignored(fields), manifest());
        let mut sent = initial.clone();
        for field in &ignored {
            field.remove(&mut sent);
        }
        give_up_ignored(&live(), OURS, &ignored, (&initial, &sent))
    }

    #[test]
    fn what_is_ignored_is_given_up_and_nothing_else() {
        let patch = given_up(&[
            "spec.replicas",
            "spec.template.spec.containers[name=web].resources",
        ])
        .expect("it is held");
        assert_eq!(patch[0]["value"], "7");
        let entries = patch[1]["value"].as_array().expect("a list");
        assert_eq!(entries.len(), 2);
        let fields = &entries[1]["fieldsV1"];
        assert!(fields["f:spec"].get("f:replicas").is_none());
        let containers = &fields["f:spec"]["f:template"]["f:spec"]["f:containers"];
        assert_eq!(
            containers["k:{\"name\":\"web\"}"],
            json!({".": {}, "f:name": {}, "f:image": {}})
        );
        assert!(
            containers["k:{\"name\":\"log\"}"]
                .get("f:resources")
                .is_some()
        );
        assert_eq!(given_up(&["spec.paused"]), None);
    }

    /// An apply without `annotations` would take all of them away where it held them.
    #[test]
    fn a_map_that_is_not_sent_any_more_is_given_up_too() {
        let patch = given_up(&["metadata.annotations[\"example.com/x\"]"]).expect("it is held");
        assert_eq!(
            patch[1]["value"][1]["fieldsV1"]["f:metadata"],
            json!({"f:labels": {"f:deployctl.dev/shop.dev": {}}})
        );
    }

    #[test]
    fn a_part_of_what_is_held_as_a_whole_cannot_be_left_to_others() {
        let object = json!({"spec": {"args": ["a", "b"], "replicas": 1}, "metadata": {"managedFields": [
            {"manager": OURS, "operation": "Apply", "fieldsV1": {"f:spec": {"f:args": {}, "f:replicas": {}}}},
        ]}});
        let whole = |field: &str| {
            let field = FieldSelector::parse(field).expect("a field");
            held_as_a_whole(&object, OURS, &field).map(|path| path.to_string())
        };
        assert_eq!(whole("spec.args[0]").as_deref(), Some("spec.args"));
        assert_eq!(whole("spec.args"), None);
        assert_eq!(whole("spec.args[7]"), None);
        assert_eq!(whole("spec.replicas"), None);
    }

    #[test]
    fn a_path_is_ignored_with_all_that_lies_in_it() {
        let object = live();
        let cpu = Path::try_from(
            [
                "f:spec",
                "f:template",
                "f:spec",
                "f:containers",
                "k:{\"name\":\"web\"}",
                "f:resources",
                "f:limits",
            ]
            .map(str::to_owned)
            .to_vec(),
        )
        .expect("a path");
        let is = |field: &str| is_ignored(&cpu, &ignored(&[field]), &object);
        assert!(is("spec.template.spec.containers[*].resources"));
        assert!(is("spec.template.spec.containers[0].resources"));
        assert!(!is("spec.template.spec.containers[name=log].resources"));
        assert!(!is(
            "spec.template.spec.containers[name=web].resources.limits.cpu"
        ));
    }
}
