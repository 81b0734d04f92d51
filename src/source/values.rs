//! The values that a chart is rendered with: always in files, since everybody on the machine may see
//! the arguments of a program.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{files::unreadable, yaml::documents};
use crate::{
    object::Problem,
    plan::{HelmChart, HelmValues},
};

/// The values that a chart is rendered with.
pub(super) struct Values {
    files: Vec<PathBuf>,
    /// What is written in the plan; removed with this.
    _inline: tempfile::TempDir,
}

impl Values {
    /// Those of `chart`, whose files are relative to `folder`. All problems come at once.
    pub(super) fn of(chart: &HelmChart, folder: &Path) -> Result<Self, Vec<Problem>> {
        let unusable = |error: &io::Error| vec![unreadable(&std::env::temp_dir(), error)];
        let inline = tempfile::tempdir().map_err(|error| unusable(&error))?;
        let write = |name: &str, values: &Value| -> Result<PathBuf, Vec<Problem>> {
            let file = inline.path().join(name);
            fs::write(&file, values.to_string()).map_err(|error| unusable(&error))?;
            Ok(file)
        };
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for (index, values) in chart.values.iter().enumerate() {
            match values {
                HelmValues::File(file) => {
                    let file = folder.join(file);
                    if let Err(error) = fs::File::open(&file) {
                        let problem = unreadable(&file, &error);
                        problems.push(problem.hint("correct `values` in `sources`"));
                    }
                    files.push(std::path::absolute(&file).unwrap_or(file));
                }
                HelmValues::Inline(values) => {
                    let values = Value::Object(values.clone());
                    files.push(write(&format!("values-{index}.yaml"), &values)?);
                }
            }
        }
        let (set, unread) = single_values(chart, &files);
        problems.extend(unread);
        if !problems.is_empty() {
            return Err(problems);
        }
        files.push(write("set.yaml", &set)?);
        Ok(Self {
            files,
            _inline: inline,
        })
    }

    /// The arguments of helm that name them.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let files = self.files.iter();
        files.flat_map(|file| ["--values".to_owned(), file.display().to_string()])
    }
}

/// What `set` says, as values, and a problem for each path that Helm does not read. Items of lists
/// are set among those that `files` have.
fn single_values(chart: &HelmChart, files: &[PathBuf]) -> (Value, Vec<Problem>) {
    let (mut values, mut problems) = (Value::Object(Map::new()), Vec::new());
    for (path, value) in &chart.set {
        let Some(steps) = steps(path) else {
            let message = format!(
                "`set` of the chart `{}` has the path `{path}`, which Helm does not read",
                chart.chart
            );
            let hint = "write it as for `helm --set`: `image.tag`, `hosts[0].name`, `labels.example\\.org/a`";
            problems.push(Problem::error(message).hint(hint));
            continue;
        };
        if let Some(Step::Key(first)) = steps.first()
            && steps.iter().any(|step| matches!(step, Step::Item(_)))
            && values.get(first).is_none()
        {
            values[first] = written_at(first, files);
        }
        put(&mut values, &steps, value.clone());
    }
    (values, problems)
}

/// What `files` say together of `key`. What cannot be read is for helm to say.
fn written_at(key: &str, files: &[PathBuf]) -> Value {
    let mut merged = Value::Null;
    for file in files {
        let text = fs::read_to_string(file).unwrap_or_default();
        let read = documents(&text, file).unwrap_or_default();
        let value = read
            .into_iter()
            .next()
            .and_then(|it| it.value.get(key).cloned());
        if let Some(value) = value {
            merge(&mut merged, value);
        }
    }
    merged
}

/// Puts `later` over `values`, as Helm does with its values files.
fn merge(values: &mut Value, later: Value) {
    match (values, later) {
        (Value::Object(values), Value::Object(later)) => {
            for (key, value) in later {
                merge(values.entry(key).or_insert(Value::Null), value);
            }
        }
        (values, later) => *values = later,
    }
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

/// Helm's largest number of an item.
/// <https://github.com/helm/helm/blob/main/pkg/strvals/parser.go>
const LAST_ITEM: usize = 65_536;

/// The steps of `path`; `None` where Helm does not read it.
/// <https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set>
fn steps(path: &str) -> Option<Vec<Step>> {
    let (mut steps, mut letters) = (Vec::new(), path.chars());
    // A key begins at the start and after a full stop; behind an item one of these must stand.
    let mut key = Some(String::new());
    while let Some(letter) = letters.next() {
        match (letter, &mut key) {
            ('\\', Some(key)) => key.push(letters.next()?),
            ('.', known) => {
                end(known.take(), &mut steps)?;
                key = Some(String::new());
            }
            ('[', known) => {
                end(known.take(), &mut steps)?;
                let digits: String = letters.by_ref().take_while(|it| *it != ']').collect();
                let number = digits.trim().parse().ok()?;
                steps.push(Step::Item(number));
            }
            (',' | '=' | ']', _) | (_, None) => return None,
            (letter, Some(key)) => key.push(letter),
        }
    }
    end(key, &mut steps)?;
    let is_small = |step: &Step| !matches!(step, Step::Item(number) if *number > LAST_ITEM);
    let begins = matches!(steps.first(), Some(Step::Key(_)));
    (begins && steps.iter().all(is_small)).then_some(steps)
}

/// Ends a key where one was begun; `None` where it is empty.
fn end(key: Option<String>, steps: &mut Vec<Step>) -> Option<()> {
    match key {
        Some(key) if key.is_empty() => return None,
        key => steps.extend(key.map(Step::Key)),
    }
    Some(())
}

/// Puts `value` at `steps` into `values`, in the place of what is no map or list.
fn put(values: &mut Value, steps: &[Step], value: Value) {
    let mut place = values;
    for step in steps {
        place = match step {
            Step::Key(key) => {
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                &mut place[key]
            }
            Step::Item(number) => {
                if !place.is_array() {
                    *place = Value::Array(Vec::new());
                }
                if let Some(items) = place.as_array_mut()
                    && items.len() <= *number
                {
                    items.resize(number + 1, Value::Null);
                }
                &mut place[number]
            }
        };
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_read_as_helm_reads_them() {
        let key = |key: &str| Step::Key(key.to_owned());
        assert_eq!(steps("image.tag"), Some(vec![key("image"), key("tag")]));
        let dotted = vec![key("labels"), key("example.org/a"), key("b")];
        assert_eq!(steps(r"labels.example\.org/a.b"), Some(dotted));
        let item = vec![key("hosts"), Step::Item(1), Step::Item(0), key("name")];
        assert_eq!(steps("hosts[1][0].name"), Some(item));
        for wrong in [
            "", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[1]b", "[0]", "a,b", "a=b", "a[70000]",
            "a\\",
        ] {
            assert_eq!(steps(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn items_are_set_among_those_of_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            file
        };
        let files = [
            file(
                "a.yaml",
                "hosts: [{name: a}]\nimage: {tag: v1, pull: Always}\nother: 1\n",
            ),
            file(
                "b.yaml",
                "hosts: [{name: b, port: 1}, {name: c}]\nimage: {tag: v2}\n",
            ),
        ];
        let chart: HelmChart = serde_json::from_value(json!({
            "chart": "./chart",
            "set": {"hosts[1].name": "d", "image.args[1]": "-v", "image.tag": "v3"},
        }))
        .unwrap();
        let (values, problems) = single_values(&chart, &files);
        assert!(problems.is_empty());
        let expected = json!({
            "hosts": [{"name": "b", "port": 1}, {"name": "d"}],
            "image": {"tag": "v3", "pull": "Always", "args": [null, "-v"]},
        });
        assert_eq!(values, expected);
        let wrong: HelmChart =
            serde_json::from_value(json!({"chart": "./chart", "set": {"a[": "secret"}})).unwrap();
        let (_, problems) = single_values(&wrong, &[]);
        let said = problems[0].to_string();
        assert!(said.contains("`a[`") && !said.contains("secret"), "{said}");
    }
}
