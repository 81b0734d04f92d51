//! What people write where somebody else shall write something.

use std::sync::LazyLock;

use regex::Regex;

/// A placeholder in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placeholder<'a> {
    /// The word, as it stands in the text.
    pub(super) word: &'a str,
    /// How such words look, which tells nothing of the text.
    pub(super) label: &'static str,
    /// Whether it can hardly be meant.
    pub(super) is_certain: bool,
}

/// A sort of placeholder.
struct Pattern {
    label: &'static str,
    /// A text without any of these, in small letters, holds none; which is faster to see.
    seeds: &'static [&'static str],
    /// Its first group is the word.
    regex: LazyLock<Regex>,
    is_certain: bool,
    /// Whether it is known in prose and scripts too, where most others are words like any other.
    anywhere: bool,
}

macro_rules! pattern {
    ($label:literal, $seeds:expr, $regex:literal, $is_certain:literal, $anywhere:literal) => {
        Pattern {
            label: $label,
            seeds: $seeds,
            regex: LazyLock::new(|| Regex::new($regex).expect("it is a regular expression")),
            is_certain: $is_certain,
            anywhere: $anywhere,
        }
    };
}

static PATTERNS: [Pattern; 9] = [
    pattern!(
        "CHANGE_ME",
        &["change"],
        r"(?:^|[^A-Za-z])(CHANGE[-_]?ME(?:_[A-Z0-9_]+)?)(?:[^A-Za-z]|$)",
        true,
        true
    ),
    pattern!(
        "changeme",
        &["change"],
        r"(?i)^(?:[^ ]*[^a-z])?(change[-_]?me)(?:[^a-z][^ ]*)?$",
        true,
        false
    ),
    pattern!(
        "REPLACE_ME",
        &["replace"],
        r"(?:^|[^A-Za-z0-9_])(REPLACE[-_](?:ME|WITH|THIS)(?:[-_][A-Z0-9_-]*)?)(?:[^A-Za-z0-9]|$)",
        true,
        true
    ),
    // It may be a word of a program: `REPLACE_EXISTING`.
    pattern!(
        "REPLACE_…",
        &["replace"],
        r"(?:^|[^A-Za-z0-9_])(REPLACE[-_][A-Z0-9][A-Z0-9_-]*)",
        false,
        true
    ),
    pattern!(
        "replace-…",
        &["replace"],
        r"(?i)(?:^|[^a-z])(replace[-_]?(?:me|with|this)(?:[-_][a-z0-9_-]*)?)(?:[^a-z0-9]|$)",
        true,
        false
    ),
    pattern!(
        "your-…",
        &["your"],
        r#"(?i)(?:^|[/:@="'<.,])(your[-_][a-z0-9][a-z0-9._-]*)"#,
        true,
        false
    ),
    pattern!(
        "<…>",
        &["<"],
        r"^(<[A-Za-z][A-Za-z0-9 _./-]*>)$",
        true,
        false
    ),
    pattern!("xxxxxxxx", &["xxxxxxxx"], r"(x{8,}|X{8,})", true, false),
    pattern!(
        "PROJECT_ID",
        &["project_id", "project-id", "account_id", "account-id"],
        r"(?:^|[/:@.=])((?:YOUR[-_]|MY[-_]|GCP[-_]|AWS[-_])?(?:PROJECT|ACCOUNT)[-_]ID)(?:[/:@.]|$)",
        true,
        false
    ),
];

/// Words in angle brackets that programs write themselves.
const NOTHING: [&str; 4] = ["<none>", "<nil>", "<unknown>", "<empty>"];

/// Texts longer than this are data.
const LONGEST_VALUE: usize = 512;

/// The first placeholder in `text`: in the value of one field, or, in a text of several lines, in a
/// line of it.
pub(super) fn placeholder(text: &str) -> Option<Placeholder<'_>> {
    let text = text.trim();
    if text.contains('\n') {
        return text.lines().find_map(in_line);
    }
    if text.len() > LONGEST_VALUE {
        return None;
    }
    in_text(
        text,
        text.contains(char::is_whitespace) && !text.starts_with('<'),
    )
}

fn in_text(text: &str, is_prose: bool) -> Option<Placeholder<'_>> {
    let small = text.to_ascii_lowercase();
    // Names of temporary files are made of such letters.
    let is_temporary = small.contains("/tmp") || small.contains("mktemp");
    let fits = |pattern: &&Pattern| {
        (pattern.anywhere || !is_prose)
            && pattern.seeds.iter().any(|seed| small.contains(seed))
            && !(is_temporary && pattern.label == "xxxxxxxx")
    };
    PATTERNS.iter().filter(fits).find_map(|pattern| {
        let word = pattern.regex.captures(text)?.get(1)?.as_str();
        (!NOTHING.contains(&word)).then_some(Placeholder {
            word,
            label: pattern.label,
            is_certain: pattern.is_certain && !is_prose && is_certain(pattern.label, word == text),
        })
    })
}

/// Whether a word of the sort `label` can hardly be meant where it `is_alone`: a name may be
/// `PROJECT_ID`, and a mask or a number may have many an x.
fn is_certain(label: &str, is_alone: bool) -> bool {
    match label {
        "PROJECT_ID" => !is_alone,
        "xxxxxxxx" => is_alone,
        _ => true,
    }
}

/// What stands in a line of a text that is somebody else's: the value behind a key, as far as the line
/// is neither a comment nor part of a program that deals with placeholders.
fn in_line(line: &str) -> Option<Placeholder<'_>> {
    const COMMENTS: [&str; 6] = ["#", "//", ";", "--", "<!--", "*"];
    const PROGRAM: [&str; 12] = [
        "if ", "[ ", "[[", "==", "!=", "=~", "case ", "grep", "sed", "echo", "replace(", "envsubst",
    ];
    let line = line.trim();
    let is_comment = COMMENTS.iter().any(|mark| line.starts_with(mark));
    if is_comment || line.len() > LONGEST_VALUE || PROGRAM.iter().any(|it| line.contains(it)) {
        return None;
    }
    let value = line.split_once([':', '=']).map_or(line, |(_, value)| value);
    let quotes = ['"', '\'', ',', ';', ' '];
    // A comment behind the value is none of it.
    let value = value
        .split(" #")
        .next()
        .unwrap_or(value)
        .trim_matches(quotes);
    let found = in_text(value, value.contains(char::is_whitespace))?;
    Some(Placeholder {
        is_certain: false,
        ..found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        placeholder(text).map_or_else(String::new, |it| {
            let doubt = if it.is_certain { "" } else { " perhaps" };
            format!("{}{doubt}", it.word)
        })
    }

    #[test]
    fn placeholders_are_known_by_how_they_look() {
        for (text, word) in [
            ("CHANGE_ME", "CHANGE_ME"),
            ("postgres://app:CHANGEME@db/shop", "CHANGEME"),
            ("changeme", "changeme"),
            ("change-me-please", "change-me"),
            ("CHANGE_ME_IN_PRODUCTION", "CHANGE_ME_IN_PRODUCTION"),
            ("REPLACE_WITH_TOKEN", "REPLACE_WITH_TOKEN"),
            ("replace-me", "replace-me"),
            ("your-api-key", "your-api-key"),
            ("https://your-domain.com/x", "your-domain.com"),
            ("YOUR_API_KEY", "YOUR_API_KEY"),
            ("<your password>", "<your password>"),
            ("<token>", "<token>"),
            ("REPLACE_ME", "REPLACE_ME"),
            ("https://REPLACE-THIS-HOST/x", "REPLACE-THIS-HOST"),
            ("REPLACE_EXISTING", "REPLACE_EXISTING perhaps"),
            ("REPLACE_METHOD", "REPLACE_METHOD perhaps"),
            ("xxxxxxxxxxxx", "xxxxxxxxxxxx"),
            ("sk_live_xxxxxxxxxxxx", "xxxxxxxxxxxx perhaps"),
            ("AKIAXXXXXXXXXXXXXXXX", "XXXXXXXXXXXXXXXX perhaps"),
            ("gcr.io/PROJECT_ID/api:1", "PROJECT_ID"),
            ("arn:aws:iam::ACCOUNT_ID:role/api", "ACCOUNT_ID"),
            ("PROJECT_ID", "PROJECT_ID perhaps"),
            ("set it to CHANGE_ME later", "CHANGE_ME perhaps"),
            ("a: 1\npassword: changeme\n", "changeme perhaps"),
            (
                "url = \"https://your-company.com\"\nx = 1",
                "your-company.com perhaps",
            ),
        ] {
            assert_eq!(found(text), word, "{text}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_none() {
        for text in [
            "",
            "exchangement",
            "changemeter",
            "replace",
            "replacement",
            "<none>",
            "a < b > c",
            "for your information",
            "yours-truly",
            "xxxx",
            "$(PROJECT_ID)",
            "${ACCOUNT_ID}",
            "PROJECT_IDENTITY",
            "mktemp /tmp/a.XXXXXXXXXX",
            "# password: changeme\na: b\n",
            "if [ \"$A\" = \"CHANGE_ME\" ]; then\n  exit 1\nfi\n",
            "sed -i s/CHANGE_ME/$A/ /etc/x\ntrue\n",
            "(?P<year>[0-9]+)",
            "<html><body>hello</body></html>",
        ] {
            assert_eq!(found(text), "", "{text}");
        }
    }
}
