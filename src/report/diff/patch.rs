//! A diff as a patch: the form that tools for reviews read.

use std::fmt::Write as _;

use super::{
    text::{heading, impact},
    view::{DiffHunk, DiffObject, DiffView},
};
use crate::{object::neutralise, report::changes::ChangeAction};

impl DiffView {
    /// The view as a unified diff. What is said of it as a whole stands before the first file, where
    /// tools skip it.
    pub(crate) fn patch(&self) -> String {
        let mut text = String::new();
        for line in heading(self, None).into_iter().chain(impact(self)) {
            let line = anstream::adapter::strip_str(&line.render()).to_string();
            let _ = writeln!(text, "# {line}");
        }
        for object in self.objects.iter().filter(|object| object.is_written()) {
            file(&mut text, object);
        }
        // Nothing in it may drive a terminal.
        neutralise(&text)
    }
}

fn file(text: &mut String, object: &DiffObject) {
    let row = &object.row;
    let name = row.object.to_string();
    let action = serde_json::to_value(row.action).unwrap_or_default();
    let action = action.as_str().unwrap_or_default().to_owned();
    let detail = object
        .detail()
        .map_or(String::new(), |detail| format!(": {detail}"));
    let _ = writeln!(text, "\n# {} {action} {name}{detail}", row.phase.name());
    if object.patch.is_empty() {
        return;
    }
    let side = |letter: char, is_absent: bool| {
        if is_absent {
            "/dev/null".to_owned()
        } else {
            format!("{letter}/{name}")
        }
    };
    let _ = writeln!(
        text,
        "--- {}",
        side('a', row.action == ChangeAction::Create)
    );
    let _ = writeln!(
        text,
        "+++ {}",
        side('b', row.action == ChangeAction::Delete)
    );
    object.patch.iter().for_each(|hunk| lines(text, hunk));
}

fn lines(text: &mut String, hunk: &DiffHunk) {
    let (before, after) = (hunk.before, hunk.after);
    let place = if hunk.place.is_empty() {
        String::new()
    } else {
        format!(" {}", hunk.place)
    };
    let _ = writeln!(
        text,
        "@@ -{},{} +{},{} @@{place}",
        before.0, before.1, after.0, after.1
    );
    for line in &hunk.lines {
        let _ = writeln!(text, "{}{}", line.sign.mark(), line.text);
    }
}
