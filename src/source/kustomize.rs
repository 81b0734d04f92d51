//! Kustomizations: built by `kustomize` or `kubectl`, each object with the file that it comes from.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    files::{KUSTOMIZATIONS, kustomization_in, relative_to, shown, unreadable},
    manifests::{Loaded, Manifest, ManifestText, load_text, relative_file},
    remote::remote_entries,
    tool::{self, Tools, UsedTool},
    yaml::{DuplicateKeys, documents},
};
use crate::{
    object::{ManifestView, Origin, PhaseHint, Problem, field::part},
    plan::KustomizeSource,
};

/// The annotation in which kustomize tells where an object comes from.
/// <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/buildmetadata/>
const ORIGIN: &str = "config.kubernetes.io/origin";

/// What kustomize has built of a folder.
#[derive(Debug)]
pub(super) struct Kustomized {
    /// The objects as YAML.
    text: String,
    /// The folder, without symbolic links.
    folder: PathBuf,
    /// The folder that the paths in annotations begin at; `None` where they tell nothing.
    origins_from: Option<PathBuf>,
    pub(super) tool: UsedTool,
}

/// Builds `source`, a folder relative to `plan_folder`.
pub(super) fn build(
    source: &KustomizeSource,
    plan_folder: &Path,
    tools: &Tools,
) -> Result<Kustomized, Vec<Problem>> {
    let path = plan_folder.join(&source.folder);
    let folder = fs::canonicalize(&path)
        .map_err(|error| vec![unreadable(&path, &error).hint("correct the path in `sources`")])?;
    let Some(file) = kustomization_in(&folder) else {
        return Err(vec![without_kustomization(source, &folder)]);
    };
    if !source.allow_remote {
        let remote = remote_entries(&folder);
        if !remote.is_empty() {
            return Err(remote);
        }
    }
    let program = Program::find(tools).ok_or_else(|| vec![missing()])?;
    let task = format!("build `{}`", shown(&path).display());
    let (text, origins_from) = program
        .build(&folder, &file, &task)
        .map_err(|problem| vec![problem])?;
    Ok(Kustomized {
        text,
        folder,
        origins_from,
        tool: program.used.clone(),
    })
}

fn without_kustomization(source: &KustomizeSource, folder: &Path) -> Problem {
    let written = source.folder.display();
    let (what, entry) = if folder.join("Chart.yaml").is_file() {
        ("a Helm chart", format!("{{helm: {{chart: {written}}}}}"))
    } else if folder.is_file() {
        ("a file", written.to_string())
    } else {
        ("a folder without a kustomization", written.to_string())
    };
    Problem::error(format!("`{}` is {what}", shown(folder).display())).hint(format!(
        "write `- {entry}` into `sources`, or correct the path"
    ))
}

fn missing() -> Problem {
    Problem::error("neither `kustomize` nor `kubectl` is in `PATH`, and the plan has a kustomization")
        .hint("install one of them: https://kubectl.docs.kubernetes.io/installation/kustomize/ or https://kubernetes.io/docs/tasks/tools/")
}

/// The program that builds kustomizations.
#[derive(Clone, Copy)]
struct Program<'a> {
    used: &'a UsedTool,
    command: [&'static str; 2],
}

impl<'a> Program<'a> {
    fn find(tools: &'a Tools) -> Option<Self> {
        let kustomize = tools.kustomize().map(|used| Self {
            used,
            command: ["kustomize", "build"],
        });
        kustomize.or_else(|| {
            let used = tools.kubectl()?;
            let command = ["kubectl", "kustomize"];
            Some(Self { used, command })
        })
    }

    fn command(self, folder: &Path) -> Vec<String> {
        let words = self.command.map(str::to_owned).into_iter();
        words.chain([folder.display().to_string()]).collect()
    }

    /// What the kustomization `file` in `folder` makes, and where the paths of its origins begin.
    ///
    /// Origins can only be asked for in a kustomization, so another one is put around it. What only
    /// counts in the outermost one is not to be lost by that: such a one is built as it is.
    fn build(
        self,
        folder: &Path,
        file: &Path,
        task: &str,
    ) -> Result<(String, Option<PathBuf>), Problem> {
        let as_it_is = || tool::run(&self.command(folder), folder, task);
        let Some(around) = Around::of(folder, file) else {
            return Ok((as_it_is()?, None));
        };
        match tool::run(&self.command(&around.path), folder, task) {
            Ok(text) => Ok((text, Some(around.path.clone()))),
            // Its words are about the folder around it then.
            Err(_) => Ok((as_it_is()?, None)),
        }
    }
}

/// A kustomization around another one, which asks for the origin of every object.
struct Around {
    path: PathBuf,
    /// Removed with it.
    _folder: tempfile::TempDir,
}

impl Around {
    /// One around the kustomization `file` in `folder`; `None` where that counts only as the outermost.
    fn of(folder: &Path, file: &Path) -> Option<Self> {
        const OUTERMOST: [&str; 3] = ["openapi", "sortOptions", "validators"];
        let text = fs::read_to_string(file).ok()?;
        let written = documents(&text, file).ok()?.into_iter().next()?.value;
        if OUTERMOST.iter().any(|key| written.get(key).is_some()) {
            return None;
        }
        let mut metadata = vec![json!("originAnnotations")];
        let asked = written.get("buildMetadata").and_then(Value::as_array);
        let asked = asked.into_iter().flatten();
        // They hold paths from the outermost one on.
        if asked.clone().any(|it| it == "transformerAnnotations") {
            return None;
        }
        metadata.extend(asked.filter(|it| **it != "originAnnotations").cloned());
        let temporary = tempfile::tempdir().ok()?;
        let path = fs::canonicalize(temporary.path()).ok()?;
        let around = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [relative_to(folder, &path)],
            "buildMetadata": metadata,
        });
        fs::write(path.join(KUSTOMIZATIONS[0]), around.to_string()).ok()?;
        Some(Self {
            path,
            _folder: temporary,
        })
    }
}

impl Kustomized {
    /// The objects, each with the place that it comes from and without the annotation that told it.
    /// Paths of phases and of `match` are relative to `plan_folder`.
    pub(super) fn load(&self, plan_folder: &Path) -> Loaded {
        let file = kustomization_in(&self.folder).unwrap_or_else(|| self.folder.clone());
        let text = ManifestText {
            text: &self.text,
            file: Arc::from(shown(&file)),
            hint: PhaseHint::default(),
            named: true,
            duplicates: DuplicateKeys::Refused,
        };
        let mut loaded = load_text(&text);
        let manifests = loaded.manifests.iter_mut();
        let files: Vec<PathBuf> = manifests
            .map(|manifest| self.file_of(manifest).unwrap_or_else(|| file.clone()))
            .collect();
        let built = files.iter().zip(&loaded.manifests);
        let places = Places::of(built.map(|(file, manifest)| (file.as_path(), &manifest.value)));
        for (manifest, file) in loaded.manifests.iter_mut().zip(&files) {
            self.put(manifest, file, plan_folder, &places);
        }
        for problem in &mut loaded.problems {
            // Its lines are those of what was built, which nobody sees.
            problem.origin = Some(Origin {
                file: Arc::from(shown(&file)),
                line: 1,
            });
            (problem.column, problem.excerpt) = (None, None);
        }
        loaded
    }

    /// The file that `manifest` comes from, where the annotation says so that is taken away from it.
    fn file_of(&self, manifest: &mut Manifest) -> Option<PathBuf> {
        let told = take_origin(&mut manifest.value)?;
        let file = lexically_joined(self.origins_from.as_ref()?, &told);
        file.is_file().then_some(file)
    }

    fn put(&self, manifest: &mut Manifest, place: &Path, plan_folder: &Path, places: &Places) {
        manifest.hint = PhaseHint {
            path: below(place, &self.folder),
            file: relative_file(place, plan_folder),
            ..PhaseHint::default()
        };
        manifest.origin = Origin {
            file: Arc::from(shown(place)),
            line: places.line(place, &manifest.value),
        };
    }
}

/// The path of `place` from what `folder` builds on: from its own last component, or from that of
/// the base that is beside it.
fn below(place: &Path, folder: &Path) -> PathBuf {
    let relative = relative_to(place, folder);
    let is_outside = relative.starts_with("..");
    let names = relative
        .components()
        .filter(|component| matches!(component, Component::Normal(_)));
    if is_outside {
        names.collect()
    } else {
        let own = folder.file_name().map(PathBuf::from).unwrap_or_default();
        own.join(names.collect::<PathBuf>())
    }
}

/// `path` from `base` on, without `..`: the folder that it begins at may be gone.
fn lexically_joined(base: &Path, path: &str) -> PathBuf {
    let mut joined = base.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => drop(joined.pop()),
            Component::Normal(name) => joined.push(name),
            _ => {}
        }
    }
    joined
}

/// Takes the annotation away in which kustomize tells the origin of `object`, and returns the file:
/// that of a generator is its kustomization.
fn take_origin(object: &mut Value) -> Option<String> {
    let annotations = object
        .pointer_mut("/metadata/annotations")?
        .as_object_mut()?;
    let told = annotations.remove(ORIGIN)?;
    if annotations.is_empty()
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("annotations");
    }
    let told = documents(told.as_str()?, Path::new("")).ok()?;
    let told = &told.first()?.value;
    let file = ["path", "configuredIn"].map(|key| told.get(key));
    // What comes from elsewhere has no file here.
    if told.get("repo").is_some() {
        return None;
    }
    let file = file.into_iter().flatten().next()?;
    file.as_str().map(str::to_owned)
}

/// Where the objects of files were written down.
#[derive(Default)]
struct Places(HashMap<PathBuf, OfFile>);

/// The objects of one file.
#[derive(Default)]
struct OfFile {
    /// Kind, name and line of each as it is written.
    written: Vec<(String, String, u32)>,
    /// Kind and name of each as it is built.
    built: Vec<(String, String)>,
}

impl Places {
    /// Those of all that is `built`, each with its file.
    fn of<'a>(built: impl Iterator<Item = (&'a Path, &'a Value)>) -> Self {
        let mut places = Self::default();
        for (file, object) in built {
            let of_file = places.0.entry(file.to_owned()).or_insert_with(|| OfFile {
                written: written(file),
                built: Vec::new(),
            });
            let view = ManifestView(object);
            let name = (view.kind().to_owned(), view.name().to_owned());
            of_file.built.push(name);
        }
        places
    }

    /// The line of `file` at which `built` was written down; 1 where none can be found.
    fn line(&self, file: &Path, built: &Value) -> u32 {
        let view = ManifestView(built);
        let of_file = self.0.get(file);
        let line = of_file.and_then(|it| it.line(view.kind(), view.name()));
        line.unwrap_or(1)
    }
}

impl OfFile {
    /// The line of the object that has become `name`. Prefixes and suffixes may have been put to it:
    /// those that fit the most objects of its kind, and of them the shortest.
    fn line(&self, kind: &str, name: &str) -> Option<u32> {
        let written = self.written.iter().filter(|(of, ..)| of == kind);
        let fits = |(before, after): &(&str, &str)| {
            let built = self.built.iter().filter(|(of, _)| of == kind);
            let stripped =
                built.filter_map(|(_, name)| name.strip_prefix(before)?.strip_suffix(after));
            let known = stripped.filter(|name| written.clone().any(|(_, known, _)| known == name));
            known.count()
        };
        let found = written.clone().flat_map(|(_, known, line)| {
            let places = name.match_indices(known.as_str());
            places.map(move |(at, _)| ((&name[..at], &name[at + known.len()..]), *line))
        });
        let best = found.max_by_key(|(around @ (before, after), _)| {
            (fits(around), std::cmp::Reverse(before.len() + after.len()))
        });
        best.map(|(_, line)| line)
    }
}

fn written(file: &Path) -> Vec<(String, String, u32)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let read = documents(&text, file).unwrap_or_default();
    let named = read.into_iter().map(|document| {
        let kind = ManifestView(&document.value).kind().to_owned();
        let name = part(&document.value, "/metadata/name").and_then(Value::as_str);
        (kind, name.unwrap_or_default().to_owned(), document.line)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_what_was_put_around_it() {
        let written = [("web", 3), ("db", 9), ("web-db", 20)];
        let of_file = |built: &[&str]| OfFile {
            written: written
                .map(|(name, line)| ("Job".to_owned(), name.to_owned(), line))
                .to_vec(),
            built: built
                .iter()
                .map(|name| ("Job".to_owned(), (*name).to_owned()))
                .collect(),
        };
        let prefixed = of_file(&["web-web", "web-db", "web-web-db"]);
        let lines = ["web-web", "web-db", "web-web-db"].map(|name| prefixed.line("Job", name));
        assert_eq!(lines, [Some(3), Some(9), Some(20)]);
        let plain = of_file(&["web", "db", "web-db"]);
        let lines = ["web", "db", "web-db"].map(|name| plain.line("Job", name));
        assert_eq!(lines, [Some(3), Some(9), Some(20)]);
        let around = of_file(&["a-web-b", "a-db-b", "a-web-db-b"]);
        let lines = ["a-web-b", "a-db-b", "a-web-db-b"].map(|name| around.line("Job", name));
        assert_eq!(lines, [Some(3), Some(9), Some(20)]);
        assert_eq!(plain.line("Job", "other"), None);
        assert_eq!(plain.line("Pod", "web"), None);
    }
}
