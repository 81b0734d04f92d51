//! What is said before and after a rollback.

use std::collections::BTreeSet;

use super::{
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING},
    units::{count, whole},
};
use crate::{
    event::{ObjectNote, Proof},
    object::ObjectId,
};

/// So many remarks of one sort are shown; the others are in the history.
const SHOWN: usize = 12;

/// A remark has at most this many lines.
const LINES: usize = 3;

/// What is said before the way back.
pub(super) fn rollback_lines(
    objects: usize,
    deletes: usize,
    timeout: std::time::Duration,
) -> Vec<Line> {
    let put_back = objects - deletes;
    let work = match (put_back, deletes) {
        (_, 0) => format!("{} to restore", count(put_back, "object")),
        (0, _) => format!("{} to delete", count(deletes, "object")),
        _ => format!(
            "{} to restore, {deletes} to delete",
            count(put_back, "object")
        ),
    };
    let hint = format!(
        "timeout {}; Ctrl-C stops it at once, and `deployctl rollback` continues it",
        whole(timeout)
    );
    vec![
        Line::default()
            .styled(WARNING, "↩")
            .text(" ")
            .styled(STRONG, "Rolling back")
            .text(format!(": {work}")),
        Line::of("  ").styled(FAINT, hint),
    ]
}

/// What the way back came to: `rolled back: 37 objects as before, 0 differences`, and what was
/// kept, stays, or was changed by others.
pub(super) fn proof_lines(proof: &Proof, width: Option<usize>) -> Vec<Line> {
    let Proof {
        same,
        differences,
        kept,
        stays,
        by_others,
    } = proof;
    let text = format!(
        "{} as before, {}",
        count(*same, "object"),
        count(differences.len(), "difference")
    );
    let (style, mark, what) = if differences.is_empty() {
        (GOOD, "✓", "rolled back")
    } else {
        (BAD, "✗", "not everything is rolled back")
    };
    let head = Line::default()
        .styled(style, mark)
        .text(" ")
        .styled(STRONG, what)
        .text(format!(": {text}"));
    let sorts = [
        ("differs", BAD, differences),
        ("kept", WARNING, kept),
        ("left", WARNING, stays),
        ("by others", FAINT, by_others),
    ];
    let lines = sorts.into_iter().flat_map(|(word, style, remarks)| {
        let more = remarks.len().saturating_sub(SHOWN);
        let shown = remarks
            .iter()
            .take(SHOWN)
            .flat_map(move |remark| remark_line(word, style, remark).wrapped(width, 4, LINES));
        shown.chain((more > 0).then(|| Line::of("  ").styled(FAINT, format!("… and {more} more"))))
    });
    std::iter::once(head).chain(lines).collect()
}

/// How many objects are said to stay as they are.
pub(super) fn staying(proof: &Proof) -> usize {
    let objects: BTreeSet<&ObjectId> = proof.that_stay().map(|note| &note.object).collect();
    objects.len()
}

fn remark_line(word: &str, style: anstyle::Style, remark: &ObjectNote) -> Line {
    Line::of("  ")
        .styled(style, word)
        .text(": ")
        .styled(STRONG, remark.object.to_string())
        .text(format!("  {}", remark.what))
}
