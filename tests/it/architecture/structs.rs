//! A struct with many fields is several things: none has more than [`MOST_FIELDS`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::source_text::{is_name, sources, without_comments_and_literals};

const MOST_FIELDS: usize = 8;

/// Structs that have more, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 20] = [
    (
        "cli/deployment.rs",
        "DeploymentArguments",
        "the flags of a command",
    ),
    ("engine/desired.rs", "StoredObject", "stored as it is"),
    ("sandbox/home.rs", "Settings", "stored as it is"),
    ("event.rs", "RequestCounts", "told as JSON, one key a verb"),
    ("plan/file.rs", "PlanFile", "the keys of the plan file"),
    (
        "plan/phase_declaration.rs",
        "PhaseDeclaration",
        "the keys of a phase in the plan file",
    ),
    (
        "plan/check_declaration.rs",
        "Check",
        "the keys of a check in the plan file",
    ),
    (
        "plan/requires_declaration.rs",
        "Requires",
        "the keys of `requires` in the plan file",
    ),
    (
        "plan/secret_declaration.rs",
        "SecretValue",
        "the keys of a secret value in the plan file",
    ),
    (
        "plan/source_declaration.rs",
        "SourceMap",
        "the keys of a source in the plan file",
    ),
    ("release/record.rs", "ObjectRecord", "stored as it is"),
    ("release/revision.rs", "PhaseRecord", "stored as it is"),
    ("release/revision.rs", "Revision", "stored as it is"),
    ("report/diff/json.rs", "Document", "printed as JSON"),
    ("report/history.rs", "HistoryRevision", "printed as JSON"),
    ("report/history.rs", "RevisionView", "printed as JSON"),
    ("report/json.rs", "Document", "printed as JSON"),
    ("report/status.rs", "StatusObject", "printed as JSON"),
    ("report/status.rs", "StatusView", "printed as JSON"),
    ("secret/scenarios.rs", "World", "only tests have it"),
];

/// Every struct of `text` with the number of its named fields.
fn structs(text: &str) -> Vec<(String, usize)> {
    let code = without_comments_and_literals(text);
    code.match_indices("struct ")
        .filter(|(position, _)| !code[..*position].ends_with(is_name))
        .filter_map(|(position, word)| {
            let rest = &code[position + word.len()..];
            let end = rest.find(['{', ';', '('])?;
            let fields = rest[end..].strip_prefix('{')?;
            let name = rest.chars().take_while(|character| is_name(*character));
            Some((name.collect(), fields_of(fields)))
        })
        .collect()
}

/// Number of named fields in `body`, which begins inside of a struct's braces.
fn fields_of(body: &str) -> usize {
    let mut depth = 0;
    let mut fields = 0;
    let mut before = ' ';
    let mut characters = body.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '}' if depth == 0 => break,
            '{' | '(' | '[' | '<' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            '>' if before != '-' => depth -= 1,
            ':' if depth == 0 && before != ':' && characters.peek() != Some(&':') => fields += 1,
            _ => {}
        }
        before = character;
    }
    fields
}

/// The structs of `sources` that have too many fields, each with its file and their number.
fn too_large(sources: BTreeMap<PathBuf, String>) -> Vec<(PathBuf, String, usize)> {
    let all = sources.into_iter().flat_map(|(file, text)| {
        let structs = structs(&text).into_iter();
        structs.map(move |(name, fields)| (file.clone(), name, fields))
    });
    all.filter(|(.., fields)| *fields > MOST_FIELDS).collect()
}

fn is_meant(exception: &(&str, &str, &str), file: &Path, name: &str) -> bool {
    file == Path::new(exception.0) && name == exception.1
}

#[test]
fn no_struct_has_too_many_fields() {
    let is_excepted = |file: &Path, name: &str| {
        let mut exceptions = EXCEPTIONS.iter();
        exceptions.any(|exception| is_meant(exception, file, name))
    };
    let found: Vec<String> = too_large(sources())
        .into_iter()
        .filter(|(file, name, _)| !is_excepted(file, name))
        .map(|(file, name, fields)| format!("src/{}: `{name}` has {fields}", file.display()))
        .collect();
    assert!(
        found.is_empty(),
        "more than {MOST_FIELDS} fields:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_exception_is_needed() {
    let found = too_large(sources());
    for exception in &EXCEPTIONS {
        let is_needed =
            |(file, name, _): &(PathBuf, String, usize)| is_meant(exception, file, name);
        assert!(found.iter().any(is_needed), "not needed: {exception:?}");
    }
}

#[test]
fn fields_are_counted() {
    let text = "
/// struct Comment { a: u8 }
pub(crate) struct Two<'a, T: Clone> {
    /// One: two: three.
    #[serde(rename = \"x: y\")]
    pub(crate) one: HashMap<String, fn(&T) -> (u8, u8)>,
    r#type: std::vec::Vec<&'a str>,
}
struct Unit;
struct Tuple(u8, u8);
struct None {}
";
    assert_eq!(
        structs(text),
        [("Two".to_owned(), 2), ("None".to_owned(), 0)]
    );
}
