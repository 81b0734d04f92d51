//! Every file says at its top what it is for.

use super::source_text::sources;

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| format!("src/{}", file.display()))
        .collect();
    assert!(
        silent.is_empty(),
        "these do not start with `//! …`: {silent:?}"
    );
}
