//! Configurations that a program reads from a file without being started, and scripts in commands.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{
    report::{Line, Verdict},
    table::{FileRow, Table, fits},
};
use crate::platforms::{Platform, Rendered, Workload, entries, items};

/// Every check of files and scripts of an environment.
pub(super) fn check(table: &Table, platform: &Platform, rendered: &Rendered) -> Vec<Line> {
    let mut lines = Vec::new();
    let about = (platform, rendered);
    for item in &rendered.items {
        let kind = item["kind"].as_str().unwrap_or_default();
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        let files: Vec<(&String, &Value)> = match kind {
            "ConfigMap" => entries(&item["data"]).collect(),
            "Secret" => entries(&item["stringData"]).collect(),
            _ => Vec::new(),
        };
        for (key, content) in &files {
            let content = content.as_str().unwrap_or_default();
            let wanted = table.files.iter().filter(|row| row.is_about(key, content));
            lines.extend(wanted.map(|row| {
                let configuration = format!("{name}, {key}");
                row.checked(about, &configuration, (key, content))
            }));
        }
        let own = table
            .files
            .iter()
            .filter(|row| row.object.as_deref() == Some(kind));
        for row in own {
            let content = serde_json::to_string(&item["spec"]).unwrap();
            let configuration = format!("{kind}/{name}");
            lines.push(row.checked(about, &configuration, ("spec.yaml", &content)));
        }
    }
    lines.extend(
        rendered
            .workloads()
            .flat_map(|workload| scripts(table, about, workload)),
    );
    lines
}

impl FileRow {
    fn is_about(&self, key: &str, content: &str) -> bool {
        let key = self.key.as_ref().is_some_and(|glob| fits(glob, key));
        let wanted = self.first_line.as_deref();
        key && wanted.is_none_or(|wanted| content.lines().next() == Some(wanted))
    }

    fn checked(
        &self,
        (platform, rendered): (&Platform, &Rendered),
        configuration: &str,
        (file, content): (&str, &str),
    ) -> Line {
        // What another version would read says nothing about this one.
        let program = match &self.image {
            Some(image) => {
                let tag = tag(rendered, image);
                format!("{}-{}", self.program, tag.trim_start_matches('v'))
            }
            None => self.program.clone(),
        };
        let configuration = format!("{}: {configuration}", self.sort);
        Line::of((platform, rendered), &configuration, &program, |path| {
            run(path, &self.command, file, content).unless_it_lacks(self.lacks.as_deref())
        })
    }
}

/// The tag of the image that fits `glob`.
fn tag(rendered: &Rendered, glob: &str) -> String {
    let containers = rendered.workloads().flat_map(|it| it.all_containers());
    let mut images = containers.filter_map(|container| container["image"].as_str());
    let image = images.find(|image| fits(glob, image)).unwrap_or_default();
    image
        .rsplit_once(':')
        .map_or_else(String::new, |(_, tag)| tag.to_owned())
}

/// The texts that containers, probes and hooks of a workload give to a shell.
fn scripts<'a>(
    table: &'a Table,
    about: (&'a Platform, &'a Rendered),
    workload: Workload<'a>,
) -> impl Iterator<Item = Line> {
    workload.all_containers().flat_map(move |container| {
        let name = container["name"].as_str().unwrap_or_default();
        let hooks = &container["lifecycle"];
        let commands = [
            ("command", &container["command"]),
            (
                "startup probe",
                &container["startupProbe"]["exec"]["command"],
            ),
            (
                "readiness probe",
                &container["readinessProbe"]["exec"]["command"],
            ),
            (
                "liveness probe",
                &container["livenessProbe"]["exec"]["command"],
            ),
            ("hook", &hooks["preStop"]["exec"]["command"]),
            ("hook", &hooks["postStart"]["exec"]["command"]),
        ];
        commands.into_iter().filter_map(move |(place, command)| {
            let mut words =
                items(command).chain(items(&container["args"]).filter(|_| place == "command"));
            let shell = words.next()?.as_str()?.rsplit('/').next()?;
            let row = table.commands.iter().find(|row| row.shell == shell)?;
            words.find(|word| {
                word.as_str()
                    .is_some_and(|word| word.starts_with('-') && word.ends_with('c'))
            })?;
            let text = words.next()?.as_str()?;
            let configuration =
                format!("{place} of {}/{}, {name}", workload.kind(), workload.name());
            Some(Line::of(about, &configuration, &row.shell, |path| {
                run(path, &row.command, "script.sh", text)
            }))
        })
    })
}

/// What a command says about a file.
fn run(program: &Path, command: &[String], file: &str, content: &str) -> Verdict {
    let words: Vec<String> = command
        .iter()
        .map(|word| word.replace("{}", file))
        .collect();
    run_with(program, &words, &[(file.to_owned(), content.to_owned())])
}

/// What a command says in a folder with these files. The program stands for the command's first word.
pub(super) fn run_with(program: &Path, command: &[String], files: &[(String, String)]) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let output = Command::new(program)
        .args(&command[1..])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output();
    Verdict::of(output)
}

/// The folder of this repository.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
