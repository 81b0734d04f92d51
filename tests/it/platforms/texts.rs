//! Nothing is left that a person must find: placeholders, images without a version, names that
//! two environments would share.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::{
    platform::{Platform, platforms},
    rendered::{Rendered, entries, items, title},
    rules::{Problem, Rule, judge, report},
};

pub(super) const RULES: &[Rule] = &[placeholders, images, namespaces];

#[test]
fn no_placeholder_is_left_and_images_are_pinned() {
    judge(RULES);
}

/// Words that stand for something which somebody was to write.
const PLACEHOLDERS: &str = r"(?i)\bchange[-_ ]?me\b|\bto-?do\b|\bfixme\b|\bxxx+\b|\bplaceholder\b|\breplace[-_ ]?(me|with|this)\b|\byour[-_](domain|email|key|token|password|account|project)\b|\bpassword123\b|<[a-z][a-z0-9 _-]*>|\$\{[a-z_.]+\}";

fn placeholders(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pattern = Regex::new(PLACEHOLDERS).expect("it is a regular expression");
    let mut variables: Vec<String> = entries(&platform.plan["variables"])
        .map(|(name, _)| format!("${{{name}}}"))
        .collect();
    variables.push("${release.".to_owned());
    let mut problems = Vec::new();
    for item in &rendered.items {
        let mut texts = Vec::new();
        all_texts(item, &mut texts);
        let found = texts
            .iter()
            .flat_map(|text| pattern.find_iter(text).map(move |it| (it, text)));
        // `(?<name>…)` is a group of a regular expression.
        let is_group = |before: &str| before.ends_with('?') || before.ends_with("?P");
        let found = found.filter(|(it, text)| !is_group(&text[..it.start()]));
        for found in found.map(|(it, _)| it.as_str()) {
            // What other programs replace is theirs.
            let is_ours = !found.starts_with('$')
                || variables
                    .iter()
                    .any(|name| found.starts_with(name.as_str()));
            if is_ours {
                let text = format!("`{found}` waits for somebody to replace it");
                problems.push(Problem::of("placeholder", item, text));
            }
        }
    }
    problems
}

fn all_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    texts.extend(value.as_str());
    entries(value).for_each(|(_, value)| all_texts(value, texts));
    items(value).for_each(|value| all_texts(value, texts));
}

fn images(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for workload in rendered.workloads() {
        for container in workload.all_containers() {
            let image = container["image"].as_str().unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            let tag = name.split_once(['@', ':']).map_or("", |(_, tag)| tag);
            if tag.is_empty() || tag == "latest" {
                let text = format!("`{image}` has no version");
                problems.push(Problem::of_container("image", workload, container, text));
            }
        }
    }
    problems
}

/// Objects lie in the environment's own namespaces, or carry the platform's name.
fn namespaces(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let own = &platform.data.environments[&rendered.environment].namespaces;
    let wrong = |item: &Value| {
        let metadata = &item["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        match metadata["namespace"].as_str() {
            Some(namespace) => (!own.iter().any(|name| name == namespace))
                .then(|| format!("`{namespace}` is none of the environment's namespaces")),
            None if item["kind"] == "Namespace" => (!own.iter().any(|own| own == name))
                .then(|| "it is none of the environment's namespaces".to_owned()),
            None => {
                let first = platform.name.split('-').next().unwrap_or_default();
                // A word of two letters is no name.
                let short = if first.len() > 3 {
                    first
                } else {
                    &platform.name
                };
                (!name.contains(short)).then(|| {
                    format!("it is of the whole cluster, so its name must have `{short}` in it")
                })
            }
        }
    };
    let problem = |item| Some(Problem::of("namespace", item, wrong(item)?));
    rendered.items.iter().filter_map(problem).collect()
}

/// All environments of all platforms fit in one cluster.
#[test]
fn no_two_environments_share_an_object() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut shared = Vec::new();
    for platform in platforms() {
        for rendered in &platform.environments {
            let of_plan = |item: &Value| {
                let group = item["apiVersion"]
                    .as_str()
                    .unwrap_or_default()
                    .rsplit_once('/');
                format!("{} {}", group.map_or("", |(group, _)| group), title(item))
            };
            let declared = rendered.declared.iter();
            let declared = declared.map(|(namespace, name)| format!(" Secret/{namespace}/{name}"));
            for name in rendered.items.iter().map(of_plan).chain(declared) {
                if !known.insert(name.clone()) {
                    shared.push(format!(
                        "{} {}: {name} is there twice",
                        platform.name, rendered.environment
                    ));
                }
            }
        }
    }
    report(shared);
}
