//! Where charts are: folders and archives on this machine, and archives fetched once.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::{
    files::{kustomization_in, shown, unreadable},
    tool,
};
use crate::finding::Check;
use crate::{object::Problem, plan::HelmChart};

/// Names the folder that fetched charts are kept in, instead of the user's cache folder.
const CACHE_VARIABLE: &str = "DEPLOYCTL_CHART_CACHE";

/// A chart on this machine.
#[derive(Debug)]
pub(super) struct Chart {
    /// Its folder or archive.
    pub(super) path: PathBuf,
    /// As it is written in the plan.
    written: String,
    /// Whether it is fetched, so that only its digest says that it is the same.
    is_remote: bool,
    /// Its templates, one after the other, as far as they can be read.
    templates: Vec<u8>,
    /// Of an archive.
    digest: Option<String>,
}

impl Chart {
    /// The chart `written` in a plan in `folder`.
    pub(super) fn local(written: &str, folder: &Path) -> Result<Self, Problem> {
        let path = folder.join(written);
        let metadata = fs::metadata(&path)
            .map_err(|error| unreadable(&path, &error).hint("correct `chart` in `sources`"))?;
        if metadata.is_dir() && !path.join("Chart.yaml").is_file() {
            return Err(no_chart(written, &path));
        }
        Ok(Self::at(path, written, false))
    }

    fn at(path: PathBuf, written: &str, is_remote: bool) -> Self {
        let path = fs::canonicalize(&path).unwrap_or(path);
        let (mut templates, mut digest) = (Vec::new(), None);
        if path.is_dir() {
            collect_templates(&path, &mut templates);
        } else if let Ok(archive) = fs::read(&path) {
            digest = Some(format!("sha256:{}", hexadecimal(&Sha256::digest(&archive))));
            unpack(&archive, &mut templates);
        }
        Self {
            path,
            written: written.to_owned(),
            is_remote,
            templates,
            digest,
        }
    }

    /// The file of a template, named from the chart's name on. For one in an archive it only says
    /// where it would be.
    pub(super) fn file(&self, template: &str) -> PathBuf {
        let within = template
            .split_once('/')
            .map_or(template, |(_, within)| within);
        self.path.join(within)
    }

    fn mentions(&self, word: &str) -> bool {
        let word = word.as_bytes();
        self.templates
            .windows(word.len())
            .any(|window| window == word)
    }

    /// What is to be said of the chart.
    pub(super) fn warnings(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        if self.mentions("lookup \"") {
            let message = format!(
                "templates of the chart `{}` look into the cluster (`lookup`), which finds nothing here",
                self.written
            );
            warnings.push(Problem::of(Check::ChartLooksUp, message).hint(
                "what they make anew each time is kept as it is in the cluster; give other values by `values` or `set`",
            ));
        }
        warnings
    }

    /// Refuses an archive that is not the one that the plan means.
    pub(super) fn check_digest(&self, wanted: Option<&str>) -> Result<(), Vec<Problem>> {
        let Some(wanted) = wanted else {
            return Ok(());
        };
        if self.path.is_dir() {
            let message = format!(
                "the chart `{}` is a folder, which has no digest",
                self.written
            );
            return Err(vec![Problem::error(message).hint("remove `digest`")]);
        }
        // What cannot be read is for helm to say.
        let Some(actual) = self.digest.as_ref().filter(|actual| *actual != wanted) else {
            return Ok(());
        };
        let message = format!(
            "the archive of the chart `{}` is not the one that `digest` names: it has {actual}",
            self.written
        );
        Err(vec![Problem::error(message).hint(
            "find out why it is another one; write this digest into the plan only if it is meant",
        )])
    }

    /// The digest that pins a fetched chart for which the plan names none.
    pub(super) fn unpinned(&self, wanted: Option<&str>) -> Option<Problem> {
        if !self.is_remote || wanted.is_some() {
            return None;
        }
        let digest = self.digest.as_ref()?;
        let message = format!("the chart `{}` is not pinned by a digest", self.written);
        Some(
            Problem::of(Check::UnpinnedChart, message)
                .hint(format!("write `digest: {digest}` beside its version")),
        )
    }
}

fn no_chart(written: &str, path: &Path) -> Problem {
    let (what, entry) = if kustomization_in(path).is_some() {
        (
            "a kustomization, not a chart",
            format!("{{kustomize: {written}}}"),
        )
    } else {
        ("a folder without `Chart.yaml`", written.to_owned())
    };
    let message = format!("`{}` is {what}", shown(path).display());
    Problem::error(message).hint(format!(
        "write `- {entry}` into `sources`, or correct the path"
    ))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.fold(String::new(), |text, digits| text + &digits)
}

/// Adds all that `archive` holds. What cannot be unpacked is for helm to say.
fn unpack(archive: &[u8], templates: &mut Vec<u8>) {
    let _ = GzDecoder::new(archive).read_to_end(templates);
}

/// Adds what templates say of a folder: its templates, and the archives below it.
fn collect_templates(path: &Path, templates: &mut Vec<u8>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries {
            collect_templates(&entry.path(), templates);
        }
    } else if path
        .extension()
        .is_some_and(|ending| ending == "tgz" || ending == "gz")
    {
        unpack(&fs::read(path).unwrap_or_default(), templates);
    } else if path
        .components()
        .any(|part| part.as_os_str() == "templates")
    {
        templates.extend(fs::read(path).unwrap_or_default());
        templates.push(b'\n');
    }
}

/// A chart of a repository or registry.
pub(super) struct Remote<'a> {
    chart: &'a str,
    repository: Option<&'a str>,
    version: &'a str,
}

impl<'a> Remote<'a> {
    /// The chart that the plan means; one without a version is refused before.
    pub(super) fn of(chart: &'a HelmChart) -> Self {
        Self {
            chart: &chart.chart,
            repository: chart.repository.as_deref(),
            version: chart.version.as_deref().unwrap_or_default(),
        }
    }

    /// Its archive, fetched by helm the first time that it is asked for.
    pub(super) fn fetched(&self) -> Result<Chart, Problem> {
        let folder = self.folder()?;
        if let Some(archive) = archive_in(&folder) {
            return Ok(Chart::at(archive, self.chart, true));
        }
        let parent = folder.parent().unwrap_or(&folder).to_owned();
        let cannot = |error: std::io::Error| {
            Problem::error(format!("cannot write `{}`: {error}", parent.display()))
        };
        fs::create_dir_all(&parent).map_err(cannot)?;
        let staging = tempfile::tempdir_in(&parent).map_err(cannot)?;
        let mut command = ["helm", "pull", self.chart, "--version", self.version]
            .map(str::to_owned)
            .to_vec();
        if let Some(repository) = self.repository {
            command.extend(["--repo".to_owned(), repository.to_owned()]);
        }
        let target = staging.path().display().to_string();
        command.extend(["--destination".to_owned(), target]);
        let chart = format!("the chart `{}` {}", self.chart, self.version);
        tool::run(&command, &parent, &format!("fetch {chart}")).map_err(|problem| {
            let keys = self
                .repository
                .map_or("`chart`", |_| "`chart`, `repository`");
            problem.hint(format!(
                "correct {keys} or `version` in `sources`, or try again"
            ))
        })?;
        // Another run may have been quicker.
        if fs::rename(staging.path(), &folder).is_ok() {
            let _ = staging.keep();
        }
        let archive = archive_in(&folder)
            .ok_or_else(|| Problem::error(format!("`helm pull` left no archive of {chart}")))?;
        Ok(Chart::at(archive, self.chart, true))
    }

    /// Where its archive is kept.
    fn folder(&self) -> Result<PathBuf, Problem> {
        let root = match env::var_os(CACHE_VARIABLE).filter(|value| !value.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => etcetera::choose_base_strategy()
                .map_err(|_| {
                    Problem::error("no folder to keep charts in is known")
                        .hint(format!("set `HOME` or `{CACHE_VARIABLE}`"))
                })?
                .cache_dir()
                .join("deployctl/charts"),
        };
        let identity = format!(
            "{}\n{}\n{}",
            self.chart,
            self.repository.unwrap_or_default(),
            self.version
        );
        let name = hexadecimal(&Sha256::digest(identity)[..12]);
        Ok(root.join(name))
    }
}

fn archive_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    entries
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
}
