//! Label selectors as they are written on a command line.

use serde_json::Value;

use super::ManifestView;

/// A label selector: all of its requirements must hold.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

/// What a selector requires of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    Exists,
    Absent,
    In(Vec<String>),
    /// The label has none of these values, or is not there.
    NotIn(Vec<String>),
}

impl LabelSelector {
    /// The selector that is written as `KEY=VALUE`, `KEY!=VALUE`, `KEY in (A,B)`, `KEY notin (A,B)`,
    /// `KEY` or `!KEY`, several with commas between.
    pub(crate) fn parse(written: &str) -> Result<Self, String> {
        let requirements = parts(written).into_iter().map(Requirement::parse);
        Ok(Self {
            requirements: requirements.collect::<Result<_, _>>()?,
        })
    }

    /// Whether it selects `object`.
    pub(crate) fn selects(&self, object: &Value) -> bool {
        let mut requirements = self.requirements.iter();
        requirements.all(|requirement| requirement.holds(object))
    }

    /// The labels that it is about.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(|it| it.key.as_str())
    }
}

/// What stands between the commas of `written` that are in no brackets.
fn parts(written: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let is_between = |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    written.split(is_between).map(str::trim).collect()
}

impl Requirement {
    fn parse(part: &str) -> Result<Self, String> {
        let of = |key: &str, operator| {
            Ok(Self {
                key: checked(key, part)?,
                operator,
            })
        };
        let one = |value: &str| vec![value.trim().to_owned()];
        if let Some(key) = part.strip_prefix('!').filter(|key| !key.contains('=')) {
            return of(key, Operator::Absent);
        }
        if let Some((key, value)) = part.split_once("!=") {
            return of(key, Operator::NotIn(one(value)));
        }
        if let Some((key, value)) = part.split_once('=') {
            let value = value.strip_prefix('=').unwrap_or(value);
            return of(key, Operator::In(one(value)));
        }
        let Some((key, rest)) = part.split_once(char::is_whitespace) else {
            return of(part, Operator::Exists);
        };
        let (operator, values) = rest.trim().split_once('(').ok_or_else(|| unclear(part))?;
        let values = values.strip_suffix(')').ok_or_else(|| unclear(part))?;
        let values = values
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        match operator.trim() {
            "in" => of(key, Operator::In(values)),
            "notin" => of(key, Operator::NotIn(values)),
            _ => Err(unclear(part)),
        }
    }

    fn holds(&self, object: &Value) -> bool {
        let value = ManifestView(object).label(&self.key);
        let is_among =
            |values: &[String]| value.is_some_and(|value| values.iter().any(|it| it == value));
        match &self.operator {
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::In(values) => is_among(values),
            Operator::NotIn(values) => !is_among(values),
        }
    }
}

/// `key`, if it can be the name of a label.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
fn checked(key: &str, part: &str) -> Result<String, String> {
    let key = key.trim();
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() || !key.chars().all(is_known) {
        return Err(unclear(part));
    }
    Ok(key.to_owned())
}

fn unclear(part: &str) -> String {
    format!(
        "`{part}` is no label selector; write `KEY=VALUE`, `KEY!=VALUE`, `KEY in (A,B)`, `KEY notin (A,B)`, `KEY` or `!KEY`"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_are_those_of_kubectl() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front", "example.org/team": "shop"}}});
        for (selector, selected) in [
            ("app=web", true),
            ("app==web", true),
            ("app = web , tier=front", true),
            ("app=web,tier=back", false),
            ("app!=web", false),
            ("other!=web", true),
            ("app in (api, web)", true),
            ("app in (api),tier", false),
            ("app notin (api,db)", true),
            ("app notin (web)", false),
            ("other notin (web)", true),
            ("example.org/team", true),
            ("!app", false),
            ("!other,app in(web)", true),
        ] {
            // A bracket may follow without a space.
            let selector = selector.replace("in(", "in (");
            let parsed = LabelSelector::parse(&selector).unwrap();
            assert_eq!(parsed.selects(&object), selected, "{selector}");
        }
        assert!(!LabelSelector::parse("app").unwrap().selects(&json!({})));
    }

    #[test]
    fn what_is_no_selector_is_said() {
        for selector in [
            "",
            "=web",
            "app=web,",
            "app in web",
            "app of (a)",
            "a b",
            "app in (a",
            "app web (a)",
        ] {
            let error = LabelSelector::parse(selector).unwrap_err();
            assert!(
                error.contains("is no label selector"),
                "{selector}: {error}"
            );
        }
    }
}
