//! What a rollback of an unfinished revision is going to do, as it is shown before asking.

use super::{
    changes::Extent,
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING},
    units::{count, tally},
};
use crate::plan::PhaseId;
use crate::{event::ObjectNote, object::ObjectId};

/// At most about this many lines are shown before somebody is asked.
const LINES: usize = 40;
/// So many are shown also on a terminal that is smaller.
const FEWEST: usize = 16;
/// Width of the titles in the head.
const TITLES: usize = 12;

/// What going back from a revision that was not finished is going to do, as it is shown before
/// asking.
#[derive(Debug, Clone)]
pub(crate) struct WayBackView {
    /// What is gone back from.
    pub(crate) from: WayBackFrom,
    /// Its phases, in their order.
    pub(crate) phases: Vec<PhaseId>,
    /// Objects that are put back or created again, each with its phase.
    pub(crate) restored: Vec<(ObjectId, PhaseId)>,
    /// Objects that are deleted.
    pub(crate) removed: Vec<(ObjectId, PhaseId)>,
    /// What was created and is kept, and why.
    pub(crate) kept: Vec<ObjectNote>,
    /// What cannot or may not be put back, and why.
    pub(crate) stays: Vec<ObjectNote>,
    /// What others did to objects since, and is left to them.
    pub(crate) by_others: Vec<ObjectNote>,
}

/// The revision that is gone back from.
#[derive(Debug, Clone)]
pub(crate) struct WayBackFrom {
    /// The release.
    pub(crate) release: String,
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// Address of the API server.
    pub(crate) server: String,
    /// Its number.
    pub(crate) revision: u64,
    /// Whether it was good, and took over what was there.
    pub(crate) is_finished: bool,
}

impl WayBackView {
    /// The text that is shown before asking: as many lines as fit, at most about 40.
    pub(crate) fn text(&self, extent: Extent) -> String {
        let most = extent
            .rows
            .map_or(LINES, |rows| rows.saturating_sub(2).clamp(FEWEST, LINES));
        let head = self.head();
        let mut objects = self.objects();
        let room = most.saturating_sub(head.len() + 4);
        let hidden = objects.len().saturating_sub(room);
        if hidden > 0 {
            objects.truncate(room);
            objects.push(Line::default().styled(FAINT, format!("… and {hidden} more")));
        }
        let together = Line::default()
            .styled(STRONG, "Total")
            .text(format!("  {}", self.together()));
        let lines = head
            .into_iter()
            .chain([Line::default()])
            .chain(objects)
            .chain([Line::default(), together]);
        lines
            .map(|line| line.cut(extent.width).render() + "\n")
            .collect()
    }

    fn head(&self) -> Vec<Line> {
        let title = |title: &str| Line::default().styled(STRONG, title).padded(TITLES);
        let what = if self.from.is_finished {
            "took it over"
        } else {
            "was not finished"
        };
        vec![
            title("Release").text(&self.from.release),
            title("Context")
                .styled(STRONG, &self.from.context)
                .text(format!(" ({})", self.from.server)),
            title("Back to").text(format!(
                "what was there before revision {}, which {what}",
                self.from.revision
            )),
        ]
    }

    /// Every object by phase; below them, what is not put back and why.
    fn objects(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let position = |phase: &PhaseId| self.phases.iter().position(|known| known == phase);
        let mut phases: Vec<&PhaseId> = self
            .restored
            .iter()
            .chain(&self.removed)
            .map(|(_, phase)| phase)
            .collect();
        phases.sort_by_key(|phase| (position(phase).is_none(), position(phase), *phase));
        phases.dedup();
        for phase in phases {
            let of_phase = |objects: &'_ [(ObjectId, PhaseId)]| -> Vec<ObjectId> {
                objects
                    .iter()
                    .filter(|(_, of)| of == phase)
                    .map(|(id, _)| id.clone())
                    .collect()
            };
            let (restored, removed) = (of_phase(&self.restored), of_phase(&self.removed));
            let counts = tally(&[(restored.len(), "to restore"), (removed.len(), "to delete")]);
            lines.push(
                Line::default()
                    .styled(STRONG, phase.name())
                    .text(format!("  {counts}")),
            );
            lines.extend(
                restored
                    .iter()
                    .map(|id| Line::of("  ").styled(WARNING, "~").text(format!(" {id}"))),
            );
            lines.extend(
                removed
                    .iter()
                    .map(|id| Line::of("  ").styled(BAD, "-").text(format!(" {id}"))),
            );
        }
        let rest = self.kept.iter().chain(&self.stays).chain(&self.by_others);
        lines.extend(rest.map(|remark| {
            Line::of("  ")
                .styled(GOOD, "=")
                .text(format!(" {}  {}", remark.object, remark.what))
        }));
        lines
    }

    fn together(&self) -> String {
        let parts = [
            (self.restored.len(), "to restore"),
            (self.removed.len(), "to delete"),
            (self.kept.len() + self.stays.len(), "left"),
        ];
        match tally(&parts) {
            text if text.is_empty() => {
                format!("{} to restore: everything is as it was", count(0, "object"))
            }
            text => text,
        }
    }
}
