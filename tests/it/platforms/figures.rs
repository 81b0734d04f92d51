//! The figures of the platforms' documents, each on what is rendered. Words of its line are found
//! in the document, so that nobody asserts what nobody asked for.

use std::{collections::BTreeMap, fs};

use regex::Regex;
use serde_json::Value;

use super::{
    data::{Count, Figure, Wanted},
    fields,
    platform::{Platform, platforms, root},
    rendered::{Rendered, fits, is_called, items},
    rules::report,
};

#[test]
fn every_figure_is_rendered() {
    report(platforms().flat_map(wrong_figures));
}

fn wrong_figures(platform: &'static Platform) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut others: BTreeMap<String, Rendered> = BTreeMap::new();
    for figure in &platform.data.expectations.figures {
        let about = |rendered: &&Rendered| figure.is_in(&rendered.environment);
        for rendered in platform.environments.iter().filter(about) {
            let environment = &rendered.environment;
            let rendered = if figure.set.is_empty() {
                rendered
            } else {
                let render = || platform.with(environment, &figure.set);
                others
                    .entry(format!("{environment} {:?}", figure.set))
                    .or_insert_with(render)
            };
            if let Err(problem) = check(figure, platform, rendered) {
                let name = &platform.name;
                wrong.push(format!(
                    "{name} {environment}: `{}`: {problem}",
                    figure.line
                ));
            }
        }
        for name in &figure.environments {
            if !platform.data.environments.contains_key(name) {
                wrong.push(format!(
                    "{}: `{}`: there is no environment {name}",
                    platform.name, figure.line
                ));
            }
        }
    }
    wrong
}

/// Why a figure is not what is rendered.
fn check(figure: &Figure, platform: &Platform, rendered: &Rendered) -> Result<(), String> {
    if figure.wanted.left.is_some() {
        return Ok(());
    }
    if let Some(Count::Objects {
        kind,
        name,
        namespace,
    }) = &figure.count
    {
        let fit = |item: &&Value| {
            let part = |key: &str| item["metadata"][key].as_str().unwrap_or_default();
            name.as_ref().is_none_or(|glob| fits(glob, part("name")))
                && namespace
                    .as_ref()
                    .is_none_or(|glob| fits(glob, part("namespace")))
        };
        let count = rendered.kind(kind).filter(fit).count();
        return match figure.wanted.is {
            Some(wanted) if wanted == count => Ok(()),
            Some(wanted) => Err(format!("{count} objects of kind {kind}, and not {wanted}")),
            None => Err("a count of objects needs `is`".to_owned()),
        };
    }
    let name = figure.object.as_deref().ok_or("it names no object")?;
    if name == "plan" {
        return compare(figure, &platform.plan)
            .map_err(|problem| format!("plan {}: {problem}", figure.path));
    }
    let is_there = rendered.items.iter().any(|item| is_called(item, name));
    let object = match rendered.named(name) {
        Err(_) if figure.wanted.absent && figure.path.is_empty() && !is_there => return Ok(()),
        found => found?,
    };
    if let Some(wanted) = &figure.wanted.phase {
        let phase = rendered.phases().get(&super::rendered::title(object));
        return match phase {
            Some(phase) if phase == wanted => Ok(()),
            phase => Err(format!("{name} is in phase {phase:?}")),
        };
    }
    compare(figure, object).map_err(|problem| format!("{name} {}: {problem}", figure.path))
}

fn compare(figure: &Figure, object: &Value) -> Result<(), String> {
    let found = fields::at(object, &figure.path)?;
    let Wanted {
        equals,
        contains,
        matches,
        lines,
        absent,
        ..
    } = &figure.wanted;
    if *absent {
        return match found {
            None => Ok(()),
            Some(found) => Err(format!("it is {}", short(&found))),
        };
    }
    let found = found.ok_or("nothing is there")?;
    let wrong = |wanted: &str| Err(format!("it is {}, and not {wanted}", short(&found)));
    let text = || {
        found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned)
    };
    match (equals, contains, matches, lines, &figure.count) {
        (Some(wanted), ..) if found == *wanted => Ok(()),
        (Some(wanted), ..) => wrong(&wanted.to_string()),
        (_, Some(wanted), ..) if holds(&found, wanted) => Ok(()),
        (_, Some(wanted), ..) => wrong(&format!("with {wanted} in it")),
        (.., Some(pattern), _, _) => match Regex::new(pattern) {
            Ok(regex) if regex.is_match(&text()) => Ok(()),
            Ok(_) => wrong(&format!("as `{pattern}` has it")),
            Err(error) => Err(error.to_string()),
        },
        (.., Some(wanted), _) => {
            let text = text();
            let is_there = |line: &&String| text.lines().any(|own| own.trim() == line.trim());
            let missing: Vec<_> = wanted.iter().filter(|line| !is_there(line)).collect();
            if missing.is_empty() {
                Ok(())
            } else {
                Err(format!("these lines are missing: {missing:?}"))
            }
        }
        (.., Some(Count::Length(wanted))) => {
            let length = found
                .as_array()
                .map(Vec::len)
                .or(found.as_object().map(serde_json::Map::len));
            if length == Some(*wanted) {
                Ok(())
            } else {
                wrong(&format!("of length {wanted}"))
            }
        }
        _ => Err("nothing is wanted of it".to_owned()),
    }
}

/// Whether a text has `wanted` in it, or a list has it, or each of a list of them.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(text), Value::String(wanted)) => text.contains(wanted.as_str()),
        (Value::Array(_), Value::Array(several)) => several
            .iter()
            .all(|wanted| items(found).any(|item| item == wanted)),
        (Value::Array(_), _) => items(found).any(|item| item == wanted),
        (Value::Object(map), Value::String(key)) => map.contains_key(key),
        _ => false,
    }
}

/// A value as a message shows it.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The documents that a platform's figures come from, where they are beside this repository.
pub(super) fn documents(platform: &Platform) -> Option<(String, String)> {
    let shared = root().join("../shared");
    let read = |path: &str| fs::read_to_string(shared.join(path)).ok();
    let common = read("docs/platforms.md")?;
    Some((
        common,
        read(&format!("seeds/{}.md", platform.name)).unwrap_or_default(),
    ))
}

/// `text` with one space for each gap, so that words of a line are found where it is broken.
pub(super) fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_figure_stands_in_the_documents() {
    report(platforms().flat_map(|platform| {
        let Some((common, own)) = documents(platform) else {
            println!(
                "{}: the documents are not here, so that lines are not looked up",
                platform.name
            );
            return Vec::new();
        };
        let text = joined(&common) + "\n" + &joined(&own);
        let figures = platform.data.expectations.figures.iter();
        let missing = figures.filter(|figure| !text.contains(&joined(&figure.line)));
        missing
            .map(|figure| {
                format!(
                    "{}: no document has the words `{}`",
                    platform.name, figure.line
                )
            })
            .collect()
    }));
}
