//! The objects in the files of a source, lists taken apart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    encoding::decoded,
    files::{Found, files_of, relative_to, shown, unreadable},
    yaml::{Document, DuplicateKeys, YamlError, read_with},
};
use crate::{
    object::{
        HasKind as _, ManifestView, Origin, PhaseHint, Problem, field::part, is_built_in_group,
    },
    plan::ManifestSource,
};

/// One object as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// Its content, an object with `apiVersion`, `kind` and `metadata.name`.
    pub(crate) value: Value,
    /// Where it was written down.
    pub(crate) origin: Origin,
    /// Paths that may say which phase it belongs to.
    pub(crate) hint: PhaseHint,
    /// Its namespace where it names none and has to be in one; the plan's where that is `None` too.
    pub(crate) namespace: Option<String>,
}

/// What a source holds, and everything that is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The objects, in order of their files and their places in them.
    pub(crate) manifests: Vec<Manifest>,
    /// All problems at once.
    pub(crate) problems: Vec<Problem>,
}

/// Loads a source of plain manifests: a file, a folder with everything below it, or a glob,
/// relative to `folder`.
pub(crate) fn load(source: &ManifestSource, folder: &Path) -> Loaded {
    let files = files_of(source, folder);
    let mut loaded = Loaded {
        manifests: Vec::new(),
        problems: files.problems,
    };
    for file in &files.found {
        load_file(&mut loaded, file, folder);
    }
    if loaded.manifests.is_empty() && loaded.problems.is_empty() {
        let message = format!(
            "the source `{}` holds no objects: its documents are empty",
            source.path.display()
        );
        loaded
            .problems
            .push(Problem::error(message).hint("correct the path in `sources`"));
    }
    loaded
}

fn load_file(loaded: &mut Loaded, found: &Found, folder: &Path) {
    let bytes = match fs::read(&found.path) {
        Ok(bytes) => bytes,
        Err(error) => return loaded.problems.push(unreadable(&found.path, &error)),
    };
    let (text, is_lossy) = decoded(&bytes);
    let text = ManifestText {
        text: &text,
        file: Arc::from(shown(&found.path)),
        hint: PhaseHint {
            path: found.within.clone(),
            file: relative_file(&found.path, folder),
            ..PhaseHint::default()
        },
        named: found.named,
        duplicates: DuplicateKeys::Refused,
    };
    let read = load_text(&text);
    // In a comment it does no harm.
    let documents = || read_with(text.text, &text.file, text.duplicates).0;
    if is_lossy && documents().iter().any(|it| is_garbled(&it.value)) {
        let error = io::Error::other("it is not UTF-8 text");
        return loaded.problems.push(unreadable(&found.path, &error));
    }
    loaded.manifests.extend(read.manifests);
    loaded.problems.extend(read.problems);
}

/// Text that holds manifests.
pub(super) struct ManifestText<'a> {
    pub(super) text: &'a str,
    /// What it is called in messages.
    pub(super) file: Arc<Path>,
    /// What is known of the phase of all that it holds.
    pub(super) hint: PhaseHint,
    /// Whether the user has named it itself.
    pub(super) named: bool,
    pub(super) duplicates: DuplicateKeys,
}

/// The objects of `text`, and what is wrong with it, in the order of its lines.
pub(super) fn load_text(text: &ManifestText<'_>) -> Loaded {
    let (documents, errors) = read_with(text.text, &text.file, text.duplicates);
    let mut unpacking = Unpacking {
        loaded: Loaded {
            manifests: Vec::new(),
            problems: errors.into_iter().map(Problem::from).collect(),
        },
        file: Arc::clone(&text.file),
        hint: text.hint.clone(),
        named: text.named,
    };
    for document in documents {
        unpacking.document(document);
    }
    let mut loaded = unpacking.loaded;
    loaded
        .problems
        .sort_by_key(|problem| problem.origin.as_ref().map(|origin| origin.line));
    loaded
}

/// Whether `value` has lost a character in reading.
fn is_garbled(value: &Value) -> bool {
    let lost = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    match value {
        Value::String(text) => lost(text),
        Value::Array(items) => items.iter().any(is_garbled),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| lost(key) || is_garbled(value)),
        _ => false,
    }
}

/// `path` relative to `folder`, where both can be found.
pub(super) fn relative_file(path: &Path, folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    match (fs::canonicalize(path), fs::canonicalize(folder)) {
        (Ok(path), Ok(folder)) => relative_to(&path, &folder),
        _ => path.to_owned(),
    }
}

impl From<YamlError> for Problem {
    fn from(error: YamlError) -> Self {
        let excerpt = error.excerpt();
        let mut problem = Problem::error(error.message.clone()).at(&error.origin());
        (problem.column, problem.excerpt) = (Some(error.column), excerpt);
        problem
    }
}

/// Takes the objects out of the documents of one file.
struct Unpacking {
    loaded: Loaded,
    file: Arc<Path>,
    hint: PhaseHint,
    named: bool,
}

impl Unpacking {
    fn document(&mut self, document: Document) {
        // A plan may lie beside its manifests; it is no object.
        if !self.named
            && ManifestView(&document.value)
                .api_version()
                .starts_with("deployctl.dev/")
        {
            return;
        }
        let Document { value, line, items } = document;
        self.object(value, line, &items);
    }

    /// Takes one object, or the objects of a list with their lines in `items`.
    fn object(&mut self, mut value: Value, line: u32, items: &[u32]) {
        let origin = Origin {
            file: Arc::clone(&self.file),
            line,
        };
        if is_list(&value) {
            let (version, kind) = (
                value["apiVersion"].clone(),
                ManifestView(&value)
                    .kind()
                    .trim_end_matches("List")
                    .to_owned(),
            );
            let Value::Array(entries) = value["items"].take() else {
                return;
            };
            for (index, mut entry) in entries.into_iter().enumerate() {
                if let (Value::Object(entry), false) = (&mut entry, kind.is_empty()) {
                    // The API server leaves both out of the items of a typed list.
                    entry.entry("apiVersion").or_insert_with(|| version.clone());
                    entry
                        .entry("kind")
                        .or_insert_with(|| Value::String(kind.clone()));
                }
                self.object(entry, items.get(index).copied().unwrap_or(line), &[]);
            }
            return;
        }
        match refusal(&value, &self.file) {
            Some(problem) => self.loaded.problems.push(problem.at(&origin)),
            None => self.loaded.manifests.push(Manifest {
                value,
                origin,
                hint: self.hint.clone(),
                namespace: None,
            }),
        }
    }
}

/// Whether `value` is a `List` or a typed list such as `ConfigMapList`, as `kubectl get` prints
/// them. One of Kubernetes itself is whatever it holds and is called; a custom resource may be called
/// so and be none.
fn is_list(value: &Value) -> bool {
    let view = ManifestView(value);
    let (group, kind) = view.group_and_kind();
    let holds_items = || match value.get("items") {
        Some(items) => items.is_array() || items.is_null(),
        None => false,
    };
    kind.ends_with("List")
        && !view.api_version().is_empty()
        && (is_built_in_group(group) || holds_items() && part(value, "/metadata/name").is_none())
}

/// Why `value` cannot be an object of a release, if it cannot.
fn refusal(value: &Value, file: &Path) -> Option<Problem> {
    let Some(entries) = value.as_object() else {
        return Some(
            Problem::error(
                "the document is not an object with `apiVersion`, `kind` and `metadata.name`",
            )
            .hint("remove it or leave the file out of `sources`"),
        );
    };
    let manifest = ManifestView(value);
    let said = [
        ("apiVersion", manifest.api_version()),
        ("kind", manifest.kind()),
    ];
    let missing: Vec<&str> = said
        .into_iter()
        .filter(|(_, text)| text.is_empty())
        .map(|(key, _)| key)
        .collect();
    if missing.len() == 2 && looks_like_values(file) {
        return Some(
            Problem::error("this is a Helm values file, not a manifest")
                .hint("write `- {helm: {chart: …, values: […]}}` into `sources`, or leave the file out by `exclude`"),
        );
    }
    if !missing.is_empty() {
        let hint = match missing.iter().find(|key| entries.contains_key(**key)) {
            Some(key) => format!("write `{key}` as text"),
            None => "add it, or leave the file out of `sources` if it is not a manifest".to_owned(),
        };
        return Some(
            Problem::error(format!(
                "the document has no {}",
                missing
                    .iter()
                    .map(|key| format!("`{key}`"))
                    .collect::<Vec<_>>()
                    .join(" and no ")
            ))
            .hint(hint),
        );
    }
    if manifest
        .api_version()
        .starts_with("kustomize.config.k8s.io/")
    {
        return Some(
            Problem::error("this is a kustomization, not a manifest").hint(
                "write `- {kustomize: FOLDER}` into `sources`, or leave the file out by `exclude`",
            ),
        );
    }
    name_refusal(value)
}

fn name_refusal(value: &Value) -> Option<Problem> {
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    let kind = ManifestView(value).kind();
    match metadata.get("name") {
        Some(Value::String(name)) if !name.is_empty() => {}
        Some(Value::Number(_) | Value::Bool(_)) => {
            return Some(
                Problem::error(format!("`metadata.name` of this {kind} is not text"))
                    .hint("quote it"),
            );
        }
        _ if metadata.get("generateName").is_some() => {
            let message = format!(
                "this {kind} has `generateName`, which makes another object with every run"
            );
            return Some(Problem::error(message).hint("give it a `metadata.name`"));
        }
        _ => {
            return Some(
                Problem::error(format!("this {kind} has no `metadata.name`")).hint("add it"),
            );
        }
    }
    match metadata.get("namespace") {
        None | Some(Value::Null | Value::String(_)) => None,
        Some(_) => Some(
            Problem::error(format!("`metadata.namespace` of this {kind} is not text"))
                .hint("quote it"),
        ),
    }
}

fn looks_like_values(file: &Path) -> bool {
    file.file_stem()
        .is_some_and(|stem| stem.to_string_lossy().to_lowercase().contains("values"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str) -> ManifestSource {
        ManifestSource {
            path: path.into(),
            exclude: Vec::new(),
        }
    }

    fn loaded(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join("m").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let loaded = load(&source("m"), folder.path());
        let place = |origin: &Origin| {
            format!(
                "{}:{}",
                origin.file.file_name().unwrap().to_string_lossy(),
                origin.line
            )
        };
        let objects = loaded.manifests.iter().map(|manifest| {
            let name = ManifestView(&manifest.value).name();
            format!(
                "{} {}/{name}",
                place(&manifest.origin),
                ManifestView(&manifest.value).kind()
            )
        });
        let problems = loaded.problems.iter().map(|problem| {
            let place = problem.origin.as_ref().map(place).unwrap_or_default();
            format!(
                "{place} {}; {}",
                problem.message,
                problem.hint.as_deref().unwrap_or_default()
            )
        });
        (objects.collect(), problems.collect())
    }

    fn object(kind: &str, name: &str) -> String {
        format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
    }

    #[test]
    fn objects_come_in_order_with_their_places() {
        let two = format!(
            "# comment\n{}---\n# nothing\n---\n{}",
            object("Service", "a"),
            object("ConfigMap", "b")
        );
        let (objects, problems) = loaded(&[
            ("b.yaml", &two),
            ("a/x.yml", &object("Secret", "c")),
            (
                "c.json",
                "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"d\"}}",
            ),
        ]);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            objects,
            [
                "x.yml:1 Secret/c",
                "b.yaml:2 Service/a",
                "b.yaml:9 ConfigMap/b",
                "c.json:1 Pod/d"
            ]
        );
    }

    #[test]
    fn lists_are_unpacked() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]}\n";
        let typed = "apiVersion: v1\nkind: ConfigMapList\nmetadata: {resourceVersion: ''}\nitems:\n- metadata: {name: c}\n";
        let custom =
            "apiVersion: example.test/v1\nkind: AllowList\nmetadata: {name: d}\nitems: []\n";
        let named = "apiVersion: v1\nkind: ConfigMapList\nmetadata: {name: mine}\nitems:\n- metadata: {name: e}\n---\napiVersion: v1\nkind: List\nmetadata: {name: mine}\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: f}}]\n";
        let empty = "apiVersion: v1\nkind: List\nitems:\n---\napiVersion: apps/v1\nkind: DeploymentList\nmetadata: {name: none}\n---\napiVersion: example.test/v1\nkind: WidgetList\nitems: null\n";
        let (objects, problems) = loaded(&[
            ("a.yaml", list),
            ("b.yaml", typed),
            ("c.yaml", custom),
            ("d.yaml", named),
            ("e.yaml", empty),
        ]);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            objects,
            [
                "a.yaml:4 Service/a",
                "a.yaml:7 Pod/b",
                "b.yaml:5 ConfigMap/c",
                "c.yaml:1 AllowList/d",
                "d.yaml:5 ConfigMap/e",
                "d.yaml:10 Pod/f",
            ]
        );
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let several = format!(
            "- a\n---\n{}---\nkind: Pod\nmetadata: {{generateName: x-}}\napiVersion: v1\n---\na: 1\na: 2\n---\n{}",
            "kind: Service\nmetadata: {name: a}\n",
            object("Secret", "12")
        );
        let (objects, problems) = loaded(&[
            ("a.yaml", &several),
            ("values-prod.yaml", "replicas: 2\n"),
            (
                "k.yaml",
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\n",
            ),
            ("text.yaml", "just text\n"),
            ("good.yaml", &object("Service", "good")),
        ]);
        assert_eq!(objects, ["good.yaml:1 Service/good"]);
        assert_eq!(
            problems,
            [
                "a.yaml:1 the document is not an object with `apiVersion`, `kind` and `metadata.name`; remove it or leave the file out of `sources`",
                "a.yaml:3 the document has no `apiVersion`; add it, or leave the file out of `sources` if it is not a manifest",
                "a.yaml:6 this Pod has `generateName`, which makes another object with every run; give it a `metadata.name`",
                "a.yaml:11 duplicate key `a`, first given in line 10; remove one of them; ",
                "a.yaml:13 `metadata.name` of this Secret is not text; quote it",
                "k.yaml:1 this is a kustomization, not a manifest; write `- {kustomize: FOLDER}` into `sources`, or leave the file out by `exclude`",
                "text.yaml:1 the document is not an object with `apiVersion`, `kind` and `metadata.name`; remove it or leave the file out of `sources`",
                "values-prod.yaml:1 this is a Helm values file, not a manifest; write `- {helm: {chart: …, values: […]}}` into `sources`, or leave the file out by `exclude`",
            ]
        );
    }

    #[test]
    fn a_plan_beside_its_manifests_is_passed_over() {
        let (objects, problems) = loaded(&[
            ("plan.yaml", "apiVersion: deployctl.dev/v1\nsources: [.]\n"),
            ("a.yaml", &object("Service", "a")),
        ]);
        assert_eq!((objects.len(), problems.len()), (1, 0));
    }

    #[test]
    fn a_source_without_objects_is_an_error() {
        let (_, problems) = loaded(&[("a.yaml", "# nothing\n---\n")]);
        assert_eq!(
            problems,
            [
                " the source `m` holds no objects: its documents are empty; correct the path in `sources`"
            ]
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("latin.yaml"), b"a: \xe9\n").unwrap();
        let loaded = load(&source("latin.yaml"), folder.path());
        assert!(
            loaded.problems[0]
                .to_string()
                .ends_with("latin.yaml`: it is not UTF-8 text"),
            "{}",
            loaded.problems[0]
        );
    }
}
