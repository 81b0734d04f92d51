//! What `deployctl diff` shows, out of what was prepared.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::{
    cli::{
        change_summary::{shown_field, summary},
        consent::Consent,
        status::revision_info,
    },
    diff::{Difference, Effect, Hunk, Impact, Masker, OutsideField, Sign},
    engine::{ObjectDifference, Prepared, ReleaseDifference, masker},
    object::ObjectId,
    release::{Head, PlanSource, Revision},
    report::{
        ChangeRow, ChangeSummary, DiffCommit, DiffHunk, DiffImpact, DiffLine, DiffObject,
        DiffOutside, DiffRevision, DiffSign, DiffVariable, DiffVariables, DiffView, ImpactEffect,
    },
};

/// What `prepared` changes; `to` is the plan as it is now.
pub(super) fn view(
    consent: &Consent<'_>,
    prepared: &Prepared,
    differences: ReleaseDifference,
    to: &PlanSource,
) -> DiffView {
    let ReleaseDifference { objects, impact } = differences;
    let summary = summary(consent, prepared);
    let deployed = prepared.history.deployed();
    let from = deployed.filter(|deployed| !deployed.is_taken_down());
    let source = from.and_then(|from| source_of(&prepared.history.heads, from));
    DiffView {
        from: from.map(|from| DiffRevision {
            revision: revision_info(from),
            commit: source.and_then(commit),
        }),
        commit: commit(to),
        variables: variables(from.is_some(), (source, to), &masker(prepared)),
        impact: impact.into_iter().map(shown_impact).collect(),
        objects: shown_objects(&summary, objects),
        summary,
    }
}

/// The plan that `revision` was made from; of one that goes back to another, that of the other.
fn source_of<'a>(heads: &'a [Head], revision: &'a Revision) -> Option<&'a PlanSource> {
    let mut revision = revision;
    loop {
        if let Some(source) = &revision.source {
            return Some(source);
        }
        // Only to earlier ones is gone back.
        let back = revision.back_to.filter(|back| *back < revision.number)?;
        let head = heads.iter().find(|head| head.revision.number == back)?;
        revision = &head.revision;
    }
}

fn commit(source: &PlanSource) -> Option<DiffCommit> {
    Some(DiffCommit {
        commit: source.commit.clone()?,
        dirty: source.dirty,
    })
}

/// The variables whose values are others than in the revision whose plan was `from`, without what is a
/// secret value.
fn variables(
    is_deployed: bool,
    (from, to): (Option<&PlanSource>, &PlanSource),
    masker: &Masker,
) -> DiffVariables {
    let nothing = IndexMap::new();
    let now = to.variables.as_ref().unwrap_or(&nothing);
    let before = from.and_then(|from| from.variables.as_ref());
    let names = before.into_iter().flatten().map(|(name, _)| name);
    let names: Vec<&String> = names
        .chain(
            now.keys()
                .filter(|name| before.is_none_or(|before| !before.contains_key(*name))),
        )
        .collect();
    let changed = names.into_iter().filter_map(|name| {
        let (before, after) = (before?.get(name), now.get(name));
        if before == after {
            return None;
        }
        let (before, after) = masker.variables(before, after);
        Some(DiffVariable {
            name: name.clone(),
            before,
            after,
        })
    });
    DiffVariables {
        known: before.is_some(),
        is_deployed,
        changed: changed.collect(),
    }
}

fn shown_impact(impact: Impact) -> DiffImpact {
    DiffImpact {
        object: impact.object,
        effect: match impact.effect {
            Effect::Restarts => ImpactEffect::Restarts,
            Effect::Down => ImpactEffect::Down,
            Effect::Final => ImpactEffect::Final,
        },
        why: impact.why,
    }
}

fn shown_objects(
    summary: &ChangeSummary,
    mut differences: BTreeMap<ObjectId, ObjectDifference>,
) -> Vec<DiffObject> {
    let shown = summary.rows.iter();
    let shown = shown.map(|row| object(row, differences.remove(&row.object)));
    shown.collect()
}

fn object(row: &ChangeRow, difference: Option<ObjectDifference>) -> DiffObject {
    let shown = DiffObject {
        row: row.clone(),
        adopted: false,
        deleted_outside: false,
        untried: false,
        fields: Vec::new(),
        hunks: Vec::new(),
        outside: Vec::new(),
        patch: Vec::new(),
    };
    let Some(difference) = difference else {
        return shown;
    };
    let ObjectDifference {
        adopted,
        deleted_outside,
        untried,
        whole,
        own: Difference { fields, hunks },
        outside,
        ..
    } = difference;
    DiffObject {
        adopted,
        deleted_outside,
        untried,
        fields: fields.into_iter().map(shown_field).collect(),
        hunks: hunks.into_iter().map(shown_hunk).collect(),
        outside: outside.into_iter().map(shown_outside).collect(),
        patch: whole.hunks.into_iter().map(shown_hunk).collect(),
        ..shown
    }
}

/// What others have changed, as it is shown.
pub(in crate::cli) fn shown_outside(outside: OutsideField) -> DiffOutside {
    DiffOutside {
        field: shown_field(outside.field),
        was: outside.was,
        by: outside.by,
        at: outside.at,
    }
}

fn shown_hunk(hunk: Hunk) -> DiffHunk {
    let line = |(sign, text)| DiffLine {
        sign: match sign {
            Sign::Same => DiffSign::Same,
            Sign::Removed => DiffSign::Removed,
            Sign::Added => DiffSign::Added,
        },
        text,
    };
    DiffHunk {
        before: hunk.before,
        after: hunk.after,
        place: hunk.place,
        lines: hunk.lines.into_iter().map(line).collect(),
    }
}
