//! What `history` shows: revisions side by side, or all of one.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Room, failure_details},
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING},
    proof::proof_lines,
    status::outcome_word,
    summary,
    table::{Column, Table},
    text::{neutralise, wrap},
    units::{age, between, count, duration},
};
use crate::{
    event::{Diagnosis, PhaseOutcome, Proof, RunOutcome, as_seconds},
    object::ObjectId,
};

/// Characters of a commit that are shown.
const COMMIT: usize = 7;

/// What `history` shows: the revisions of a release.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryView {
    /// The release.
    pub(crate) release: String,
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// The revisions, oldest first.
    pub(crate) revisions: Vec<HistoryRevision>,
}

/// One revision in the history.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryRevision {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// Who made it, `user@host`.
    pub(crate) by: String,
    /// The command that made it, for example `up`.
    pub(crate) command: String,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// The revision that it went back to.
    pub(crate) back_to: Option<u64>,
    /// Whether only some phases were run.
    pub(crate) partial: bool,
    /// Number of objects that it wanted.
    pub(crate) objects: usize,
    /// Number of objects that it created.
    pub(crate) created: usize,
    /// Number of objects that it changed.
    pub(crate) changed: usize,
    /// Number of objects that it deleted.
    pub(crate) deleted: usize,
    /// The git commit of the plan's folder.
    pub(crate) commit: Option<String>,
    /// Whether files differed from that commit.
    pub(crate) dirty: bool,
    /// Why it failed, in one sentence.
    pub(crate) cause: Option<String>,
}

/// What `history show` shows: all of one revision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionView {
    /// The release.
    pub(crate) release: String,
    /// What the history says of it.
    #[serde(flatten)]
    pub(crate) revision: HistoryRevision,
    /// Context through which it was made.
    pub(crate) context: String,
    /// Process that made it, on the host of `by`.
    pub(crate) process: u32,
    /// Version of deployctl.
    pub(crate) version: String,
    /// The plan file.
    pub(crate) plan: Option<String>,
    /// The programs that built the plan's sources, with their versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<String>,
    /// The revision that was not finished and that it went on from.
    pub(crate) continues: Option<u64>,
    /// Who took it over after it was interrupted.
    pub(crate) taken_over: Option<String>,
    /// Its phases.
    pub(crate) phases: Vec<HistoryPhase>,
    /// What it did with each object, in the order in which it was done.
    pub(crate) changes: Vec<HistoryChange>,
    /// What was found out of why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Diagnosis>,
    /// How it was rolled back.
    pub(crate) rollback: Option<HistoryRollback>,
}

/// A phase of a revision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryPhase {
    /// Name.
    pub(crate) name: String,
    /// How it ended; `None` where it was not reached.
    pub(crate) outcome: Option<PhaseOutcome>,
    /// Number of objects in it.
    pub(crate) objects: usize,
    /// How long it took.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) took: std::time::Duration,
}

/// One thing that a revision did with an object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryChange {
    /// The object.
    pub(crate) object: ObjectId,
    /// What was done.
    pub(crate) did: Did,
    /// Where the object was changed; never the values.
    pub(crate) paths: Vec<String>,
}

/// What was done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Did {
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was deleted.
    Deleted,
    /// It was left to others that hold it too.
    GivenUp,
    /// It was created again on the way back.
    Recreated,
}

/// How a revision was rolled back.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryRollback {
    /// Who did it, `user@host`.
    pub(crate) by: String,
    /// The command, for example `rollback`.
    pub(crate) command: String,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// What it was found to have reached; `None` where it was not finished.
    pub(crate) proof: Option<Proof>,
}

impl HistoryView {
    /// The view as a table, the newest revision last, no line wider than `width`.
    pub(crate) fn text(&self, width: Option<usize>, now: Timestamp) -> String {
        use Column::{Number, Text, Word};
        let mut table = Table::new(&[Number, Word, Number, Text, Word, Word, Word, Word], 0);
        table.titles(&[
            "NO", "WHEN", "TOOK", "BY", "COMMAND", "OUTCOME", "CHANGES", "COMMIT",
        ]);
        for revision in &self.revisions {
            let (word, style) = short_outcome(revision.outcome);
            table.row(vec![
                Line::of(revision.number.to_string()),
                Line::of(age(revision.finished.unwrap_or(revision.started), now)),
                Line::of(revision.took()),
                Line::of(&revision.by),
                Line::of(revision.command()),
                Line::default().styled(style, word),
                revision.changes(),
                Line::of(revision.commit()),
            ]);
        }
        table
            .lines(width)
            .into_iter()
            .map(|line| line + "\n")
            .collect()
    }
}

impl HistoryRevision {
    fn took(&self) -> String {
        self.finished
            .map(|finished| duration(between(self.started, finished)))
            .unwrap_or_default()
    }

    /// `up`, `up (partly)`, `rollback → 3`.
    fn command(&self) -> String {
        match self.back_to {
            Some(number) => format!("{} → {number}", self.command),
            None if self.partial => format!("{} (partly)", self.command),
            None => self.command.clone(),
        }
    }

    /// `+3 ~1 -2`.
    fn changes(&self) -> Line {
        let parts = [
            ("+", self.created, GOOD),
            ("~", self.changed, WARNING),
            ("-", self.deleted, BAD),
        ];
        let parts = parts.into_iter().filter(|(_, number, _)| *number > 0);
        let parts = parts
            .map(|(mark, number, style)| Line::default().styled(style, format!("{mark}{number}")));
        parts
            .reduce(|line, part| line.text(" ").joined(part))
            .unwrap_or_default()
    }

    /// The commit, marked where files differed from it: `1a2b3c4*`.
    fn commit(&self) -> String {
        let short = self
            .commit
            .iter()
            .map(|commit| commit.chars().take(COMMIT).collect::<String>());
        short
            .map(|short| short + if self.dirty { "*" } else { "" })
            .collect()
    }
}

/// How a revision ended, in a word or two.
fn short_outcome(outcome: RunOutcome) -> (&'static str, anstyle::Style) {
    let (_, style) = outcome_word(outcome);
    let word = match outcome {
        RunOutcome::Running => "not finished",
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Failed => "failed",
        RunOutcome::Interrupted => "interrupted",
        RunOutcome::RollingBack => "rollback interrupted",
        RunOutcome::RolledBack => "rolled back",
    };
    (word, style)
}

impl RevisionView {
    /// All of the revision, no line of a table wider than `width`.
    pub(crate) fn text(&self, width: Option<usize>, now: Timestamp) -> String {
        let mut lines: Vec<String> = self.facts(width, now);
        lines.push(String::new());
        lines.extend(self.phase_table().lines(width));
        lines.push(String::new());
        lines.extend(self.change_lines(width));
        if let Some(rollback) = &self.rollback {
            lines.push(String::new());
            lines.extend(rollback.lines(width, now));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn facts(&self, width: Option<usize>, now: Timestamp) -> Vec<String> {
        /// Width of the titles.
        const TITLES: usize = 12;
        let (word, style) = outcome_word(self.revision.outcome);
        let head = Line::default()
            .styled(STRONG, &self.release)
            .text(format!(" revision {} ", self.revision.number))
            .styled(style, word);
        let facts = self.titled_facts(now).into_iter();
        let facts = facts.filter_map(|(title, fact)| {
            let title = Line::default().styled(STRONG, title).padded(TITLES + 2);
            Some(title.text(fact?))
        });
        let cause = self.revision.cause.iter().flat_map(|cause| {
            wrap(
                &neutralise(cause),
                width.map(|width| width.saturating_sub(2)),
            )
        });
        let cause = cause.map(|text| Line::of("  ").styled(style, text));
        let failure = self.failure.iter();
        let failure = failure.flat_map(|failure| {
            let details = failure_details(failure, Room::ALL, width);
            details.into_iter().chain([Line::default()])
        });
        std::iter::once(head)
            .chain(cause)
            .chain(failure)
            .chain(facts)
            .map(|line| line.cut(width).render())
            .collect()
    }

    /// What is known about it, in the order in which it is shown; `None` where that says nothing.
    fn titled_facts(&self, now: Timestamp) -> [(&'static str, Option<String>); 10] {
        let HistoryRevision { started, by, .. } = &self.revision;
        let took = self.revision.took();
        let after = if took.is_empty() {
            String::new()
        } else {
            format!(", took {took}")
        };
        let when = format!(
            "{}, {}{after}",
            started.strftime("%Y-%m-%d %H:%M:%S UTC"),
            age(*started, now)
        );
        let commit = self.revision.commit.as_ref().map(|commit| {
            let state = if self.revision.dirty {
                ", and files that differ from it"
            } else {
                ""
            };
            format!("{commit}{state}")
        });
        let number = |number: Option<u64>| number.map(|number| format!("revision {number}"));
        [
            ("Started", Some(when)),
            (
                "By",
                Some(format!(
                    "{by}, process {}, `{}`, deployctl {}",
                    self.process, self.revision.command, self.version
                )),
            ),
            ("Context", Some(self.context.clone())),
            ("Plan", self.plan.clone()),
            ("Commit", commit),
            (
                "Built with",
                Some(self.tools.join(", ")).filter(|tools| !tools.is_empty()),
            ),
            ("Back to", number(self.revision.back_to)),
            ("Continues", number(self.continues)),
            (
                "Taken over",
                self.taken_over.clone().map(|by| format!("by {by}")),
            ),
            (
                "Phases",
                self.revision
                    .partial
                    .then(|| "only some were run".to_owned()),
            ),
        ]
    }

    fn phase_table(&self) -> Table {
        use Column::{Name, Number, Text};
        let mut table = Table::new(&[Name, Text, Number, Number], 0);
        table.titles(&["PHASE", "OUTCOME", "OBJECTS", "TIME"]);
        for phase in self.phases.iter().filter(|phase| phase.objects > 0) {
            let (word, style) = summary::outcome_word(phase.outcome);
            let time = if phase.outcome.is_some() {
                duration(phase.took)
            } else {
                String::new()
            };
            let row = [
                Line::of(&phase.name),
                Line::default().styled(style, word),
                Line::of(phase.objects.to_string()),
                Line::of(time),
            ];
            table.row(row.into());
        }
        table
    }

    fn change_lines(&self, width: Option<usize>) -> Vec<String> {
        if self.changes.is_empty() {
            return vec!["No objects were changed".to_owned()];
        }
        let heading = Line::default().styled(STRONG, count(self.changes.len(), "change"));
        let lines = self.changes.iter().flat_map(|change| {
            let (mark, style) = change.did.mark();
            let object = Line::of("  ")
                .styled(style, mark)
                .text(format!(" {}", change.object))
                .styled(FAINT, change.did.remark());
            let paths = change
                .paths
                .iter()
                .map(|path| Line::of("      ").styled(FAINT, path));
            std::iter::once(object).chain(paths)
        });
        std::iter::once(heading)
            .chain(lines)
            .map(|line| line.cut(width).render())
            .collect()
    }
}

impl Did {
    fn mark(self) -> (&'static str, anstyle::Style) {
        match self {
            Did::Created => ("+", GOOD),
            Did::Changed => ("~", WARNING),
            Did::Deleted | Did::GivenUp => ("-", BAD),
            Did::Recreated => ("↩", WARNING),
        }
    }

    fn remark(self) -> &'static str {
        match self {
            Did::Created | Did::Changed | Did::Deleted => "",
            Did::GivenUp => "  released (label removed): managed by others too",
            Did::Recreated => "  created again",
        }
    }
}

impl HistoryRollback {
    fn lines(&self, width: Option<usize>, now: Timestamp) -> Vec<String> {
        let Self {
            by,
            command,
            started,
            finished,
            proof,
        } = self;
        let took = finished
            .map(|finished| format!(", took {}", duration(between(*started, finished))))
            .unwrap_or_default();
        let head = Line::default().styled(STRONG, "Rollback").text(format!(
            "  {} by {by}, `{command}`{took}",
            age(*started, now)
        ));
        let rest = match proof {
            Some(proof) => proof_lines(proof, width),
            None => vec![Line::default().styled(WARNING, "interrupted")],
        };
        std::iter::once(head.cut(width))
            .chain(rest)
            .map(|line| line.render())
            .collect()
    }
}
