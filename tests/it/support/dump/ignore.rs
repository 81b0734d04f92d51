use serde_json::Value;

/// Kinds and fields that never count.
pub(super) struct IgnoreList {
    entries: Vec<Entry>,
}

struct Entry {
    kind: String,
    /// Keys on the way to a field; the whole object where this is empty.
    path: Vec<String>,
}

impl IgnoreList {
    /// The one in this repository.
    pub(super) fn committed() -> Self {
        let lines = include_str!("../dump-ignore.txt")
            .lines()
            .filter_map(|line| line.split(" #").next());
        Self {
            entries: lines
                .filter(|line| !line.starts_with('#'))
                .map(Entry::read)
                .collect(),
        }
    }

    /// Whether objects of `kind` never count.
    pub(super) fn holds(&self, kind: &str) -> bool {
        self.of(kind).any(|entry| entry.path.is_empty())
    }

    /// `object` of `kind` without what never counts.
    pub(super) fn without(&self, kind: &str, mut object: Value) -> Value {
        for entry in self.of(kind) {
            remove(&mut object, &entry.path);
        }
        // Whoever only ever wrote what does not count does not count either.
        if let Some(managers) = object
            .pointer_mut("/metadata/managedFields")
            .and_then(Value::as_object_mut)
        {
            managers.retain(|_, operations| {
                operations
                    .as_object()
                    .is_none_or(|operations| !operations.is_empty())
            });
        }
        object
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.kind == "*" || entry.kind == kind)
    }
}

impl Entry {
    fn read(line: &str) -> Self {
        let (kind, path) = line
            .split_once(' ')
            .expect("an entry of the ignore list has a kind and a path");
        let keys = path.trim().split('/').skip(1);
        Self {
            kind: kind.to_owned(),
            path: keys.map(|key| key.replace("~1", "/")).collect(),
        }
    }
}

fn remove(value: &mut Value, path: &[String]) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    match value {
        Value::Object(map) if rest.is_empty() => map.retain(|name, _| key != "*" && name != key),
        Value::Object(map) => map
            .iter_mut()
            .filter(|(name, _)| key == "*" || *name == key)
            .for_each(|(_, inner)| remove(inner, rest)),
        Value::Array(items) if key == "*" => items.iter_mut().for_each(|inner| remove(inner, rest)),
        _ => {}
    }
}
