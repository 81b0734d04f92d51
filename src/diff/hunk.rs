//! The lines in which two texts differ, with some around them.

use serde_json::Value;
use similar::{ChangeTag, DiffOp, TextDiff};

use crate::object::FieldPath;

/// Lines that differ, with those around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// Number of its first line before, from 1, and how many lines of before it has.
    pub(crate) before: (usize, usize),
    /// The same of after.
    pub(crate) after: (usize, usize),
    /// The field that it begins in, for example `spec.template.spec.containers`; empty at the top.
    pub(crate) place: String,
    /// Its lines, without line ends.
    pub(crate) lines: Vec<(Sign, String)>,
}

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// In both texts.
    Same,
    /// Only before.
    Removed,
    /// Only after.
    Added,
}

/// So many lines around what differs are shown.
const AROUND: usize = 3;

/// Where the YAML texts `before` and `after` differ.
pub(super) fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(AROUND);
    groups.iter().map(|group| hunk(&diff, group)).collect()
}

fn hunk(diff: &TextDiff<'_, '_, str>, group: &[DiffOp]) -> Hunk {
    let changes = group.iter().flat_map(|op| diff.iter_changes(op));
    let lines: Vec<(Sign, String)> = changes
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => Sign::Same,
                ChangeTag::Delete => Sign::Removed,
                ChangeTag::Insert => Sign::Added,
            };
            (sign, change.value().trim_end_matches('\n').to_owned())
        })
        .collect();
    let span = |range: fn(&DiffOp) -> std::ops::Range<usize>| {
        let start = group.first().map_or(0, |op| range(op).start);
        let end = group.last().map_or(0, |op| range(op).end);
        (if end > start { start + 1 } else { start }, end - start)
    };
    Hunk {
        before: span(DiffOp::old_range),
        after: span(DiffOp::new_range),
        place: place(diff, group),
        lines,
    }
}

/// The field that the first change of `group` lies in, read from the indentation of our own YAML.
fn place(diff: &TextDiff<'_, '_, str>, group: &[DiffOp]) -> String {
    let changed = group.iter().find(|op| !matches!(op, DiffOp::Equal { .. }));
    let Some(op) = changed else {
        return String::new();
    };
    let (text, at): (Vec<&str>, usize) = if op.new_range().is_empty() {
        (diff.iter_old_slices().collect(), op.old_range().start)
    } else {
        (diff.iter_new_slices().collect(), op.new_range().start)
    };
    let mut place = FieldPath::default();
    for step in above(&text, at).iter().rev() {
        match step {
            Step::Field(name) => place.field(name),
            Step::Item(name) => place.within(&format!("name={}", Value::from(*name))),
        }
    }
    place.to_string()
}

/// One step on the way to a line.
enum Step<'a> {
    Field(&'a str),
    /// An item of a list, by its name.
    Item(&'a str),
}

/// What the line `at` lies under, the nearest first.
fn above<'a>(text: &[&'a str], at: usize) -> Vec<Step<'a>> {
    let mut names = Vec::new();
    let Some(line) = text.get(at) else {
        return names;
    };
    let (mut indent, mut is_item) = (indentation(line), line.trim_start().starts_with("- "));
    for line in text[..at]
        .iter()
        .rev()
        .filter(|line| !line.trim().is_empty())
    {
        let own = indentation(line);
        let content = line.trim().trim_start_matches("- ");
        let column = own + (line.trim().len() - content.len());
        let is_above = column < indent || column == indent && is_item;
        if let Some(key) = content.strip_suffix(':').filter(|_| is_above) {
            names.push(Step::Field(key.trim_matches('"')));
            (indent, is_item) = (column, false);
        }
        // The key stands beside others in an item of a list.
        if own < column && own < indent {
            let name = content.strip_prefix("name: ");
            names.extend(name.map(Step::Item));
            (indent, is_item) = (own, true);
        }
    }
    names
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const WEB: &str = "kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: log
        image: log:1
      - name: web
        env:
        - name: A
          value: one
        - name: B
          value: two
        image: web:1
";

    fn shown(before: &str, after: &str) -> String {
        let mut text = String::new();
        for hunk in hunks(before, after) {
            let _ = writeln!(text, "@@ {:?} {:?} {}", hunk.before, hunk.after, hunk.place);
            for (sign, line) in hunk.lines {
                let sign = match sign {
                    Sign::Same => ' ',
                    Sign::Removed => '-',
                    Sign::Added => '+',
                };
                let _ = writeln!(text, "{sign}{line}");
            }
        }
        text
    }

    #[test]
    fn hunks_show_what_lies_around_a_change_and_where_it_is() {
        let after = WEB
            .replace("value: two", "value: three")
            .replace("replicas: 1", "replicas: 3");
        insta::assert_snapshot!(shown(WEB, &after), @r#"
        @@ (2, 7) (2, 7) spec
         metadata:
           name: web
         spec:
        -  replicas: 1
        +  replicas: 3
           template:
             spec:
               containers:
        @@ (13, 5) (13, 5) spec.template.spec.containers[name="web"].env[name="B"]
                 - name: A
                   value: one
                 - name: B
        -          value: two
        +          value: three
                 image: web:1
        "#);
    }

    #[test]
    fn what_comes_and_goes_as_a_whole_is_one_hunk() {
        assert_eq!(hunks(WEB, WEB), []);
        let created = hunks("", "a: 1\nb: 2\n");
        assert_eq!((created[0].before, created[0].after), ((0, 0), (1, 2)));
        let deleted = hunks("a: 1\nb: 2\n", "");
        assert_eq!((deleted[0].before, deleted[0].after), ((1, 2), (0, 0)));
    }
}
