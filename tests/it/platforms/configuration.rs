//! The texts that the containers of a workload read.

use serde_json::Value;

use super::{
    platform::Platform,
    rendered::{Rendered, entries, items, text},
    workload::{ReadByVolume, Workload, read_by_volume},
};

/// A text, and where it comes from.
pub(super) struct Text<'a> {
    pub(super) place: String,
    pub(super) content: &'a str,
    /// Whether it is a value by itself, and no file.
    pub(super) is_value: bool,
}

/// Everything that a workload is configured by: variables, arguments, `ConfigMaps`, and what the
/// plan composes Secrets of.
pub(super) fn texts<'a>(
    platform: &'a Platform,
    rendered: &'a Rendered,
    workload: Workload<'a>,
) -> Vec<Text<'a>> {
    let mut texts = Vec::new();
    for container in workload.all_containers() {
        for argument in items(&container["command"]).chain(items(&container["args"])) {
            let text = argument.as_str().unwrap_or_default();
            texts.push(Text {
                place: "an argument".to_owned(),
                content: text,
                is_value: false,
            });
        }
        for variable in items(&container["env"]) {
            let place = format!("variable {}", text(&variable["name"]));
            let source = &variable["valueFrom"];
            for (key, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
                let wanted = Wanted {
                    kind,
                    name: &source[key]["name"],
                    key: Some(&source[key]["key"]),
                };
                texts.extend(wanted.texts(platform, rendered, workload, &place));
            }
            let value = variable["value"].as_str();
            texts.extend(value.map(|text| Text {
                place,
                content: text,
                is_value: true,
            }));
        }
        for source in items(&container["envFrom"]) {
            for (key, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
                let wanted = Wanted {
                    kind,
                    name: &source[key]["name"],
                    key: None,
                };
                texts.extend(wanted.texts(platform, rendered, workload, ""));
            }
        }
    }
    for read in items(&workload.pod()["volumes"]).flat_map(read_by_volume) {
        texts.extend(of_volume(platform, rendered, workload, &read));
    }
    texts
}

/// What a volume brings of what it reads: some keys of it, where they are named.
fn of_volume<'a>(
    platform: &'a Platform,
    rendered: &'a Rendered,
    workload: Workload<'a>,
    read: &ReadByVolume<'a>,
) -> Vec<Text<'a>> {
    let &ReadByVolume { kind, name, .. } = read;
    let texts = read.keys().into_iter().flat_map(|key| {
        let wanted = Wanted { kind, name, key };
        wanted.texts(platform, rendered, workload, "")
    });
    let as_file = |text| Text {
        is_value: false,
        ..text
    };
    texts.map(as_file).collect()
}

/// A `ConfigMap` or Secret, or one key of it.
struct Wanted<'a> {
    kind: &'static str,
    name: &'a Value,
    key: Option<&'a Value>,
}

impl<'a> Wanted<'a> {
    fn texts(
        &self,
        platform: &'a Platform,
        rendered: &'a Rendered,
        workload: Workload<'_>,
        place: &str,
    ) -> Vec<Text<'a>> {
        let Some(name) = self.name.as_str() else {
            return Vec::new();
        };
        let data = match rendered.find(self.kind, workload.namespace(), name) {
            Some(object) => entries(&object["data"])
                .chain(entries(&object["stringData"]))
                .collect(),
            None if self.kind == "Secret" => composed(platform, name),
            None => Vec::new(),
        };
        let wanted = data
            .into_iter()
            .filter(|(key, _)| self.key.is_none_or(|wanted| wanted == key.as_str()));
        let texts = wanted.filter_map(|(key, value)| {
            let own = format!("{} {name}, {key}", self.kind);
            let place = if place.is_empty() {
                own
            } else {
                place.to_owned()
            };
            Some(Text {
                place,
                content: value.as_str()?,
                is_value: true,
            })
        });
        texts.collect()
    }
}

/// What the plan composes the values of a Secret of.
fn composed<'a>(platform: &'a Platform, name: &str) -> Vec<(&'a String, &'a Value)> {
    let of_name = items(&platform.plan["secrets"]).filter(|secret| secret["name"] == name);
    let data = of_name.flat_map(|secret| entries(&secret["data"]));
    data.map(|(key, value)| (key, &value["template"])).collect()
}
