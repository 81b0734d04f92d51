//! The pods of an environment, and what selects them.

use serde_json::{Map, Value};

use super::{
    rendered::{Rendered, entries, items, title},
    workload::{Workload, made_by_operator},
};

/// A label that each pod of a StatefulSet has from its controller, so that no template has it.
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// A port that pods listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) protocol: String,
}

/// The pods that an object makes, itself or by its operator.
#[derive(Debug)]
pub(super) struct Pods<'a> {
    pub(super) object: &'a Value,
    pub(super) namespace: &'a str,
    pub(super) labels: Value,
    pub(super) ports: Vec<Port>,
}

/// All of them.
pub(super) fn pods(rendered: &Rendered) -> Vec<Pods<'_>> {
    rendered.items.iter().filter_map(Pods::of).collect()
}

impl<'a> Pods<'a> {
    /// Those of `object`, if it makes any.
    pub(super) fn of(object: &'a Value) -> Option<Self> {
        let namespace = object["metadata"]["namespace"].as_str()?;
        let (labels, ports) = if let Some(workload) = Workload::of(object) {
            let ports = workload.ports().map(Port::of).collect();
            (workload.labels().clone(), ports)
        } else {
            let (labels, ports) = made_by_operator(object)?;
            (labels, ports.into_iter().map(Port::named).collect())
        };
        Some(Self {
            object,
            namespace,
            labels,
            ports,
        })
    }

    /// `KIND/NAMESPACE/NAME` of what makes them.
    pub(super) fn title(&self) -> String {
        title(self.object)
    }

    /// Whether the selector of a Service selects them.
    pub(super) fn are_selected_by_map(&self, selector: &Value) -> bool {
        let name = self.object["metadata"]["name"].as_str().unwrap_or_default();
        entries(selector).all(|(key, value)| {
            let one = value.as_str().unwrap_or_default().rsplit_once('-');
            self.labels[key] == *value
                || key == POD_NAME
                    && self.object["kind"] == "StatefulSet"
                    && one.is_some_and(|(set, number)| set == name && number.parse::<u32>().is_ok())
        })
    }

    /// Whether several containers call a port so.
    pub(super) fn has_twice(&self, name: &Value) -> bool {
        let called = |port: &&Port| name.as_str() == Some(port.name.as_str());
        self.ports.iter().filter(called).count() > 1
    }

    /// The port of that name or number.
    pub(super) fn port(&self, wanted: &Value) -> Option<&Port> {
        let mut ports = self.ports.iter();
        match wanted {
            Value::String(name) => ports.find(|port| port.name == *name),
            _ => ports.find(|port| wanted.as_u64() == Some(port.number)),
        }
    }
}

impl Port {
    fn of(port: &Value) -> Self {
        let text = |key: &str| port[key].as_str().map(str::to_owned);
        Self {
            name: text("name").unwrap_or_default(),
            number: port["containerPort"].as_u64().unwrap_or_default(),
            protocol: text("protocol").unwrap_or_else(|| "TCP".to_owned()),
        }
    }

    fn named((name, number): (&str, u64)) -> Self {
        Self {
            name: name.to_owned(),
            number,
            protocol: "TCP".to_owned(),
        }
    }
}

/// Whether a label selector selects `labels`.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let fits = |expression: &Value| {
        let value = &labels[expression["key"].as_str().unwrap_or_default()];
        let listed = || items(&expression["values"]).any(|listed| listed == value);
        match expression["operator"].as_str().unwrap_or_default() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => !value.is_null(),
            "DoesNotExist" => value.is_null(),
            other => panic!("`{other}` is no operator of a selector"),
        }
    };
    entries(&selector["matchLabels"]).all(|(key, value)| labels[key] == *value)
        && items(&selector["matchExpressions"]).all(fits)
}

/// Whether a label selector says nothing, and so selects everything.
pub(super) fn selects_everything(selector: &Value) -> bool {
    selector.as_object().is_none_or(Map::is_empty)
}

#[test]
fn selectors_select_by_all_of_their_parts() {
    let labels = serde_json::json!({"app": "web", "tier": "front"});
    for (selector, selected) in [
        ("{}", true),
        (r#"{"matchLabels": {"app": "web"}}"#, true),
        (r#"{"matchLabels": {"app": "web", "tier": "back"}}"#, false),
        (
            r#"{"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}"#,
            true,
        ),
        (
            r#"{"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}"#,
            false,
        ),
        (
            r#"{"matchExpressions": [{"key": "track", "operator": "Exists"}]}"#,
            false,
        ),
        (
            r#"{"matchExpressions": [{"key": "track", "operator": "DoesNotExist"}]}"#,
            true,
        ),
    ] {
        let parsed = serde_json::from_str(selector).unwrap();
        assert_eq!(selects(&parsed, &labels), selected, "{selector}");
    }
}
