//! How people read the place of a field in an object, as kubectl writes it.

use std::fmt;

/// `spec.template.spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FieldPath(String);

impl FieldPath {
    /// The place that a JSON pointer names.
    pub(crate) fn of_pointer(pointer: &str) -> Self {
        let mut path = Self::default();
        for part in pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            if name.chars().all(|character| character.is_ascii_digit()) {
                path.within(&name);
            } else {
                path.field(&name);
            }
        }
        path
    }

    /// Goes on to the field `name`.
    pub(crate) fn field(&mut self, name: &str) {
        if !is_plain(name) {
            self.within(&serde_json::Value::from(name).to_string());
            return;
        }
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(name);
    }

    /// Goes on to an item of a list: its position, or what says which one it is.
    pub(crate) fn within(&mut self, item: &str) {
        self.0.push('[');
        self.0.push_str(item);
        self.0.push(']');
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-".contains(character))
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_like_a_field() {
        let cases = [
            (
                "/spec/template/spec/containers/0/image",
                "spec.template.spec.containers[0].image",
            ),
            (
                "/metadata/labels/app.kubernetes.io~1name",
                "metadata.labels[\"app.kubernetes.io/name\"]",
            ),
            ("/data/tls.crt", "data[\"tls.crt\"]"),
            ("", ""),
        ];
        for (pointer, field) in cases {
            assert_eq!(FieldPath::of_pointer(pointer).to_string(), field);
        }
    }
}
