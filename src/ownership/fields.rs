//! A set of paths, the form that one entry of `managedFields` has.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::path::{Element, Path};

/// A set of paths: what one entry of `managedFields` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(BTreeSet<Path>);

impl Fields {
    /// The paths in `fields`, a `fieldsV1` (KEP-555): `.` and a name with nothing below it are
    /// members.
    pub(crate) fn of(fields: &Value) -> Self {
        let mut paths = BTreeSet::new();
        collect(fields, &Path::default(), &mut paths);
        Self(paths)
    }

    /// The set as `fieldsV1`.
    pub(crate) fn to_value(&self) -> Value {
        let mut fields = Map::new();
        // A path sorts before those below it, so a branch is known as a member before anything is
        // put into it.
        for path in &self.0 {
            insert(&mut fields, path.elements());
        }
        Value::Object(fields)
    }

    /// Its paths, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    /// Whether it has no paths.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `path` itself is a member.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    /// Whether anything below `path` is a member.
    pub(crate) fn goes_below(&self, path: &Path) -> bool {
        let mut within = self.0.range(path..).take_while(|next| next.is_within(path));
        within.any(|next| next != path)
    }

    /// Whether `path` itself, or anything below it, is a member.
    pub(crate) fn reaches(&self, path: &Path) -> bool {
        // What lies below a path follows it directly in the order of paths.
        self.0
            .range(path..)
            .next()
            .is_some_and(|next| next.is_within(path))
    }
}

impl FromIterator<Path> for Fields {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        Self(paths.into_iter().collect())
    }
}

fn collect(fields: &Value, at: &Path, paths: &mut BTreeSet<Path>) {
    for (key, below) in fields.as_object().into_iter().flatten() {
        if key == "." {
            paths.insert(at.clone());
        } else if let Some(element) = Element::parse(key) {
            let path = at.child(element);
            if below.as_object().is_none_or(Map::is_empty) {
                paths.insert(path);
            } else {
                collect(below, &path, paths);
            }
        }
    }
}

fn insert(fields: &mut Map<String, Value>, elements: &[Element]) {
    let Some((first, rest)) = elements.split_first() else {
        return;
    };
    let is_new = !fields.contains_key(&first.key());
    let below = fields
        .entry(first.key())
        .or_insert_with(|| Value::Object(Map::new()));
    let Some(below) = below.as_object_mut() else {
        return;
    };
    if !rest.is_empty() {
        if !is_new && below.is_empty() {
            below.insert(".".to_owned(), Value::Object(Map::new()));
        }
        insert(below, rest);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Value {
        json!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:finalizers": {"v:\"x\"": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}}}, "f:replicas": {}},
        })
    }

    #[test]
    fn fields_v1_is_read_and_written_unchanged() {
        assert_eq!(Fields::of(&fields()).to_value(), fields());
        assert_eq!(Fields::of(&json!({})).to_value(), json!({}));
    }

    #[test]
    fn members_and_what_lies_below_them_are_told_apart() {
        let fields = Fields::of(&fields());
        assert!(fields.contains(&Path::of_fields(&["metadata", "labels"])));
        assert!(!fields.contains(&Path::of_fields(&["spec", "containers"])));
        assert!(fields.reaches(&Path::of_fields(&["spec", "containers"])));
        assert!(!fields.reaches(&Path::of_fields(&["spec", "paused"])));
        assert!(!fields.reaches(&Path::of_fields(&["spec", "replicas", "below"])));
    }
}
