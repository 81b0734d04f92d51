use jiff::Timestamp;
use serde::Serialize;

use super::{
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING, style_of},
    progress::explanation,
    table::{Column, Table},
    text::{neutralise, wrap},
    units::{age, between, count, duration},
};
use crate::{
    event::{RunOutcome, as_text},
    object::ObjectId,
    plan::ReleaseId,
    readiness::{State, Verdict},
};

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
    /// The phases with their objects.
    pub(crate) phases: Vec<StatusPhase>,
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
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// Who made it, for example `user@host`.
    pub(crate) by: String,
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
    /// The manager that changed fields of ours.
    pub(crate) changed_by: Option<String>,
}

impl StatusView {
    /// The view as a tree by phase, no line wider than `width`.
    pub(crate) fn text(&self, width: Option<usize>, now: Timestamp) -> String {
        let mut table = Table::new(&[Column::Name, Column::Text, Column::Number, Column::Text], 2);
        for line in self.head(width, now) {
            table.whole(line);
        }
        for phase in &self.phases {
            table.whole(Line::default());
            table.whole(phase.heading());
            for object in &phase.objects {
                table.row(object.cells());
            }
        }
        table.lines(width).into_iter().map(|line| line + "\n").collect()
    }

    fn head(&self, width: Option<usize>, now: Timestamp) -> Vec<Line> {
        let Self { release, context, .. } = self;
        let Some(revision) = self.revision.as_ref().or(self.last_run.as_ref()) else {
            let text = format!("{release} is not deployed in context {context}; ");
            let command = format!("`deployctl up {} --env {}` deploys it", release.plan, release.environment);
            return wrap(&neutralise(&(text + &command)), width).iter().map(Line::of).collect();
        };
        let place = Line::default().styled(STRONG, release.to_string()).text(format!(" in context {context}"));
        let mut lines = vec![place, revision.line(now)];
        lines.extend(revision.cause_lines(width));
        if let Some(last) = self.last_run.as_ref().filter(|last| last.number != revision.number) {
            lines.push(Line::of("last run: ").joined(last.line(now)));
            lines.extend(last.cause_lines(width));
        }
        lines
    }
}

impl RevisionInfo {
    /// Why it failed, indented below its line.
    fn cause_lines(&self, width: Option<usize>) -> Vec<Line> {
        let Some(cause) = &self.cause else { return Vec::new() };
        let room = width.map(|width| width.saturating_sub(2));
        wrap(&neutralise(cause), room).iter().map(|text| Line::of("  ").styled(BAD, text)).collect()
    }

    /// `revision 4 succeeded 3 min ago by USER, after 14.2 s`.
    fn line(&self, now: Timestamp) -> Line {
        let Self { number, outcome, started, finished, by, .. } = self;
        let (word, style) = outcome_word(*outcome);
        let line = Line::of(format!("revision {number} ")).styled(style, word);
        line.text(match finished {
            Some(finished) => format!(" {} by {by}, after {}", age(*finished, now), duration(between(*started, *finished))),
            None => format!(", started {} by {by}", age(*started, now)),
        })
    }
}

/// A run whose program was killed and one that goes on look the same from outside.
pub(super) fn outcome_word(outcome: RunOutcome) -> (&'static str, anstyle::Style) {
    match outcome {
        RunOutcome::Running => ("runs or was killed", WARNING),
        RunOutcome::Succeeded => ("succeeded", GOOD),
        RunOutcome::Failed => ("failed", BAD),
        RunOutcome::Interrupted => ("was interrupted", WARNING),
    }
}

impl StatusPhase {
    fn heading(&self) -> Line {
        let ready = self.objects.iter().filter(|object| object.verdict.passes()).count();
        let line = Line::default().styled(STRONG, &self.name);
        let objects = self.objects.len();
        if ready == objects {
            line.styled(FAINT, format!("  {}, ready", count(objects, "object")))
        } else {
            line.styled(WARNING, format!("  {ready} of {} ready", count(objects, "object")))
        }
    }
}

impl StatusObject {
    fn cells(&self) -> Vec<Line> {
        let state = self.verdict.state;
        vec![
            Line::of(self.id.to_string()),
            Line::default().styled(style_of(state), state.to_string()),
            Line::of(self.replicas.as_deref().unwrap_or_default()),
            self.remarks(),
        ]
    }

    /// What else there is to say: why it is not ready, then what autoscaling, storage and addresses say.
    fn remarks(&self) -> Line {
        let why = if self.verdict.state == State::Ready { String::new() } else { explanation(&self.verdict) };
        let style = if self.verdict.state == State::Failed { BAD } else { anstyle::Style::new() };
        let facts = [&self.autoscaling, &self.storage, &self.address].into_iter().flatten();
        let facts = facts.map(Line::of);
        let changed = self.changed_by.iter().map(|manager| Line::default().styled(WARNING, format!("changed by {manager}")));
        let why = (!why.is_empty()).then(|| Line::default().styled(style, why));
        let parts = why.into_iter().chain(changed).chain(facts);
        parts.reduce(|line, part| line.text("; ").joined(part)).unwrap_or_default()
    }
}
