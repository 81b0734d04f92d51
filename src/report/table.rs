//! Aligned columns that fit a width.
//!
//! On purpose no library: `comfy-table` and `tabled` wrap cells or cut them at their end, while here
//! names lose their middle, because they differ at their ends, and which column gives way first
//! depends on what is in it.

use super::line::{Line, STRONG};

/// The space between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this for the sake of the others.
const NARROWEST: usize = 8;

/// A column of prose is not made narrower than this while another one can be, nor than its longest
/// word up to the second width: addresses in it are copied.
const NARROWEST_PROSE: (usize, usize) = (28, 40);
/// A cell of prose has at most this many lines.
const PROSE_LINES: usize = 4;

/// How a column is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Left-aligned text, cut at its end.
    Text,
    /// Left-aligned prose that goes on in further lines; only the last column can be of it.
    Prose,
    /// Left-aligned names, cut in their middle because they differ at their ends.
    Name,
    /// Left-aligned words that are cut only where nothing else can be.
    Word,
    /// Right-aligned numbers.
    Number,
}

/// Aligned columns with headings over groups of rows, that fit a width.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    indent: usize,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<Line>),
    Whole(Line),
}

impl Table {
    /// An empty table whose rows start after `indent` spaces.
    pub(super) fn new(columns: &[Column], indent: usize) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            indent,
        }
    }

    /// Adds a row of column titles.
    pub(super) fn titles(&mut self, titles: &[&str]) {
        self.row(
            titles
                .iter()
                .map(|title| Line::default().styled(STRONG, title))
                .collect(),
        );
    }

    /// Adds a row; cells that are not given are empty.
    pub(super) fn row(&mut self, cells: Vec<Line>) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a line that belongs to no column and has no indent.
    pub(super) fn whole(&mut self, line: Line) {
        self.rows.push(Row::Whole(line));
    }

    /// The lines, none wider than `width` columns.
    pub(super) fn lines(self, width: Option<usize>) -> Vec<String> {
        let widths = self.widths(width);
        let Self {
            columns,
            rows,
            indent,
        } = self;
        let lines = rows.into_iter().flat_map(|row| match row {
            Row::Whole(line) => vec![line],
            Row::Cells(cells) => with_prose(cells, &columns, &widths, indent),
        });
        lines.map(|line| line.cut(width).render()).collect()
    }

    /// The width of the longest word in the prose of the last column.
    fn longest_word(&self) -> usize {
        let last = self.columns.len() - 1;
        let cells = self.rows.iter().filter_map(|row| match row {
            Row::Cells(cells) => cells.get(last),
            Row::Whole(_) => None,
        });
        cells.map(Line::longest_word).max().unwrap_or(0)
    }

    /// The columns' widths: what their cells need, the widest made narrower where that is too much.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths = vec![0; self.columns.len()];
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = cell.width().max(*width);
            }
        }
        let Some(limit) = limit else { return widths };
        let gaps = GAP
            * widths
                .iter()
                .filter(|width| **width > 0)
                .count()
                .saturating_sub(1);
        let room = limit.saturating_sub(self.indent + gaps);
        let prose = self
            .longest_word()
            .clamp(NARROWEST_PROSE.0, NARROWEST_PROSE.1);
        let gives_way = |(column, width): (&Column, usize)| match column {
            Column::Prose => usize::from(width > prose) * 2,
            Column::Word => 0,
            Column::Text | Column::Name | Column::Number => 1,
        };
        while widths.iter().sum::<usize>() > room {
            let candidates = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(width, _)| **width > NARROWEST);
            match candidates.max_by_key(|(width, column)| (gives_way((column, **width)), **width)) {
                Some((widest, _)) => *widest -= 1,
                None => break,
            }
        }
        widths
    }
}

/// One row's lines: those of its prose stand below each other in their column.
fn with_prose(
    mut cells: Vec<Line>,
    columns: &[Column],
    widths: &[usize],
    indent: usize,
) -> Vec<Line> {
    let last = columns.len() - 1;
    if columns[last] != Column::Prose || cells.len() <= last {
        return vec![aligned(cells, columns, widths, indent)];
    }
    let mut prose = cells
        .pop()
        .map(|cell| cell.wrapped(Some(widths[last]), 0, PROSE_LINES))
        .unwrap_or_default()
        .into_iter();
    cells.extend(prose.next());
    let first = aligned(cells, columns, widths, indent);
    let rest = prose.map(|line| {
        let cells = vec![Line::default(); last].into_iter().chain([line]);
        aligned(cells.collect(), columns, widths, indent)
    });
    std::iter::once(first).chain(rest).collect()
}

/// One row's line. A column in which no row has anything takes no space.
fn aligned(cells: Vec<Line>, columns: &[Column], widths: &[usize], indent: usize) -> Line {
    let mut line = Line::of(" ".repeat(indent));
    let mut first = true;
    for (cell, (column, width)) in cells
        .into_iter()
        .zip(columns.iter().zip(widths))
        .filter(|(_, (_, width))| **width > 0)
    {
        if !first {
            line = line.text(" ".repeat(GAP));
        }
        first = false;
        line = line.joined(match column {
            Column::Text | Column::Word | Column::Prose => cell.cut(Some(*width)).padded(*width),
            Column::Name => cell.cut_middle(*width).padded(*width),
            Column::Number => Line::of(" ".repeat(width.saturating_sub(cell.width())))
                .joined(cell.cut(Some(*width))),
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(
            &[Column::Name, Column::Number, Column::Text, Column::Text],
            2,
        );
        table.titles(&["NAME", "COUNT", "", "NOTE"]);
        table.whole(Line::of("group"));
        table.row(vec![
            Line::of("Deployment/shop/payment-gateway"),
            Line::of("7"),
            Line::default(),
            Line::of("a note that is longer than others"),
        ]);
        table.row(vec![Line::of("Job/shop/x"), Line::of("1200")]);
        table
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let lines: Vec<String> = table()
            .lines(None)
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(
            lines,
            [
                "  NAME                             COUNT  NOTE",
                "group",
                "  Deployment/shop/payment-gateway      7  a note that is longer than others",
                "  Job/shop/x                        1200",
            ]
        );
    }

    #[test]
    fn prose_goes_on_below() {
        let mut table = Table::new(&[Column::Name, Column::Prose], 0);
        table.row(vec![
            Line::of("Deployment/payment-gateway"),
            Line::of("a note that is longer than what is left beside the name"),
        ]);
        table.row(vec![Line::of("Job/x"), Line::of("short")]);
        let lines: Vec<String> = table
            .lines(Some(60))
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(
            lines,
            [
                "Deployment/payment-gateway  a note that is longer than what",
                "                            is left beside the name",
                "Job/x                       short",
            ]
        );
    }

    #[test]
    fn the_widest_columns_give_way() {
        let lines: Vec<String> = table()
            .lines(Some(50))
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(
            lines[2],
            "  Deploy…yment-gateway      7  a note that is lon…"
        );
        for width in 0..80 {
            for line in table().lines(Some(width)) {
                assert!(
                    super::super::text::width(&anstream::adapter::strip_str(&line).to_string())
                        <= width,
                    "{line}"
                );
            }
        }
    }
}
