//! What an object says that there will be because of it.

use super::{Keys, ObjectId};

/// What an object says that there will be because of it: `Secret/shop/db[user,password]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provided {
    /// API group; empty for the core group.
    pub(crate) group: String,
    /// Kind.
    pub(crate) kind: String,
    /// Namespace, where it is not that of the object.
    pub(crate) namespace: Option<String>,
    /// Name.
    pub(crate) name: String,
    /// The keys, where any are said.
    pub(crate) keys: Vec<String>,
}

impl Provided {
    /// What an annotation's `value` lists, with commas or spaces between; an error is the entry that
    /// is not understood.
    pub(crate) fn listed(value: &str) -> Result<Vec<Self>, String> {
        let mut entries: Vec<String> = vec![String::new()];
        let mut is_in_keys = false;
        for character in value.chars() {
            is_in_keys = match character {
                '[' => true,
                ']' => false,
                _ => is_in_keys,
            };
            match entries.last_mut() {
                Some(entry) if is_in_keys || !is_separator(character) => entry.push(character),
                _ => entries.push(String::new()),
            }
        }
        let entries = entries.into_iter().filter(|entry| !entry.is_empty());
        entries
            .map(|entry| Self::parse(&entry).ok_or(entry))
            .collect()
    }

    fn parse(entry: &str) -> Option<Self> {
        let (named, keys) = match entry.split_once('[') {
            Some((named, keys)) => (named, keys.strip_suffix(']')?),
            None => (entry, ""),
        };
        let parts: Vec<&str> = named.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => return None,
        };
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        let is_kind = kind.starts_with(|first: char| first.is_ascii_uppercase());
        (is_kind && !name.is_empty()).then(|| Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace,
            name: name.to_owned(),
            keys: keys
                .split(is_separator)
                .filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// What is meant, as the object `by` says it; what is in its namespace may also belong to the
    /// cluster as a whole.
    pub(crate) fn meant(&self, by: &ObjectId) -> (Vec<ObjectId>, Keys) {
        let own = self.namespace.clone().or_else(|| by.namespace.clone());
        let mut namespaces = vec![own];
        if self.namespace.is_none() && by.namespace.is_some() {
            namespaces.push(None);
        }
        let targets = namespaces.into_iter().map(|namespace| ObjectId {
            group: self.group.clone(),
            kind: self.kind.clone(),
            namespace,
            name: self.name.clone(),
        });
        let keys = match self.keys.as_slice() {
            [] => Keys::unknown(),
            keys => Keys::known(keys.iter().map(String::as_str)),
        };
        (targets.collect(), keys)
    }
}

fn is_separator(character: char) -> bool {
    character == ',' || character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_kinds_with_names_and_keys() {
        let listed = Provided::listed(
            "Secret/db[user,password], ConfigMap/other/ca\nIssuer.cert-manager.io/own",
        )
        .expect("it is understood");
        let by = ObjectId::core("Job", Some("shop"), "make");
        let shown: Vec<String> = listed
            .iter()
            .map(|provided| {
                let (targets, keys) = provided.meant(&by);
                let keys: Vec<String> = keys.always.into_iter().collect();
                format!("{}{} {keys:?}", targets[0], targets[0].group)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "Secret/shop/db [\"password\", \"user\"]",
                "ConfigMap/other/ca []",
                "Issuer/shop/owncert-manager.io []"
            ]
        );
        for wrong in ["db", "secret/db", "Secret/", "Secret/a/b/c", "Secret/db[x"] {
            assert_eq!(Provided::listed(wrong), Err(wrong.to_owned()));
        }
    }
}
