//! What is shown of all platforms.

use super::release::Release;

/// One environment of a platform.
pub(super) struct Row {
    name: [String; 2],
    pub(super) objects: usize,
    pub(super) seconds: f64,
    /// Writes of the second run.
    pub(super) writes: Option<usize>,
    pub(super) rollback: String,
    pub(super) failed: bool,
}

impl Row {
    pub(super) fn of(release: &Release) -> Self {
        Self {
            name: [
                release.platform.name.clone(),
                release.rendered.environment.clone(),
            ],
            objects: 0,
            seconds: 0.0,
            writes: None,
            rollback: "-".to_owned(),
            failed: false,
        }
    }

    fn cells(&self) -> [String; 6] {
        let [platform, environment] = self.name.clone();
        let writes = self
            .writes
            .map_or_else(|| "-".to_owned(), |writes| writes.to_string());
        let rollback = if self.failed {
            "failed"
        } else {
            &self.rollback
        };
        [
            platform,
            environment,
            self.objects.to_string(),
            format!("{:.1} s", self.seconds),
            writes,
            rollback.to_owned(),
        ]
    }
}

const TITLES: [&str; 6] = [
    "PLATFORM",
    "ENVIRONMENT",
    "OBJECTS",
    "TIME",
    "WRITES OF THE SECOND RUN",
    "ROLLBACK",
];

/// The rows with their titles, in columns as wide as their widest cells.
pub(super) fn of(rows: &[Row]) -> String {
    let mut lines = vec![TITLES.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |cells: &[String; 6]| {
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    "\n".to_owned() + &lines.iter().map(line).collect::<String>()
}
