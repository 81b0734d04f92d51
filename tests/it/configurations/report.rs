//! What has become of each configuration, as a table.

use std::{collections::BTreeSet, fmt::Write as _, path::Path, process::Output};

use super::programs;
use crate::platforms::{Platform, Rendered};

/// How a check ended.
pub(super) enum Verdict {
    Passed,
    /// The program is not on this machine.
    NotFound,
    Failed(String),
}

impl Verdict {
    /// What the end of a program says.
    pub(super) fn of(ended: std::io::Result<Output>) -> Self {
        match ended {
            Ok(output) if output.status.success() => Self::Passed,
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                Self::Failed(String::from_utf8_lossy(&said).into_owned())
            }
            Err(error) => Self::Failed(error.to_string()),
        }
    }

    /// The verdict of a program that may have been built without something: then it is the same as if it were not there.
    pub(super) fn unless_it_lacks(self, what: Option<&str>) -> Self {
        match self {
            Self::Failed(said) if what.is_some_and(|what| said.contains(what)) => Self::NotFound,
            verdict => verdict,
        }
    }
}

/// One configuration, checked by one program.
pub(super) struct Line {
    pub(super) platform: String,
    pub(super) environment: String,
    pub(super) configuration: String,
    pub(super) program: String,
    pub(super) version: String,
    pub(super) verdict: Verdict,
}

impl Line {
    /// A line about a program that is found by `name`, with the verdict of `check`, which is only asked then.
    pub(super) fn of(
        (platform, rendered): (&Platform, &Rendered),
        configuration: &str,
        name: &str,
        check: impl FnOnce(&Path) -> Verdict,
    ) -> Self {
        let found = programs::find(name);
        Self {
            platform: platform.name.clone(),
            environment: rendered.environment.clone(),
            configuration: configuration.to_owned(),
            program: name.to_owned(),
            version: found.as_deref().map(programs::version).unwrap_or_default(),
            verdict: found.as_deref().map_or(Verdict::NotFound, check),
        }
    }
}

/// The table of all that was run, and after it what was not found.
pub(super) fn table(lines: &[Line]) -> String {
    let result = |line: &Line| match line.verdict {
        Verdict::Passed => "passed",
        Verdict::NotFound => "not found",
        Verdict::Failed(_) => "FAILED",
    };
    let head = [
        "PLATFORM",
        "ENVIRONMENT",
        "CONFIGURATION",
        "PROGRAM",
        "VERSION",
        "RESULT",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    let run = |line: &&Line| !matches!(line.verdict, Verdict::NotFound);
    rows.extend(lines.iter().filter(run).map(|line| {
        [
            line.platform.clone(),
            line.environment.clone(),
            line.configuration.clone(),
            line.program.clone(),
            line.version.clone(),
            result(line).to_owned(),
        ]
    }));
    let mut text = String::new();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max();
    let widths: Vec<usize> = (0..head.len()).filter_map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).unwrap();
    }
    // Each once: environments differ in values and not in programs.
    let missing: BTreeSet<String> = lines
        .iter()
        .filter(|line| !run(line))
        .map(|line| {
            let problem = if line.version.is_empty() {
                "not found".to_owned()
            } else {
                format!("{} is built without what it needs", line.version)
            };
            format!(
                "{}, {}: {} {problem}",
                line.platform, line.configuration, line.program
            )
        })
        .collect();
    for line in missing {
        writeln!(text, "{line}").unwrap();
    }
    text
}

/// What failed, with all that the programs said.
pub(super) fn failures(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        if let Verdict::Failed(said) = &line.verdict {
            let Line {
                platform,
                environment,
                configuration,
                program,
                ..
            } = line;
            writeln!(
                text,
                "{platform} {environment}, {configuration}, {program}:\n{said}"
            )
            .unwrap();
        }
    }
    text
}
