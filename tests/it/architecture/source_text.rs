//! The source files as text: read, and blanked out where they are not code.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Every Rust file of the crate, relative to `src`, with its text.
pub(super) fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("the file can be read");
                found.insert(
                    path.strip_prefix(&root).expect("it lies in src").to_owned(),
                    text,
                );
            }
        }
    }
    found
}

/// The crate's root, which only declares the modules, and the program, which only calls the command
/// line.
pub(super) fn is_root(file: &Path) -> bool {
    file == Path::new("lib.rs") || file == Path::new("main.rs")
}

pub(super) fn at(file: &Path, code: &str, position: usize) -> String {
    format!(
        "src/{}:{}",
        file.display(),
        code[..position].matches('\n').count() + 1
    )
}

pub(super) fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// `text` with comments and the inside of literals blanked out, lines kept.
pub(super) fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let skipped = skipped(rest, code.chars().next_back().is_some_and(is_name));
        if skipped == 0 {
            code.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            code.push(' ');
            code.extend(
                rest[..skipped]
                    .chars()
                    .filter(|character| *character == '\n'),
            );
            rest = &rest[skipped..];
        }
    }
    code
}

/// Bytes of the comment or literal that `text` starts with; 0 where it starts with neither.
fn skipped(text: &str, after_a_name: bool) -> usize {
    let until = |end: &str, start: usize| {
        text[start..]
            .find(end)
            .map_or(text.len(), |found| start + found + end.len())
    };
    let raw = text
        .trim_start_matches('b')
        .strip_prefix('r')
        .map(|rest| rest.chars().take_while(|hash| *hash == '#').count());
    match raw {
        Some(hashes) if !after_a_name => {
            let start = text.find('r').unwrap_or(0) + 1 + hashes;
            if text[start..].starts_with('"') {
                return until(&format!("\"{}", "#".repeat(hashes)), start + 1);
            }
        }
        _ => {}
    }
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    // `'a'` and `'\n'` are characters, `'a` is a lifetime.
    let mut after = text.chars().skip(1);
    match (text.starts_with('\''), after.next(), after.next()) {
        (true, Some('\\'), _) => quoted(text, '\''),
        (true, Some(inside), Some('\'')) => 2 + inside.len_utf8(),
        _ => 0,
    }
}

/// Bytes up to the end of the literal that `text` starts with, in which a backslash takes the next
/// character along.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return position + 1,
            _ => {}
        }
    }
    text.len()
}
