//! A terminal in memory, to see what a screen really shows.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

/// A terminal in memory that understands what is sent to it, and wraps its lines anew when its
/// width changes.
#[derive(Clone)]
pub(super) struct Emulator(Arc<Mutex<Grid>>);

struct Grid {
    columns: usize,
    /// Each row with whether the next one continues it.
    rows: Vec<(String, bool)>,
    row: usize,
    column: usize,
}

impl Emulator {
    pub(super) fn new(columns: usize) -> Self {
        Self(Arc::new(Mutex::new(Grid {
            columns,
            rows: vec![(String::new(), false)],
            row: 0,
            column: 0,
        })))
    }

    pub(super) fn resize(&self, columns: usize) {
        self.0.lock().unwrap().resize(columns);
    }

    /// What stands on it, history included.
    pub(super) fn text(&self) -> String {
        let grid = self.0.lock().unwrap();
        grid.rows
            .iter()
            .map(|(row, _)| row.trim_end().to_owned() + "\n")
            .collect()
    }
}

impl Grid {
    fn resize(&mut self, columns: usize) {
        // Below the cursor, which stands under the last line that was written, there are only blank
        // rows.
        self.rows.truncate(self.row + 1);
        let mut lines = vec![String::new()];
        for (row, continues) in std::mem::take(&mut self.rows) {
            lines.last_mut().unwrap().push_str(&row);
            if !continues {
                lines.push(String::new());
            }
        }
        lines.pop();
        self.columns = columns;
        for line in lines {
            let characters: Vec<char> = line.chars().collect();
            let chunks = characters.chunks(columns).collect::<Vec<_>>();
            self.rows.extend(
                chunks
                    .iter()
                    .enumerate()
                    .map(|(position, chunk)| (chunk.iter().collect(), position + 1 < chunks.len())),
            );
            if chunks.is_empty() {
                self.rows.push((String::new(), false));
            }
        }
        self.row = self.rows.len() - 1;
        self.column = 0;
    }

    fn put(&mut self, character: char) {
        if self.column == self.columns {
            self.rows[self.row].1 = true;
            self.line_feed();
            self.column = 0;
        }
        let row = &mut self.rows[self.row].0;
        *row = row
            .chars()
            .take(self.column)
            .chain([character])
            .chain(row.chars().skip(self.column + 1))
            .collect();
        self.column += 1;
    }

    fn line_feed(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push((String::new(), false));
        }
    }

    fn escape(&mut self, sequence: &str) {
        match sequence.chars().last().unwrap() {
            'm' => {}
            'A' => self.row -= sequence[..sequence.len() - 1].parse::<usize>().unwrap(),
            'K' => {
                let column = if sequence == "2K" { 0 } else { self.column };
                let (row, continues) = &mut self.rows[self.row];
                *row = row.chars().take(column).collect();
                *continues = false;
            }
            _ => panic!("unknown sequence {sequence}"),
        }
    }
}

impl Write for Emulator {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut grid = self.0.lock().unwrap();
        let mut characters = std::str::from_utf8(bytes).unwrap().chars();
        while let Some(character) = characters.next() {
            match character {
                '\u{1b}' => {
                    assert_eq!(characters.next(), Some('['));
                    let mut sequence = String::new();
                    while !sequence.ends_with(|last: char| last.is_ascii_alphabetic()) {
                        sequence.push(characters.next().unwrap());
                    }
                    grid.escape(&sequence);
                }
                '\n' => {
                    grid.line_feed();
                    grid.column = 0;
                }
                '\r' => grid.column = 0,
                character => grid.put(character),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
