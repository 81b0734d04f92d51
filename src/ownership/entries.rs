//! The entries of `managedFields` as they are read, and the patches that set them.

use std::cell::OnceCell;

use serde_json::{Value, json};

use super::fields::Fields;
use crate::object::{
    ManifestView,
    field::{list, text},
};

/// One entry of `managedFields`. Its paths are read when they are asked for: most questions are
/// about its manager alone.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    raw: &'a Value,
    fields: OnceCell<Fields>,
}

impl<'a> Entry<'a> {
    /// The entry that `raw` is.
    pub(super) fn of(raw: &'a Value) -> Self {
        Self {
            raw,
            fields: OnceCell::new(),
        }
    }

    /// What an entry of the applier `manager` looks like that holds nothing yet.
    pub(super) fn blank(manager: &str, api_version: &str) -> Value {
        json!({"manager": manager, "operation": "Apply", "apiVersion": api_version, "fieldsType": "FieldsV1"})
    }

    /// The field manager's name.
    pub(super) fn manager(&self) -> &'a str {
        self.text("/manager")
    }

    /// Whether it was written by server-side apply.
    pub(super) fn is_apply(&self) -> bool {
        self.text("/operation") == "Apply"
    }

    /// Whether it was written otherwise: created, replaced or patched.
    pub(super) fn is_update(&self) -> bool {
        self.text("/operation") == "Update"
    }

    /// The version of the API that its paths are of.
    pub(super) fn api_version(&self) -> &'a str {
        self.text("/apiVersion")
    }

    /// `status`, `scale`, …; empty for the object itself.
    pub(super) fn subresource(&self) -> &'a str {
        self.text("/subresource")
    }

    /// When it was written, in RFC 3339; the API server leaves it out for some.
    pub(super) fn time(&self) -> Option<&'a str> {
        text(self.raw, "/time")
    }

    /// The paths that it holds, as `fieldsV1`.
    pub(super) fn fields_v1(&self) -> Option<&'a Value> {
        self.raw.get("fieldsV1")
    }

    /// The paths that it holds.
    pub(super) fn fields(&self) -> &Fields {
        let read = || self.fields_v1().map(Fields::of).unwrap_or_default();
        self.fields.get_or_init(read)
    }

    /// Whether it is what `manager` applied to the object.
    pub(super) fn is_applied_by(&self, manager: &str) -> bool {
        self.manager() == manager && self.is_apply() && self.subresource().is_empty()
    }

    /// Whether both are the entry of the same manager, kept up by the same sort of write.
    /// An applier has one entry, of whatever version.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let same = |path: &str| self.text(path) == other.text(path);
        same("/manager")
            && same("/operation")
            && same("/subresource")
            && (self.is_apply() || same("/apiVersion"))
    }

    /// Whether `manager` wrote it while it put the object back, and was stopped before it set the
    /// owners.
    pub(super) fn is_half_way_of(&self, manager: &str) -> bool {
        self.manager() == manager && self.is_update() && self.subresource().is_empty()
    }

    /// The same entry holding other fields.
    pub(super) fn with_fields(&self, fields: Fields) -> Self {
        Self {
            raw: self.raw,
            fields: OnceCell::from(fields),
        }
    }

    /// The entry as it stands in `managedFields`.
    pub(super) fn to_value(&self) -> Value {
        let mut value = self.raw.clone();
        value["fieldsV1"] = self.fields().to_value();
        value
    }

    fn text(&self, path: &str) -> &'a str {
        text(self.raw, path).unwrap_or_default()
    }
}

/// The entries of `object`'s `managedFields`.
pub(super) fn entries(object: &Value) -> impl Iterator<Item = Entry<'_>> {
    list(object, "/metadata/managedFields")
        .iter()
        .map(Entry::of)
}

/// Makes `object` one of `api_version`, with its owners, where the versions differ in their name
/// alone.
pub(crate) fn rename_version(object: &mut Value, api_version: &str) {
    let before = ManifestView(object).api_version().to_owned();
    let managers = object["metadata"]["managedFields"].as_array_mut();
    for entry in managers.into_iter().flatten() {
        if entry["apiVersion"] == before {
            entry["apiVersion"] = api_version.into();
        }
    }
    object["apiVersion"] = api_version.into();
}

/// The operation that makes a JSON patch fail where `object` is not what is stored any more.
///
/// Replaced by itself and not tested: a stale resource version is then answered with 409, a failed
/// test with 422 and no word of what it was.
pub(super) fn same_version(object: &Value) -> Value {
    json!({"op": "replace", "path": "/metadata/resourceVersion", "value": ManifestView(object).resource_version()})
}

/// The operation of a JSON patch that sets `managedFields`.
pub(super) fn owners_operation(managed_fields: Value) -> Value {
    // An empty list would leave the old entries in place; a list of one empty entry takes them all
    // away.
    let none = managed_fields.as_array().is_some_and(Vec::is_empty);
    json!({"op": "add", "path": "/metadata/managedFields", "value": if none { json!([{}]) } else { managed_fields }})
}
