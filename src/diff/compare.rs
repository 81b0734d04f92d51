//! Two states of one object: the fields and the lines in which they differ.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    hunk::{Hunk, hunks},
    masking::{Masker, VALUES, masked_values},
    noise::without_noise,
};
use crate::{
    object::{HasKind as _, ObjectId, strip_managed_fields},
    ownership::{Path, changed_paths},
    source,
};

/// How objects are compared: what must not be seen of them, and what is ours.
pub(crate) struct View<'a> {
    /// Knows the secret values.
    pub(crate) masker: &'a Masker,
    /// The label by which the release finds its objects.
    pub(crate) label: &'a str,
    /// Of declared keys of Secrets, as `NAME/KEY`, where their values come from.
    pub(crate) sources: &'a BTreeMap<String, String>,
}

/// In what two states of one object differ. Holds no secret value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Difference {
    /// Field by field; empty for what goes as a whole.
    pub(crate) fields: Vec<FieldChange>,
    /// Line by line, as YAML.
    pub(crate) hunks: Vec<Hunk>,
}

/// A field that is another one. Where its value is secret, something else stands for that.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldChange {
    /// The field, for example `spec.template.spec.containers[name="web"].image`.
    pub(crate) path: String,
    /// What it was; `None` where it was not there.
    pub(crate) before: Option<Value>,
    /// What it is then; `None` where it is not there any more.
    pub(crate) after: Option<Value>,
}

impl View<'_> {
    /// In what the object `id` differs `before` and `after`; `None`: it is not there.
    pub(crate) fn compare(
        &self,
        id: &ObjectId,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Difference {
        let paths = match (before, after) {
            (Some(before), Some(after)) => changed_paths(before, after),
            _ => Vec::new(),
        };
        let status = Path::of_fields(&["status"]);
        let keeps_status = paths.iter().any(|change| change.path.is_within(&status));
        let clean = |object: &Value| without_noise(object, self.label, keeps_status);
        let (before, after) = (before.map(clean), after.map(clean));
        let fields = match (&before, &after) {
            (Some(before), Some(after)) => self.fields(id, before, after),
            (None, Some(after)) => self.new_fields(id, after),
            _ => Vec::new(),
        };
        let text = |object: Option<Value>| {
            let mut object = object.unwrap_or_default();
            strip_managed_fields(&mut object);
            if object.is_null() {
                String::new()
            } else {
                source::to_text(&object)
            }
        };
        let (before, after) = self.masked(id, before.as_ref(), after.as_ref());
        Difference {
            fields,
            hunks: hunks(&text(before), &text(after)),
        }
    }

    fn fields(&self, id: &ObjectId, before: &Value, after: &Value) -> Vec<FieldChange> {
        let (hidden, shown) = self.masked(id, Some(before), Some(after));
        let (hidden, shown) = (hidden.unwrap_or_default(), shown.unwrap_or_default());
        let changes = changed_paths(before, after).into_iter();
        let fields = changes.map(|change| {
            let path = &change.path;
            let (masked, now) = if path.is_order() {
                (None, change.after.clone())
            } else if is_of_values(id, path) || is_identity(path) {
                (path.get(&hidden).cloned(), path.get(&shown).cloned())
            } else {
                self.masker.pair(path.get(before), path.get(after))
            };
            FieldChange {
                path: self.masker.text(&path.to_string()),
                before: masked,
                after: now,
            }
        });
        fields.collect()
    }

    /// What an object has that is not there yet, each part of its spec and each key of its data by itself.
    fn new_fields(&self, id: &ObjectId, after: &Value) -> Vec<FieldChange> {
        let mut shown = self.masked(id, None, Some(after)).1.unwrap_or_default();
        strip_managed_fields(&mut shown);
        let mut found = Vec::new();
        for (name, value) in shown.as_object().into_iter().flatten() {
            match value {
                Value::Object(parts) => found.extend(
                    parts
                        .iter()
                        .map(|(part, value)| (Path::of_fields(&[name, part]), value.clone())),
                ),
                value => found.push((Path::of_fields(&[name]), value.clone())),
            }
        }
        let fields = found.into_iter().filter(|(path, _)| !is_identity(path));
        let fields = fields.map(|(path, value)| FieldChange {
            path: self.masker.text(&path.to_string()),
            before: None,
            after: Some(value),
        });
        fields.collect()
    }

    /// Both states without secret values.
    fn masked(
        &self,
        id: &ObjectId,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        let (mut hidden, mut shown) = self.masker.pair(before, after);
        for (object, masked) in [(before, &mut hidden), (after, &mut shown)] {
            keep_identity(object, masked);
        }
        if !id.is_secret() {
            return (hidden, shown);
        }
        let prefix = format!("{}/", id.name);
        let own = self.sources.iter();
        let own = own.filter_map(|(name, from)| {
            Some((name.strip_prefix(&prefix)?.to_owned(), from.clone()))
        });
        let own: BTreeMap<String, String> = own.collect();
        for field in VALUES {
            let of = |object: Option<&Value>| object.and_then(|object| object.get(field)).cloned();
            let (one, other) = masked_values(of(before).as_ref(), of(after).as_ref(), &own);
            let put = |object: &mut Option<Value>, value: Option<Value>| {
                if let (Some(object), Some(value)) = (object, value) {
                    object[field] = value;
                }
            };
            put(&mut hidden, one);
            put(&mut shown, other);
        }
        (hidden, shown)
    }
}

/// What says which object it is, which no secret value makes unreadable.
const IDENTITY: [&[&str]; 4] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
];

fn is_identity(path: &Path) -> bool {
    let mut fields = IDENTITY.into_iter();
    fields.any(|field| path.is_within(&Path::of_fields(field)))
}

/// Gives `masked` what says which object it is, as it is in `object`.
fn keep_identity(object: Option<&Value>, masked: &mut Option<Value>) {
    let (Some(object), Some(masked)) = (object, masked) else {
        return;
    };
    for field in IDENTITY.map(Path::of_fields) {
        if let Some(value) = field.get(object) {
            field.put(masked, value.clone());
        }
    }
}

/// Whether `path` leads to values of the Secret `id`.
fn is_of_values(id: &ObjectId, path: &Path) -> bool {
    let is_within = |field: &str| path.is_within(&Path::of_fields(&[field]));
    id.is_secret() && VALUES.into_iter().any(is_within)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LABEL: &str = "deployctl.dev/shop.dev";

    fn shown(before: &Value, after: &Value, sources: &[(&str, &str)]) -> String {
        let sources = sources.iter();
        let sources: BTreeMap<String, String> = sources
            .map(|(key, from)| ((*key).to_owned(), (*from).to_owned()))
            .collect();
        let secrets = [before, after]
            .into_iter()
            .filter(|it| it["kind"] == "Secret");
        let secrecy = |_: &Value, _: &str| crate::diff::Secrecy::Assumed;
        let masker = Masker::of(secrets, &secrecy);
        let view = View {
            masker: &masker,
            label: LABEL,
            sources: &sources,
        };
        let id = ObjectId::of(before).expect("an object");
        let difference = view.compare(&id, Some(before), Some(after));
        let fields = difference.fields.iter().map(|field| {
            let value =
                |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
            format!(
                "{}: {} {}",
                field.path,
                value(&field.before),
                value(&field.after)
            )
        });
        let lines = difference.hunks.iter().flat_map(|hunk| &hunk.lines);
        let lines = lines.filter(|(sign, _)| *sign != super::super::Sign::Same);
        let lines = lines.map(|(sign, line)| format!("{sign:?} {line}"));
        fields.chain(lines).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn fields_and_lines_show_what_differs_and_no_noise() {
        let object = |image: &str, version: &str| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {
                    "name": "web", "namespace": "shop", "resourceVersion": version, "labels": {LABEL: version},
                    "managedFields": [{"manager": "m", "operation": "Apply", "apiVersion": "apps/v1", "time": version, "fieldsV1": {
                        "f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}}}}}},
                    }}],
                },
                "spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
                "status": {"observedGeneration": version},
            })
        };
        insta::assert_snapshot!(shown(&object("web:1", "1"), &object("web:2", "2"), &[]), @r#"
        spec.template.spec.containers[name="web"].image: "web:1" "web:2"
        Removed         image: web:1
        Added         image: web:2
        "#);
    }

    #[test]
    fn values_of_a_secret_are_not_shown_and_their_changes_are() {
        let object = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": data});
        let (before, after) = (
            object(json!({"password": "b25lLXNlY3JldA==", "same": "c2FtZS1TZWNyZXQ="})),
            object(
                json!({"password": "b3RoZXItc2VjcmV0", "same": "c2FtZS1TZWNyZXQ=", "token": "dG9rZW4tU2VjcmV0"}),
            ),
        );
        insta::assert_snapshot!(shown(&before, &after, &[("db/token", "generated")]), @r#"
        data.password: "(secret)" "(changed)"
        data.token: - "(generated)"
        Removed   password: (secret)
        Added   password: (changed)
        Added   token: (generated)
        "#);
    }

    #[test]
    fn a_secret_value_does_not_hide_which_object_it_is() {
        let secret = json!({"kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "Q29uZmlnTWFw", "b": "Y2hlY2tvdXQx"}});
        let masker = Masker::of(std::iter::once(&secret), &|_, _| {
            crate::diff::Secrecy::Declared
        });
        let sources = BTreeMap::new();
        let view = View {
            masker: &masker,
            label: LABEL,
            sources: &sources,
        };
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "checkout1", "namespace": "checkout1"}, "data": {"a": "checkout1"}});
        let id = ObjectId::of(&object).expect("an object");
        let difference = view.compare(&id, None, Some(&object));
        let fields: Vec<_> = difference
            .fields
            .iter()
            .map(|it| (it.path.as_str(), &it.after))
            .collect();
        assert_eq!(fields, [("data.a", &Some("(secret)".into()))]);
        let lines = difference.hunks.into_iter().flat_map(|hunk| hunk.lines);
        let text: Vec<String> = lines.map(|(_, line)| line).collect();
        assert_eq!(
            text,
            [
                "apiVersion: v1",
                "kind: ConfigMap",
                "metadata:",
                "  name: checkout1",
                "  namespace: checkout1",
                "data:",
                "  a: (secret)"
            ]
        );
    }
}
