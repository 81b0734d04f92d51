//! The paths that a file's code names: what it declares and takes in, and what it writes out in
//! full. Code that only tests need is left out.

use super::source_text::{is_name, without_comments_and_literals};

/// One name, punctuation mark or `::` of the code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// A name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// What it is called here.
    pub(super) name: String,
    pub(super) path: Vec<String>,
    /// With a visibility: passed on to others, and not a use of its own.
    pub(super) is_reexport: bool,
    /// The inline modules around it, the outermost first.
    pub(super) scope: Vec<String>,
    pub(super) line: usize,
}

/// A path that stands in the code outside of a `use`; a single name is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) scope: Vec<String>,
    pub(super) line: usize,
}

/// What the code of one file names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Modules in files of their own.
    pub(super) declared: Vec<String>,
    /// Modules in files of their own that only tests have.
    pub(super) declared_for_tests: Vec<String>,
    pub(super) bindings: Vec<Binding>,
    pub(super) mentions: Vec<Mention>,
}

/// Reads the code of one file.
pub(super) fn names(text: &str) -> Names {
    let mut reader = Reader {
        tokens: tokens(&without_comments_and_literals(text)),
        position: 0,
        names: Names::default(),
    };
    reader.items(&[]);
    reader.names
}

fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some(character) = rest.chars().next() {
        let length = if is_name(character) {
            rest.find(|other| !is_name(other)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            character.len_utf8()
        };
        if character == '\n' {
            line += 1;
        } else if !character.is_whitespace() {
            found.push(Token {
                text: rest[..length].to_owned(),
                line,
            });
        }
        rest = &rest[length..];
    }
    found
}

struct Reader {
    tokens: Vec<Token>,
    position: usize,
    names: Names,
}

impl Reader {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.position + ahead)
            .map_or("", |token| token.text.as_str())
    }

    fn before(&self) -> &str {
        match self.position {
            0 => "",
            position => self.tokens[position - 1].text.as_str(),
        }
    }

    fn line(&self) -> usize {
        self.tokens[self.position].line
    }

    /// Whether the next tokens are these, separated by blanks in `text`.
    fn is_at(&self, text: &str) -> bool {
        text.split(' ')
            .enumerate()
            .all(|(ahead, expected)| self.peek(ahead) == expected)
    }

    /// Reads to the end of the module that has just been opened.
    fn items(&mut self, scope: &[String]) {
        let mut depth = 0;
        while self.position < self.tokens.len() {
            if self.is_at("# [ cfg ( test ) ]") {
                self.test_item();
                continue;
            }
            match self.peek(0) {
                "{" => depth += 1,
                "}" if depth == 0 => {
                    self.position += 1;
                    return;
                }
                "}" => depth -= 1,
                "use" if self.peek(1) != "<" => {
                    self.import(scope);
                    continue;
                }
                "mod" if self.peek(2) == ";" => self.names.declared.push(self.peek(1).to_owned()),
                "mod" if self.peek(2) == "{" => {
                    let inner = [scope, &[self.peek(1).to_owned()]].concat();
                    self.position += 3;
                    self.items(&inner);
                    continue;
                }
                name if name.starts_with(is_name) && !matches!(self.before(), "::" | ".") => {
                    self.mention(scope);
                    continue;
                }
                _ => {}
            }
            self.position += 1;
        }
    }

    /// Passes over an item that only tests have; a module of theirs in a file of its own is noted.
    fn test_item(&mut self) {
        self.position += "# [ cfg ( test ) ]".split(' ').count();
        let mut depth = 0;
        let is_use = self.tokens[self.position..]
            .iter()
            .take_while(|token| !matches!(token.text.as_str(), ";" | "{"))
            .any(|token| token.text == "use");
        while self.position < self.tokens.len() {
            if depth == 0 && self.peek(0) == "mod" && self.peek(2) == ";" {
                let name = self.peek(1).to_owned();
                self.names.declared_for_tests.push(name);
            }
            match self.peek(0) {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            let end = self.peek(0);
            let is_end = depth == 0 && (end == ";" || (end == "}" && !is_use));
            self.position += 1;
            if is_end {
                return;
            }
        }
    }

    /// Reads one path in the code: names with `::` between them.
    fn mention(&mut self, scope: &[String]) {
        let line = self.line();
        let mut path = vec![self.peek(0).to_owned()];
        self.position += 1;
        while self.peek(0) == "::" && self.peek(1).starts_with(is_name) {
            path.push(self.peek(1).to_owned());
            self.position += 2;
        }
        self.names.mentions.push(Mention {
            path,
            scope: scope.to_vec(),
            line,
        });
    }

    /// Reads one `use`.
    fn import(&mut self, scope: &[String]) {
        let first = Binding {
            name: String::new(),
            path: Vec::new(),
            is_reexport: self.is_public(),
            scope: scope.to_vec(),
            line: self.line(),
        };
        self.position += 1;
        self.tree(&first);
        self.position += 1;
    }

    /// Whether `pub` or `pub(…)` stands before the current token.
    fn is_public(&self) -> bool {
        let mut start = self.position;
        if self.before() == ")" {
            while start > 0 && self.tokens[start].text != "(" {
                start -= 1;
            }
        }
        start > 0 && self.tokens[start - 1].text == "pub"
    }

    /// Reads one tree of a `use`, which goes on from what `stem` has.
    fn tree(&mut self, stem: &Binding) {
        let mut binding = stem.clone();
        while self.position < self.tokens.len() {
            match self.peek(0) {
                "{" => {
                    self.position += 1;
                    while !matches!(self.peek(0), "}" | "") {
                        self.tree(&binding);
                        if self.peek(0) == "," {
                            self.position += 1;
                        }
                    }
                    self.position += 1;
                    return;
                }
                ";" | "," | "}" => break,
                "::" => {}
                "as" => {
                    self.position += 1;
                    self.peek(0).clone_into(&mut binding.name);
                }
                name => {
                    binding.line = self.line();
                    name.clone_into(&mut binding.name);
                    binding.path.push(name.to_owned());
                }
            }
            self.position += 1;
        }
        if binding.name == "self" && binding.path.len() > 1 {
            binding.path.pop();
            binding.name = binding.path.last().cloned().unwrap_or_default();
        }
        self.names.bindings.push(binding);
    }
}
