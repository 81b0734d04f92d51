//! The entries of `managedFields` as they are read, and the patches that set them.

use serde_json::{Value, json};

use super::fields::Fields;

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    raw: Value,
    /// The paths that it holds.
    pub(super) fields: Fields,
}

impl Entry {
    fn of(raw: &Value) -> Self {
        Self {
            raw: raw.clone(),
            fields: raw.get("fieldsV1").map(Fields::of).unwrap_or_default(),
        }
    }

    /// An entry of the applier `manager` that holds nothing yet.
    pub(super) fn new_of_applier(manager: &str, api_version: &str) -> Self {
        Self::of(
            &json!({"manager": manager, "operation": "Apply", "apiVersion": api_version, "fieldsType": "FieldsV1"}),
        )
    }

    /// The field manager's name.
    pub(super) fn manager(&self) -> &str {
        self.text("manager")
    }

    /// Whether it was written by server-side apply.
    pub(super) fn is_apply(&self) -> bool {
        self.text("operation") == "Apply"
    }

    /// The version of the API that its paths are of.
    pub(super) fn api_version(&self) -> &str {
        self.text("apiVersion")
    }

    /// `status`, `scale`, …; empty for the object itself.
    pub(super) fn subresource(&self) -> &str {
        self.text("subresource")
    }

    /// When it was written, in RFC 3339; the API server leaves it out for some.
    pub(super) fn time(&self) -> Option<&str> {
        self.raw.get("time").and_then(Value::as_str)
    }

    /// Whether it is what `manager` applied to the object.
    pub(super) fn is_applied_by(&self, manager: &str) -> bool {
        self.manager() == manager && self.is_apply() && self.subresource().is_empty()
    }

    /// Whether both are the entry of the same manager, kept up by the same sort of write.
    /// An applier has one entry, of whatever version.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let same = |key: &str| self.text(key) == other.text(key);
        same("manager")
            && same("operation")
            && same("subresource")
            && (self.is_apply() || same("apiVersion"))
    }

    /// Whether it holds what `kubectl apply` sent, before there was an applier: adoption takes such
    /// entries over.
    ///
    /// `before-first-apply` is the API server's name for the fields of an object without entries
    /// when it is applied for the first time.
    pub(super) fn is_adoptable(&self) -> bool {
        let is_known = matches!(
            self.manager(),
            "kubectl-client-side-apply" | "before-first-apply"
        );
        is_known && self.text("operation") == "Update" && self.subresource().is_empty()
    }

    /// Whether `manager` wrote it while it put the object back, and was stopped before it set the
    /// owners.
    pub(super) fn is_half_way_of(&self, manager: &str) -> bool {
        self.manager() == manager
            && self.text("operation") == "Update"
            && self.subresource().is_empty()
    }

    /// The same entry holding other fields.
    pub(super) fn with_fields(&self, fields: Fields) -> Self {
        Self {
            raw: self.raw.clone(),
            fields,
        }
    }

    /// The entry as it stands in `managedFields`.
    pub(super) fn to_value(&self) -> Value {
        let mut value = self.raw.clone();
        value["fieldsV1"] = self.fields.to_value();
        value
    }

    fn text(&self, key: &str) -> &str {
        self.raw
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// The entries of `object`'s `managedFields`.
pub(super) fn entries(object: &Value) -> Vec<Entry> {
    object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(Entry::of)
        .collect()
}

/// The `apiVersion` of `object`.
pub(super) fn api_version(object: &Value) -> &str {
    object
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The operation that makes a JSON patch fail where `object` is not what is stored any more.
///
/// Replaced by itself and not tested: a stale resource version is then answered with 409, a failed
/// test with 422 and no word of what it was.
pub(super) fn same_version(object: &Value) -> Value {
    json!({"op": "replace", "path": "/metadata/resourceVersion", "value": object.pointer("/metadata/resourceVersion")})
}

/// The operation of a JSON patch that sets `managedFields`.
pub(super) fn owners_operation(managed_fields: Value) -> Value {
    // An empty list would leave the old entries in place; a list of one empty entry takes them all
    // away.
    let none = managed_fields.as_array().is_some_and(Vec::is_empty);
    json!({"op": "add", "path": "/metadata/managedFields", "value": if none { json!([{}]) } else { managed_fields }})
}
