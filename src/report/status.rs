//! What `status` shows of a release, as text, as a screen and as data.

use anstyle::Style;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Room, failure_details},
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING, paragraph, style_of},
    progress::explanation,
    summary::access_lines,
    table::{Column, Table},
    text::{neutralise, wrap, wrap_prose},
    units::{age, between, count, duration},
};
use crate::{
    event::{AccessPoint, Diagnosis, RunOutcome, as_text},
    object::ObjectId,
    plan::ReleaseId,
    readiness::{State, Verdict},
};

/// Stands for a manager that cannot be told.
pub(crate) const SOMEBODY: &str = "somebody";
/// The width of `now:  ` and `next: `.
const TITLE: usize = 6;

/// What `status` shows about a release.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusView {
    /// The release.
    #[serde(serialize_with = "as_text")]
    pub(crate) release: ReleaseId,
    /// The environment's name.
    pub(crate) environment: String,
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// The revision that the objects belong to; `None` where nothing is deployed.
    pub(crate) revision: Option<RevisionInfo>,
    /// The newest attempt, where that is another revision.
    pub(crate) last_run: Option<RevisionInfo>,
    /// How things stand with the newest attempt.
    pub(crate) standing: Standing,
    /// The command that goes on with the newest attempt where it is unfinished, for example `up` or
    /// `down`.
    #[serde(skip)]
    pub(crate) forward: &'static str,
    /// Who holds the release's lock, and since when.
    pub(crate) locked_by: Option<String>,
    /// When that run renewed its lock last, by its own clock, where it cannot be seen from here
    /// whether it is alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_sign_of_life: Option<Timestamp>,
    /// The phases with their objects.
    pub(crate) phases: Vec<StatusPhase>,
    /// How to reach what the plan's `open` names.
    pub(crate) access: Vec<AccessPoint>,
    /// Where nothing of this environment is deployed: the others of the plan of which something is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) deployed_environments: Vec<String>,
}

/// How things stand with the newest attempt at changing a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// Nothing was ever deployed.
    Nothing,
    /// A run is under way.
    Running,
    /// It was killed, or stopped, and left things half-way.
    Interrupted,
    /// It failed and left things half-way.
    Failed,
    /// It was being rolled back, and that was not finished.
    HalfRolledBack,
    /// It failed, and everything is as it was before.
    RolledBack,
    /// It succeeded.
    Deployed,
    /// It took the release down: what is still there was kept.
    TakenDown,
}

/// One attempt at changing a release.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionInfo {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// Why it failed, in one sentence.
    pub(crate) cause: Option<String>,
    /// What was found out of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Diagnosis>,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// Who made it, for example `user@host`.
    pub(crate) by: String,
    /// Whether the release is taken down with it, so that nothing of it is deployed.
    pub(crate) taken_down: bool,
}

/// A phase with its objects.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusPhase {
    /// Name.
    pub(crate) name: String,
    /// Its objects.
    pub(crate) objects: Vec<StatusObject>,
}

/// An object as it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusObject {
    /// Group, kind, namespace and name.
    pub(crate) id: ObjectId,
    /// Its verdict.
    pub(crate) verdict: Verdict,
    /// Ready and wanted replicas: `2/3`.
    pub(crate) replicas: Option<String>,
    /// What its autoscaler measures, wants and may do: `cpu 41%/70%, 3–10`.
    pub(crate) autoscaling: Option<String>,
    /// Size, class and phase of a claim: `50Gi standard Bound`.
    pub(crate) storage: Option<String>,
    /// Address of a load balancer or ingress.
    pub(crate) address: Option<String>,
    /// The managers that changed fields of ours since they were written; [`SOMEBODY`] where that
    /// cannot be told.
    pub(crate) changed_by: Option<String>,
    /// Whether somebody deleted it since it was written.
    pub(crate) deleted: bool,
    /// The revision that left it like this, written or deleted, and was not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished_revision: Option<u64>,
    /// Why it is kept although it is not wanted any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<String>,
}

impl StatusView {
    /// The view as a tree by phase, no line wider than `width`.
    pub(crate) fn text(&self, width: Option<usize>, now: Timestamp) -> String {
        let mut text: String = self
            .lines(width, now, Brevity::Everything)
            .into_iter()
            .map(|line| line + "\n")
            .collect();
        if !self.access.is_empty() {
            text += "\nHow to reach it:\n";
            text.extend(
                access_lines(&self.access, width)
                    .into_iter()
                    .map(|line| line + "\n"),
            );
        }
        text
    }

    /// The view in at most `rows` lines: where that is too little, phases that are ready shrink to
    /// their headings, and what is ready is left out.
    pub(crate) fn screen(&self, rows: usize, width: usize, now: Timestamp) -> Vec<String> {
        let tries = [
            Brevity::Everything,
            Brevity::HeadingsOfReady,
            Brevity::NotReady,
        ];
        let mut lines = Vec::new();
        for brevity in tries {
            lines = self.lines(Some(width), now, brevity);
            if lines.len() <= rows {
                return lines;
            }
        }
        let hidden = lines.len() - rows.saturating_sub(1);
        lines.truncate(rows.saturating_sub(1));
        lines.push(
            Line::default()
                .styled(FAINT, format!("… and {hidden} more"))
                .cut(Some(width))
                .render(),
        );
        lines
    }

    fn lines(&self, width: Option<usize>, now: Timestamp, brevity: Brevity) -> Vec<String> {
        let mut table = Table::new(
            &[Column::Name, Column::Text, Column::Number, Column::Prose],
            2,
        );
        // Without a terminal there is room, and names are searched for.
        let namespace = width.and_then(|_| self.only_namespace());
        let tells_failures = brevity == Brevity::Everything;
        for line in self.head(namespace, width, now, tells_failures) {
            table.whole(line);
        }
        for line in self.elsewhere(width) {
            table.whole(line);
        }
        for phase in &self.phases {
            let objects: Vec<&StatusObject> = phase
                .objects
                .iter()
                .filter(|object| brevity.shows(phase, object))
                .collect();
            if brevity == Brevity::Everything || !objects.is_empty() {
                table.whole(Line::default());
            }
            table.whole(phase.heading());
            for object in objects {
                table.row(object.cells(namespace.is_some()));
            }
        }
        table.lines(width)
    }

    /// The namespace that all objects with a namespace are in: on a terminal it is said once, and
    /// not with every object.
    fn only_namespace(&self) -> Option<&str> {
        let mut namespaces = self
            .phases
            .iter()
            .flat_map(|phase| &phase.objects)
            .filter_map(|object| object.id.namespace.as_deref());
        let first = namespaces.next()?;
        namespaces
            .all(|namespace| namespace == first)
            .then_some(first)
    }

    fn head(
        &self,
        namespace: Option<&str>,
        width: Option<usize>,
        now: Timestamp,
        tells_failures: bool,
    ) -> Vec<Line> {
        let Self {
            release, context, ..
        } = self;
        let Some(revision) = self.revision.as_ref().or(self.last_run.as_ref()) else {
            let text = format!("{release} is not deployed in context {context}; ");
            let command = format!(
                "`deployctl up {} --env {}` deploys it",
                release.plan, release.environment
            );
            let lines = wrap_prose(&neutralise(&(text + &command)), width);
            let mut lines: Vec<Line> = lines.iter().map(Line::of).collect();
            if self.standing == Standing::Nothing && self.locked_by.is_some() {
                lines.extend(titled(&self.running(now), width));
            }
            return lines;
        };
        let namespace =
            namespace.map_or_else(String::new, |namespace| format!(", namespace {namespace}"));
        let place = Line::default()
            .styled(STRONG, release.to_string())
            .text(format!(" in context {context}{namespace}"));
        let mut lines = vec![place];
        let mut tell = |lead: Line, attempt: &RevisionInfo| {
            lines.extend(attempt.lines(lead, width, now));
            let failure = attempt.failure.iter().filter(|_| tells_failures);
            lines.extend(failure.flat_map(|it| failure_details(it, Room::SCREEN, width)));
        };
        tell(Line::default(), revision);
        if let Some(last) = self
            .last_run
            .as_ref()
            .filter(|last| last.number != revision.number)
        {
            tell(Line::of("last run: "), last);
        }
        lines.extend(self.next(width, now));
        lines
    }

    /// What else is deployed of the plan.
    fn elsewhere(&self, width: Option<usize>) -> Vec<Line> {
        let plan = &self.release.plan;
        let releases: Vec<String> = self
            .deployed_environments
            .iter()
            .map(|environment| format!("{plan}.{environment}"))
            .collect();
        if releases.is_empty() {
            return Vec::new();
        }
        let text = format!("deployed of this plan: {}", releases.join(", "));
        wrap_prose(&neutralise(&text), width)
            .iter()
            .map(Line::of)
            .collect()
    }

    /// What there is to be done about the newest attempt, or who is doing it.
    fn next(&self, width: Option<usize>, now: Timestamp) -> Vec<Line> {
        let release = &self.release;
        let command = |name: &str| {
            format!(
                "`deployctl {name} {} --env {}`",
                release.plan, release.environment
            )
        };
        let (up, forward, rollback) = (command("up"), command(self.forward), command("rollback"));
        let text = match self.standing {
            Standing::Nothing | Standing::Deployed => return Vec::new(),
            Standing::Running => self.running(now),
            Standing::Interrupted => format!(
                "next: {forward} continues from there; {rollback} restores what was there before"
            ),
            Standing::TakenDown if self.phases.is_empty() => {
                format!(
                    "now:  nothing is deployed; {up} deploys it again, {rollback} restores what was there before"
                )
            }
            Standing::TakenDown => {
                format!(
                    "now:  nothing is deployed; what is listed below was kept; {up} deploys it again, {rollback} restores what was there before"
                )
            }
            Standing::Failed => {
                format!(
                    "next: fix the cause, then {forward} continues from there; {rollback} restores what was there before"
                )
            }
            Standing::HalfRolledBack => {
                format!("next: {rollback} continues the rollback; {up} deploys again")
            }
            Standing::RolledBack => {
                format!("next: fix the cause, then run {up} again")
            }
        };
        titled(&text, width)
    }

    /// Who is changing the release. Only what this machine can see is called under way.
    fn running(&self, now: Timestamp) -> String {
        match (&self.locked_by, self.last_sign_of_life) {
            (Some(holder), Some(seen)) => format!(
                "now:  a run by {holder} may be running, last sign of life {}",
                age(seen, now)
            ),
            (Some(holder), None) => format!("now:  a run is under way, by {holder}"),
            (None, _) => "now:  a run is under way, or was killed a moment ago".to_owned(),
        }
    }
}

/// The lines of a `text` that begins with a title.
fn titled(text: &str, width: Option<usize>) -> Vec<Line> {
    let (lead, text) = text.split_at(TITLE);
    paragraph(lead, text, (width, usize::MAX), Style::new())
}

/// What is left out where there is little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brevity {
    Everything,
    HeadingsOfReady,
    NotReady,
}

impl Brevity {
    fn shows(self, phase: &StatusPhase, object: &StatusObject) -> bool {
        match self {
            Self::Everything => true,
            Self::HeadingsOfReady => !phase.objects.iter().all(|object| object.verdict.passes()),
            Self::NotReady => !object.verdict.passes(),
        }
    }
}

impl RevisionInfo {
    /// How it ended, in words.
    pub(super) fn word(&self) -> (&'static str, anstyle::Style) {
        if self.taken_down {
            ("uninstalled", FAINT)
        } else {
            outcome_word(self.outcome)
        }
    }

    /// `revision 4 succeeded 3 min ago by USER, after 14.2 s`, and below it why it failed.
    fn lines(&self, lead: Line, width: Option<usize>, now: Timestamp) -> Vec<Line> {
        let Self {
            number,
            outcome,
            started,
            finished,
            cause,
            by,
            ..
        } = self;
        let (word, style) = self.word();
        let line = lead.text(format!("revision {number} ")).styled(style, word);
        let line = line.text(match finished {
            Some(finished) => format!(
                " {} by {by}, after {}",
                age(*finished, now),
                duration(between(*started, *finished))
            ),
            None => format!(", started {} by {by}", age(*started, now)),
        });
        let cause = cause
            .iter()
            .filter(|_| !matches!(outcome, RunOutcome::Running | RunOutcome::Succeeded))
            .flat_map(|cause| {
                wrap(
                    &neutralise(cause),
                    width.map(|width| width.saturating_sub(2)),
                )
            });
        std::iter::once(line)
            .chain(cause.map(|text| Line::of("  ").styled(style, text)))
            .collect()
    }
}

/// How a run ended. One whose program was killed and one that goes on look the same in the revision
/// alone.
pub(super) fn outcome_word(outcome: RunOutcome) -> (&'static str, anstyle::Style) {
    match outcome {
        RunOutcome::Running => ("is running or was killed", WARNING),
        RunOutcome::Succeeded => ("succeeded", GOOD),
        RunOutcome::Failed => ("failed", BAD),
        RunOutcome::Interrupted => ("was interrupted", WARNING),
        RunOutcome::RollingBack => (
            "is being rolled back, or its rollback was interrupted",
            WARNING,
        ),
        RunOutcome::RolledBack => ("was rolled back", WARNING),
    }
}

/// Who changed an object; `manager` is [`SOMEBODY`] where that cannot be told.
fn changed(manager: &str) -> String {
    match manager {
        SOMEBODY => "changed outside deployctl".to_owned(),
        manager => format!("changed outside deployctl by {manager}"),
    }
}

impl StatusPhase {
    fn heading(&self) -> Line {
        let ready = self
            .objects
            .iter()
            .filter(|object| object.verdict.passes())
            .count();
        let line = Line::default().styled(STRONG, &self.name);
        let objects = self.objects.len();
        if ready == objects {
            line.styled(FAINT, format!("  {}, ready", count(objects, "object")))
        } else {
            line.styled(
                WARNING,
                format!("  {ready} of {} ready", count(objects, "object")),
            )
        }
    }
}

impl StatusObject {
    fn cells(&self, without_namespace: bool) -> Vec<Line> {
        let state = self.verdict.state;
        let name = if without_namespace {
            format!("{}/{}", self.id.kind, self.id.name)
        } else {
            self.id.to_string()
        };
        vec![
            Line::of(name),
            Line::default().styled(style_of(state), state.to_string()),
            Line::of(self.replicas.as_deref().unwrap_or_default()),
            self.remarks(),
        ]
    }

    /// What else there is to say: why it is not ready, then what autoscaling, storage and addresses
    /// say.
    fn remarks(&self) -> Line {
        let why = if self.verdict.state == State::Ready {
            String::new()
        } else {
            explanation(&self.verdict)
        };
        let style = if self.verdict.state == State::Failed {
            BAD
        } else {
            anstyle::Style::new()
        };
        let facts = [&self.autoscaling, &self.storage, &self.address]
            .into_iter()
            .flatten();
        let facts = facts.map(Line::of);
        let changed = self
            .changed_by
            .iter()
            .map(|manager| Line::default().styled(WARNING, changed(manager)));
        let deleted = self
            .deleted
            .then(|| Line::default().styled(WARNING, "deleted outside deployctl"));
        let did = if self.verdict.state == State::Missing {
            "deleted"
        } else {
            "written"
        };
        let unfinished = self
            .unfinished_revision
            .map(|number| Line::of(format!("{did} by unfinished revision {number}")));
        let why = (!why.is_empty()).then(|| Line::default().styled(style, why));
        let kept = self
            .kept
            .iter()
            .map(|why| Line::of(format!("not wanted, kept {why}")));
        let changes = deleted
            .into_iter()
            .chain(changed)
            .chain(unfinished)
            .chain(kept);
        let parts = why.into_iter().chain(changes).chain(facts);
        parts
            .reduce(|line, part| line.text("; ").joined(part))
            .unwrap_or_default()
    }
}
