use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

/// A terminal in memory that understands what is sent to it, and wraps its lines anew when its width changes.
#[derive(Clone)]
pub(super) struct Emulator(Arc<Mutex<Grid>>);

struct Grid {
    columns: usize,
    /// Each row with whether the next one continues it.
    rows: Vec<(String, bool)>,
    row: usize,
}

impl Emulator {
    pub(super) fn new(columns: usize) -> Self {
        Self(Arc::new(Mutex::new(Grid { columns, rows: vec![(String::new(), false)], row: 0 })))
    }

    pub(super) fn resize(&self, columns: usize) {
        self.0.lock().unwrap().resize(columns);
    }

    /// What stands on it, history included.
    pub(super) fn text(&self) -> String {
        let grid = self.0.lock().unwrap();
        grid.rows.iter().map(|(row, _)| row.trim_end().to_owned() + "\n").collect()
    }
}

impl Grid {
    fn resize(&mut self, columns: usize) {
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
            self.rows.extend(chunks.iter().enumerate().map(|(position, chunk)| (chunk.iter().collect(), position + 1 < chunks.len())));
            if chunks.is_empty() {
                self.rows.push((String::new(), false));
            }
        }
        // The cursor stands below the last line that was written.
        self.row = self.rows.len() - 1;
    }

    fn put(&mut self, character: char) {
        if self.rows[self.row].0.chars().count() == self.columns {
            self.rows[self.row].1 = true;
            self.line_feed();
        }
        self.rows[self.row].0.push(character);
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
            'J' => {
                self.rows.truncate(self.row);
                self.rows.push((String::new(), false));
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
                '\n' => grid.line_feed(),
                '\r' => {}
                character => grid.put(character),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
