//! Versions of programs, and what is required of them.

use std::fmt;

/// A version: up to three numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version(Vec<u64>);

impl Version {
    /// The first version that `text` names, as a program prints it: `v1.31.2+k3s1`, `sops 3.9.1`.
    pub(crate) fn in_text(text: &str) -> Option<Self> {
        let starts = text.match_indices(|letter: char| letter.is_ascii_digit());
        starts
            .filter(|(at, _)| {
                let before = text[..*at].chars().next_back();
                !before.is_some_and(|letter| letter.is_ascii_digit() || letter == '.')
            })
            .find_map(|(at, _)| {
                let rest = &text[at..];
                let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
                let numbers = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                Self::parse(numbers).filter(|version| version.0.len() > 1)
            })
    }

    /// The version that `text` is, of which no more than three numbers count.
    fn parse(text: &str) -> Option<Self> {
        let numbers = text.split('.').take(3).map(|number| number.parse().ok());
        numbers.collect::<Option<Vec<u64>>>().map(Self)
    }

    /// Whether it is as `wanted` says: `>=1.26`, `>1.26`, `<1.36`, `<=1.36` or `1.26`, several joined
    /// by commas. Only as many numbers are compared as are given there: 1.26.3 is `1.26`.
    pub(crate) fn is_as(&self, wanted: &str) -> bool {
        wanted.split(',').map(str::trim).all(|part| {
            let (operator, asked) = comparison(part);
            let Some(asked) = Self::parse(asked) else {
                return false;
            };
            let numbers = self.0.iter().copied().chain(std::iter::repeat(0));
            let own: Vec<u64> = numbers.take(asked.0.len()).collect();
            match operator {
                ">=" => own >= asked.0,
                ">" => own > asked.0,
                "<=" => own <= asked.0,
                "<" => own < asked.0,
                _ => own == asked.0,
            }
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        formatter.write_str(&numbers.join("."))
    }
}

/// The operator of `part`, and the version that it compares with.
fn comparison(part: &str) -> (&str, &str) {
    let part = part.trim();
    let rest = part.trim_start_matches(['>', '<', '=']);
    let operator = &part[..part.len() - rest.len()];
    (operator, rest.trim_start().trim_start_matches('v'))
}

/// Whether `text` is a list of comparisons with versions: `>=1.26, <1.36`.
pub(super) fn is_version_requirement(text: &str) -> bool {
    text.split(',').all(|part| {
        let (operator, version) = comparison(part);
        matches!(operator, "" | ">" | ">=" | "<" | "<=" | "=")
            && version.split('.').count() <= 3
            && version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
            && Version::parse(version).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_requirements() {
        for good in [">=1.26", ">=1.26, <1.36", "1.30.2", "=v1.29"] {
            assert!(is_version_requirement(good), "{good}");
        }
        for wrong in ["", ">=", "=>1.2", "1.x", ">=1.26,", "~1.2", "1.2.3.4"] {
            assert!(!is_version_requirement(wrong), "{wrong}");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        let holds = |version: &str, wanted: &str| Version::in_text(version).unwrap().is_as(wanted);
        assert!(holds("1.36.0", ">=1.26"));
        assert!(!holds("1.9.4", ">=1.26"));
        assert!(holds("1.36.2", ">=1.26, <1.40"));
        assert!(!holds("1.36.2", "<1.36"));
        assert!(holds("1.36.2", "<=1.36") && !holds("1.36.2", ">1.36"));
        assert!(holds("1.36.2", "1.36") && !holds("1.36.2", "=1.36.1"));
        assert!(holds("3.14", ">=v3.14.0"));
    }

    #[test]
    fn what_programs_print_is_read() {
        let cases = [
            ("v3.14.2+gc309b6f\n", Some("3.14.2")),
            (
                "Client Version: v1.31.0\nKustomize Version: v5.4.2\n",
                Some("1.31.0"),
            ),
            (
                "{Version:kustomize/v4.5.7 GitCommit:56d82a8 BuildDate:2022-08-02}",
                Some("4.5.7"),
            ),
            ("sops 3.9.1 (latest)", Some("3.9.1")),
            ("jq-1.7", Some("1.7")),
            ("Client:\n\tVersion: v1.18.3\n", Some("1.18.3")),
            ("Major:\"1\", GitVersion:\"v1.20.15\"", Some("1.20.15")),
            ("git version 2.39.5.", Some("2.39.5")),
            ("(devel)", None),
            ("build 7 of today", None),
        ];
        for (text, version) in cases {
            let found = Version::in_text(text).map(|version| version.to_string());
            assert_eq!(found.as_deref(), version, "{text}");
        }
    }
}
