/// What a terminal shows after all that was written to it. It has rows without end, so that nothing
/// scrolls away.
pub(super) struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    columns: usize,
    /// Whether the cursor is seen.
    pub(super) shows_cursor: bool,
    /// The rows that a line went beyond.
    pub(super) wrapped: Vec<String>,
}

impl Screen {
    /// A terminal of `columns` columns to which `transcript` was written.
    pub(super) fn showing(transcript: &str, columns: usize) -> Self {
        let mut screen = Self {
            rows: vec![Vec::new()],
            row: 0,
            column: 0,
            columns,
            shows_cursor: true,
            wrapped: Vec::new(),
        };
        let mut characters = transcript.chars();
        while let Some(character) = characters.next() {
            match character {
                '\u{1b}' => {
                    assert_eq!(characters.next(), Some('['), "only CSI sequences are known");
                    let mut sequence = String::new();
                    while !sequence.ends_with(|last: char| last.is_ascii_alphabetic()) {
                        sequence.push(characters.next().expect("the sequence ends"));
                    }
                    screen.obey(&sequence);
                }
                '\n' => screen.go_down(1),
                '\r' => screen.column = 0,
                character => screen.put(character),
            }
        }
        screen
    }

    fn put(&mut self, character: char) {
        if self.column == self.columns {
            self.wrapped.push(self.rows[self.row].iter().collect());
            self.go_down(1);
            self.column = 0;
        }
        let row = &mut self.rows[self.row];
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = character;
        self.column += 1;
    }

    fn go_down(&mut self, rows: usize) {
        self.row += rows;
        self.rows
            .resize(self.rows.len().max(self.row + 1), Vec::new());
    }

    fn obey(&mut self, sequence: &str) {
        let (parameter, command) = sequence.split_at(sequence.len() - 1);
        let number = || parameter.parse().unwrap_or(1);
        match command {
            "m" => {}
            "A" => self.row = self.row.saturating_sub(number()),
            "B" => self.go_down(number()),
            "C" => self.column += number(),
            "D" => self.column = self.column.saturating_sub(number()),
            "G" => self.column = number() - 1,
            "K" if parameter == "2" => self.rows[self.row].clear(),
            "K" => self.rows[self.row].truncate(self.column),
            "J" => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            "h" if parameter == "?25" => self.shows_cursor = true,
            "l" if parameter == "?25" => self.shows_cursor = false,
            _ => panic!("unknown sequence {sequence}"),
        }
    }

    /// All rows.
    pub(super) fn text(&self) -> String {
        self.rows
            .iter()
            .map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n")
            .collect()
    }

    /// What stands in the rows below the cursor's.
    pub(super) fn below_cursor(&self) -> String {
        self.rows[self.row + 1..]
            .iter()
            .flatten()
            .collect::<String>()
            .trim()
            .to_owned()
    }
}
