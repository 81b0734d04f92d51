//! Helm charts: rendered by `helm template`, for the cluster that they are deployed to.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use serde_json::Value;

use super::{
    chart::{Chart, Remote},
    files::shown,
    generated::mark_generated,
    hooks::mark_parts,
    manifests::{Loaded, ManifestText, load_text, relative_file},
    tool::{self, Tools, UsedTool},
    values::Values,
    yaml::DuplicateKeys,
};
use crate::{
    object::{ManifestView, Origin, PhaseHint, Problem},
    plan::{HelmChart, Plan, Source},
};

/// What a chart may ask about the cluster.
/// <https://helm.sh/docs/chart_template_guide/builtin_objects/>
#[derive(Debug, Clone)]
pub(crate) struct ChartCapabilities {
    /// The server's version, for example `v1.36.3`, where the user may read it.
    pub(crate) kubernetes: Option<String>,
    /// What it serves: `apps/v1`, `apps/v1/Deployment`.
    pub(crate) api_versions: Vec<String>,
}

/// What helm has made of a chart.
#[derive(Debug)]
pub(super) struct Charted {
    chart: Chart,
    /// Name of the chart's release, and its namespace.
    name: String,
    /// The objects as YAML.
    text: String,
    /// Those of another rendering.
    again: String,
    /// That the plan does not say which archive it means.
    unpinned: Option<Problem>,
    pub(super) tool: UsedTool,
}

/// Renders `declared`, a chart of `source`.
pub(super) fn build(
    declared: &HelmChart,
    source: &Source,
    plan: &Plan,
    (capabilities, tools): (Option<&ChartCapabilities>, &Tools),
) -> Result<Charted, Vec<Problem>> {
    let tool = tools.helm().ok_or_else(|| vec![missing()])?.clone();
    let folder = &plan.paths.folder;
    let chart = if declared.is_local() {
        Chart::local(&declared.chart, folder)
    } else {
        Remote::of(declared).fetched()
    };
    let chart = chart.map_err(|problem| vec![problem])?;
    chart.check_digest(declared.digest.as_deref())?;
    let release = declared
        .release
        .as_ref()
        .unwrap_or(&plan.address.release.plan);
    let values = Values::of(declared, folder)?;
    let mut command: Vec<String> = ["helm", "template", release.as_str()]
        .map(str::to_owned)
        .to_vec();
    command.push(chart.path.display().to_string());
    let namespace = source.namespace().unwrap_or(&plan.namespace.name);
    command.extend(["--namespace", namespace.as_str(), "--include-crds"].map(str::to_owned));
    command.extend(values.arguments());
    if let Some(ChartCapabilities {
        kubernetes,
        api_versions,
    }) = capabilities
    {
        let version = kubernetes.iter();
        command.extend(version.flat_map(|it| ["--kube-version".to_owned(), it.clone()]));
        // One argument cannot be as long as all of them may be.
        let chunks = api_versions.chunks(500).map(|some| some.join(","));
        command.extend(chunks.flat_map(|some| ["--api-versions".to_owned(), some]));
    }
    let task = format!("build the chart `{}`", declared.chart);
    let render =
        || tool::run(&command, folder, &task).map_err(|problem| vec![hinted(problem, &chart)]);
    // What is another in a second rendering is made anew each time.
    let (text, again) = thread::scope(|scope| {
        let again = scope.spawn(render);
        (render(), again.join())
    });
    let text = text?;
    let again = again.unwrap_or_else(|_| Ok(text.clone()))?;
    Ok(Charted {
        name: format!("{namespace}/{release}"),
        text,
        again,
        unpinned: chart.unpinned(declared.digest.as_deref()),
        chart,
        tool,
    })
}

fn missing() -> Problem {
    Problem::error("`helm` is not in `PATH`, and the plan has a chart")
        .hint("install it: https://helm.sh/docs/intro/install/")
}

fn hinted(problem: Problem, chart: &Chart) -> Problem {
    if problem.message.contains("missing in charts/ directory") {
        let hint = format!(
            "run `helm dependency build {}`",
            shown(&chart.path).display()
        );
        problem.hint(hint)
    } else {
        problem
    }
}

impl Charted {
    /// The namespace and the name of the chart's release.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The objects, each with the template that it comes from. Paths of phases and of `match` are
    /// relative to `plan_folder`.
    pub(super) fn load(&self, plan_folder: &Path) -> Loaded {
        let mut loaded = self.read(&self.text);
        if self.again != self.text {
            mark_generated(&mut loaded, &self.read(&self.again).manifests);
        }
        mark_parts(&mut loaded, &self.name);
        let templates = Templates::of(&self.text);
        for manifest in &mut loaded.manifests {
            let Some(template) = templates.at(manifest.origin.line) else {
                continue;
            };
            let file = self.chart.file(template);
            if is_definition_of_chart(template) {
                keep(&mut manifest.value);
            }
            manifest.hint.path = PathBuf::from(template);
            manifest.hint.file = relative_file(&file, plan_folder);
            manifest.origin = Origin {
                line: line_in(&file, &manifest.value),
                file: Arc::from(shown(&file)),
            };
        }
        for problem in &mut loaded.problems {
            let line = problem.origin.as_ref().map(|origin| origin.line);
            let template = line.and_then(|line| templates.at(line));
            if let Some(template) = template {
                // The line is that of what was rendered, which nobody sees.
                let file = Arc::from(shown(&self.chart.file(template)));
                problem.origin = Some(Origin { file, line: 1 });
                (problem.column, problem.excerpt) = (None, None);
            }
        }
        loaded.problems.extend(self.chart.warnings());
        loaded.problems.extend(self.unpinned.clone());
        loaded
    }

    fn read(&self, text: &str) -> Loaded {
        load_text(&ManifestText {
            text,
            file: Arc::from(shown(&self.chart.path)),
            hint: PhaseHint::default(),
            named: true,
            duplicates: DuplicateKeys::LastWins,
        })
    }
}

/// Whether `template` is in the folder of definitions of a chart, which Helm never deletes.
/// <https://helm.sh/docs/chart_best_practices/custom_resource_definitions/>
fn is_definition_of_chart(template: &str) -> bool {
    let mut folders = Path::new(template).components().rev();
    folders.any(|folder| folder.as_os_str() == "crds") && !template.contains("/templates/")
}

/// Says of `object` that it stays where it would be deleted.
fn keep(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata
            .entry("annotations")
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations
                .entry("helm.sh/resource-policy")
                .or_insert_with(|| "keep".into());
        }
    }
}

/// Which template each part of what helm prints comes from.
struct Templates<'a>(Vec<(u32, &'a str)>);

impl<'a> Templates<'a> {
    /// helm writes a comment after the line that begins each document, and charts may have others
    /// like it.
    fn of(text: &'a str) -> Self {
        let lines = || (1..).zip(text.lines());
        let behind = lines().skip(1).zip(text.lines());
        let behind = behind
            .filter(|(_, before)| *before == "---")
            .map(|(line, _)| line);
        let named = behind.filter_map(|(number, line)| {
            let template = line.strip_prefix("# Source: ")?;
            Some((number, template, template.split('/').next()?))
        });
        let named: Vec<_> = named.collect();
        let chart = named.first().map(|(.., chart)| *chart);
        let own = named.into_iter().filter(|(.., name)| Some(*name) == chart);
        Self(
            own.map(|(number, template, _)| (number, template))
                .collect(),
        )
    }

    /// The template of what begins at `line`, from the chart's name on.
    fn at(&self, line: u32) -> Option<&'a str> {
        let before = self.0.partition_point(|(number, _)| *number <= line);
        Some(self.0.get(before.checked_sub(1)?)?.1)
    }
}

/// The line of the template `file` that says the kind of `object`; 1 where there is none.
fn line_in(file: &Path, object: &Value) -> u32 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let kind = ManifestView(object).kind().to_owned();
    let says = |line: &str| {
        line.strip_prefix("kind:")
            .is_some_and(|it| it.trim() == kind)
    };
    let mut lines = (1..).zip(text.lines());
    lines
        .find(|(_, line)| says(line))
        .map_or(1, |(number, _)| number)
}
