//! A kind of custom resource that is played, as the table describes it.

use serde_json::{Value, json};

use super::subject::Subject;

/// A kind of custom resource that is played.
pub(super) struct PlayedKind {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    /// Under which name its operator writes.
    pub(super) operator: &'static str,
    /// The status that the operator writes.
    pub(super) status: fn(&Subject<'_>) -> Value,
    /// The objects that the operator makes, where nothing fails. They belong to the object and go
    /// with it.
    pub(super) made: fn(&Subject<'_>) -> Vec<Value>,
    /// What the object refers to.
    pub(super) references: fn(&Value) -> Vec<Reference>,
}

/// What an operator does where something is not there that an object refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// It says that the object fails.
    Fails,
    /// It says nothing about the object.
    Silent,
    /// It does without.
    Bearable,
}

/// An object that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Nothing for what is in no namespace.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) absence: Absence,
}

impl Reference {
    pub(super) fn to(
        (api_version, kind): (&str, &str),
        namespace: &str,
        name: &str,
        absence: Absence,
    ) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            absence,
        }
    }
}

/// A kind for which its operator only writes a status.
pub(super) const fn played(
    operator: &'static str,
    (group, kind): (&'static str, &'static str),
    status: fn(&Subject<'_>) -> Value,
) -> PlayedKind {
    PlayedKind {
        group,
        kind,
        operator,
        status,
        made: |_| Vec::new(),
        references: |_| Vec::new(),
    }
}

impl PlayedKind {
    /// The same, and its operator makes objects too.
    pub(super) const fn making(mut self, made: fn(&Subject<'_>) -> Vec<Value>) -> Self {
        self.made = made;
        self
    }

    /// The same, and its operator looks for what the object refers to.
    pub(super) const fn referring(mut self, references: fn(&Value) -> Vec<Reference>) -> Self {
        self.references = references;
        self
    }
}

/// `made` as an object of `owner`'s, which the garbage collector takes away with it.
pub(super) fn owned(owner: &Value, mut made: Value) -> Value {
    made["metadata"]["ownerReferences"] = json!([{
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    }]);
    made
}
