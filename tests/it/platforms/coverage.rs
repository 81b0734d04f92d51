//! No figure of a platform's section is forgotten: each of its bullets with a number in it is named
//! by a row of the data file.

use super::{
    figures::{documents, joined},
    platform::{Platform, platforms},
    rules::report,
};

/// The bullets of the section about `platform`, each in one line.
fn bullets(platform: &Platform, document: &str) -> Vec<String> {
    let heading = format!("(`{}`)", platform.name);
    let mut lines = document
        .lines()
        .skip_while(|line| !(line.starts_with("## ") && line.contains(&heading)));
    lines.next();
    let mut bullets: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        match line.strip_prefix("- ") {
            Some(bullet) => bullets.push(bullet.to_owned()),
            None => {
                if let Some(last) = bullets.last_mut() {
                    last.push(' ');
                    last.push_str(line.trim());
                }
            }
        }
    }
    bullets
}

/// Whether `bullet` says a number: not in what it quotes, and not as a part of a word (`K3s`).
fn has_figure(bullet: &str) -> bool {
    let said = bullet.split('`').step_by(2);
    said.flat_map(|text| text.split(|letter: char| !letter.is_ascii_alphanumeric()))
        .any(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

#[test]
fn every_bullet_with_a_figure_is_named() {
    report(platforms().flat_map(|platform| {
        let Some((common, _)) = documents(platform) else {
            println!(
                "{}: the documents are not here, so that bullets are not looked up",
                platform.name
            );
            return Vec::new();
        };
        let bullets = bullets(platform, &common);
        assert!(
            !bullets.is_empty(),
            "the document has no section about {}",
            platform.name
        );
        let is_named = |bullet: &String| {
            let bullet = joined(bullet);
            let mut figures = platform.data.expectations.figures.iter();
            figures.any(|figure| bullet.contains(&joined(&figure.line)))
        };
        let forgotten = bullets
            .iter()
            .filter(|bullet| has_figure(bullet) && !is_named(bullet));
        forgotten
            .map(|bullet| format!("{}: no row names anything of: {bullet}", platform.name))
            .collect()
    }));
}
