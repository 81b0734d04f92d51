//! Paths as `fieldsV1` writes them: list items by their keys, not by their positions.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::object::FieldPath;

/// One step of a [`Path`], in the sense of `fieldsV1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Element {
    /// `f:` a field by its name.
    Field(String),
    /// `k:` an item of a keyed list: its keys with their values, as JSON with sorted names.
    Item(String),
    /// `v:` a member of a set: its value as JSON.
    Member(String),
    /// `i:` an item of a list by its position.
    Index(usize),
    /// `o:` the order of a list's items. `fieldsV1` has no such thing; a change that only moves
    /// items needs it.
    Order,
}

/// Where in an object something is: list items are named by their keys and not by their positions,
/// which others move.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>
///
/// It is stored as the list of its elements in the spelling of `fieldsV1`, and shown as
/// `spec.containers[name="api"].image`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Path(Vec<Element>);

impl Element {
    /// The element that `key` of a `fieldsV1` spells; `None` where it is of no known sort.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let (sort, name) = key.split_once(':')?;
        match sort {
            "f" => Some(Self::Field(name.to_owned())),
            "k" => serde_json::from_str(name)
                .ok()
                .map(|keys: Map<String, Value>| Self::item(keys)),
            "v" => serde_json::from_str(name)
                .ok()
                .map(|member: Value| Self::member(&member)),
            "i" => name.parse().ok().map(Self::Index),
            "o" => Some(Self::Order),
            _ => None,
        }
    }

    /// The item of a keyed list that has these keys.
    pub(crate) fn item(keys: Map<String, Value>) -> Self {
        Self::Item(Value::Object(keys).to_string())
    }

    /// The member of a set that is `value`.
    pub(crate) fn member(value: &Value) -> Self {
        Self::Member(value.to_string())
    }

    /// The spelling in `fieldsV1`.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Item(keys) => format!("k:{keys}"),
            Self::Member(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
            Self::Order => "o:".to_owned(),
        }
    }

    /// The part of `value` that this element names.
    pub(crate) fn child<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Field(name) => value.get(name),
            _ => value.as_array()?.get(self.position(value)?),
        }
    }

    fn child_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        if let Self::Field(name) = self {
            return value.get_mut(name);
        }
        let position = self.position(value)?;
        value.as_array_mut()?.get_mut(position)
    }

    /// Where in `list` the named item is.
    pub(super) fn position(&self, list: &Value) -> Option<usize> {
        let items = list.as_array()?;
        match self {
            Self::Item(keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
                items
                    .iter()
                    .position(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
            }
            Self::Member(member) => {
                let member: Value = serde_json::from_str(member).ok()?;
                items.iter().position(|item| *item == member)
            }
            Self::Index(index) => Some(*index).filter(|index| *index < items.len()),
            Self::Field(_) | Self::Order => None,
        }
    }

    fn is_of_list(&self) -> bool {
        matches!(self, Self::Item(_) | Self::Member(_) | Self::Index(_))
    }
}

impl Path {
    /// The path of plain field names, for example `["spec", "replicas"]`.
    pub(crate) fn of_fields(names: &[&str]) -> Self {
        Self(
            names
                .iter()
                .map(|name| Element::Field((*name).to_owned()))
                .collect(),
        )
    }

    /// The path of these elements, from the root on.
    pub(crate) fn of_elements(elements: Vec<Element>) -> Self {
        Self(elements)
    }

    /// The path of `element` below this one.
    pub(crate) fn child(&self, element: Element) -> Self {
        let mut elements = self.0.clone();
        elements.push(element);
        Self(elements)
    }

    /// The path of the field `name` below this one.
    pub(crate) fn field(&self, name: &str) -> Self {
        self.child(Element::Field(name.to_owned()))
    }

    /// Its elements, from the root on.
    pub(crate) fn elements(&self) -> &[Element] {
        &self.0
    }

    /// The path of what holds this one, and the last element; `None` for the root.
    pub(crate) fn split_last(&self) -> Option<(Self, &Element)> {
        self.0
            .split_last()
            .map(|(last, before)| (Self(before.to_vec()), last))
    }

    /// The paths of what it lies in, nearest first, the root excluded.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        (1..self.0.len())
            .rev()
            .map(|length| Self(self.0[..length].to_vec()))
    }

    /// Whether this is `ancestor` or lies below it.
    pub(crate) fn is_within(&self, ancestor: &Self) -> bool {
        self.0.starts_with(&ancestor.0)
    }

    /// The rest of this path below `ancestor`, in which it lies.
    pub(crate) fn below(&self, ancestor: &Self) -> Self {
        Self(
            self.0
                .strip_prefix(ancestor.0.as_slice())
                .unwrap_or_default()
                .to_vec(),
        )
    }

    /// Whether it is about the order of a list's items.
    pub(crate) fn is_order(&self) -> bool {
        self.0.last() == Some(&Element::Order)
    }

    /// The same path for every item of the lists on its way.
    pub(crate) fn for_any_item(&self) -> Self {
        let any = |element: &Element| {
            if element.is_of_list() {
                Element::Index(0)
            } else {
                element.clone()
            }
        };
        Self(self.0.iter().map(any).collect())
    }

    /// The value that `object` holds there.
    pub(crate) fn get<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0
            .iter()
            .try_fold(object, |value, element| element.child(value))
    }

    /// The value that `object` holds there, to be changed.
    pub(crate) fn get_mut<'a>(&self, object: &'a mut Value) -> Option<&'a mut Value> {
        self.0
            .iter()
            .try_fold(object, |value, element| element.child_mut(value))
    }

    /// Removes what `object` holds there.
    pub(crate) fn remove(&self, object: &mut Value) {
        let Some((parent, last)) = self.split_last() else {
            return;
        };
        let Some(parent) = parent.get_mut(object) else {
            return;
        };
        match (last, last.position(parent)) {
            (Element::Field(name), _) => {
                parent.as_object_mut().map(|fields| fields.remove(name));
            }
            (_, Some(position)) => {
                parent.as_array_mut().map(|items| items.remove(position));
            }
            _ => {}
        }
    }

    /// Puts `value` there, instead of what `object` holds there; a new item of a list comes last.
    ///
    /// Maps and lists that are missing on the way are made, but no items of lists: an item of which
    /// only one field is known is none. Returns whether the value is there now.
    pub(crate) fn put(&self, object: &mut Value, value: Value) -> bool {
        let Some((parent, last)) = self.split_last() else {
            return false;
        };
        let Some(holder) = parent.get_or_make(object, last) else {
            return false;
        };
        match last.child_mut(holder) {
            Some(place) => *place = value,
            None => match (last, holder) {
                (Element::Field(name), Value::Object(fields)) => {
                    fields.insert(name.clone(), value);
                }
                (Element::Item(_) | Element::Member(_), Value::Array(items)) => items.push(value),
                _ => return false,
            },
        }
        true
    }

    /// The value there, made as a container that can hold `below` where it is missing.
    fn get_or_make<'a>(&self, object: &'a mut Value, below: &Element) -> Option<&'a mut Value> {
        if self.get(object).is_none() {
            let empty = if below.is_of_list() {
                Value::Array(Vec::new())
            } else {
                Value::Object(Map::new())
            };
            let (parent, Element::Field(name)) = self.split_last()? else {
                return None;
            };
            parent
                .get_or_make(object, &Element::Field(name.clone()))?
                .as_object_mut()?
                .insert(name.clone(), empty);
        }
        self.get_mut(object)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = FieldPath::default();
        for element in &self.0 {
            match element {
                Element::Field(name) => shown.field(name),
                Element::Item(keys) => shown.within(&key_list(keys)),
                Element::Member(value) => shown.within(&format!("={value}")),
                Element::Index(index) => shown.within(&index.to_string()),
                Element::Order => return write!(formatter, "{shown} (order)"),
            }
        }
        shown.fmt(formatter)
    }
}

/// `port=80,protocol="TCP"`.
fn key_list(keys: &str) -> String {
    let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
    let keys: Vec<String> = keys
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    keys.join(",")
}

impl From<Path> for Vec<String> {
    fn from(path: Path) -> Self {
        path.0.iter().map(Element::key).collect()
    }
}

impl TryFrom<Vec<String>> for Path {
    type Error = String;

    fn try_from(keys: Vec<String>) -> Result<Self, Self::Error> {
        let element = |key: &String| {
            Element::parse(key).ok_or_else(|| format!("`{key}` is no element of a path"))
        };
        keys.iter().map(element).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(keys: &[&str]) -> Path {
        Path::try_from(keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())
            .expect("keys of fieldsV1")
    }

    fn object() -> Value {
        json!({
            "metadata": {"finalizers": ["x", "y"], "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"containers": [{"name": "api", "image": "api:1"}, {"name": "log", "image": "log:1"}], "args": ["a", "b"]},
        })
    }

    #[test]
    fn a_path_reads_like_a_field_and_names_items_by_their_keys() {
        assert_eq!(
            path(&["f:spec", "f:containers", "k:{\"name\":\"api\"}", "f:image"]).to_string(),
            "spec.containers[name=\"api\"].image"
        );
        let port = path(&["f:spec", "f:ports", "k:{\"protocol\":\"TCP\",\"port\":80}"]);
        assert_eq!(port.to_string(), "spec.ports[port=80,protocol=\"TCP\"]");
        assert_eq!(
            path(&["f:metadata", "f:labels", "f:app.kubernetes.io/name"]).to_string(),
            "metadata.labels[\"app.kubernetes.io/name\"]"
        );
        assert_eq!(
            path(&["f:metadata", "f:finalizers", "v:\"x\""]).to_string(),
            "metadata.finalizers[=\"x\"]"
        );
        assert_eq!(
            path(&["f:spec", "f:args", "i:1"]).to_string(),
            "spec.args[1]"
        );
        assert_eq!(
            path(&["f:spec", "f:containers", "o:"]).to_string(),
            "spec.containers (order)"
        );
    }

    #[test]
    fn a_path_is_stored_in_the_spelling_of_fields_v1() {
        let stored = json!(["f:spec", "f:containers", "k:{\"name\":\"api\"}", "f:image"]);
        let path: Path = serde_json::from_value(stored.clone()).expect("a path");
        assert_eq!(serde_json::to_value(&path).expect("JSON"), stored);
        assert!(serde_json::from_value::<Path>(json!(["spec"])).is_err());
    }

    #[test]
    fn values_are_found_put_and_removed_by_key() {
        let mut object = object();
        let image = path(&["f:spec", "f:containers", "k:{\"name\":\"log\"}", "f:image"]);
        assert_eq!(image.get(&object), Some(&json!("log:1")));
        assert!(image.put(&mut object, json!("log:2")));
        assert_eq!(object["spec"]["containers"][1]["image"], "log:2");
        path(&["f:metadata", "f:finalizers", "v:\"x\""]).remove(&mut object);
        assert_eq!(object["metadata"]["finalizers"], json!(["y"]));
        path(&["f:spec", "f:containers", "k:{\"name\":\"api\"}"]).remove(&mut object);
        assert_eq!(
            object["spec"]["containers"],
            json!([{"name": "log", "image": "log:2"}])
        );
    }

    #[test]
    fn missing_maps_are_made_and_missing_items_are_not() {
        let mut object = object();
        assert!(path(&["f:metadata", "f:annotations", "f:a"]).put(&mut object, json!("1")));
        assert_eq!(object["metadata"]["annotations"], json!({"a": "1"}));
        assert!(
            path(&["f:metadata", "f:ownerReferences", "k:{\"uid\":\"u\"}"])
                .put(&mut object, json!({"uid": "u"}))
        );
        assert_eq!(object["metadata"]["ownerReferences"], json!([{"uid": "u"}]));
        assert!(
            !path(&["f:spec", "f:containers", "k:{\"name\":\"web\"}", "f:image"])
                .put(&mut object, json!("web:1"))
        );
    }
}
