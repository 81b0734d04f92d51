//! Rules that every platform keeps, and the exceptions that its data file names.

use std::collections::BTreeSet;

use super::{
    data::Exception,
    platform::{Platform, platforms},
    rendered::{Rendered, fits, short_title, title},
    workload::Workload,
};

/// What breaks a rule.
#[derive(Debug)]
pub(super) struct Problem {
    rule: &'static str,
    /// `KIND/NAMESPACE/NAME` and `KIND/NAME`.
    object: [String; 2],
    container: Option<String>,
    text: String,
}

/// Finds what breaks a rule in an environment of a platform.
pub(super) type Rule = fn(&Platform, &Rendered) -> Vec<Problem>;

/// All rules.
const RULES: [&[Rule]; 9] = [
    super::autoscaling::RULES,
    super::contexts::RULES,
    super::network::RULES,
    super::queries::RULES,
    super::quota::RULES,
    super::references::RULES,
    super::selectors::RULES,
    super::texts::RULES,
    super::workloads::RULES,
];

impl Problem {
    /// `object` breaks `rule`.
    pub(super) fn of(
        rule: &'static str,
        object: &serde_json::Value,
        text: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            object: [title(object), short_title(object)],
            container: None,
            text: text.into(),
        }
    }

    /// A container of `workload` breaks `rule`.
    pub(super) fn of_container(
        rule: &'static str,
        workload: Workload<'_>,
        container: &serde_json::Value,
        text: impl Into<String>,
    ) -> Self {
        Self {
            container: container["name"].as_str().map(str::to_owned),
            ..Self::of(rule, workload.object, text)
        }
    }

    fn is_excepted_by(&self, exception: &Exception) -> bool {
        let container = exception.container.as_deref();
        exception.rule == self.rule
            && self.object.iter().any(|name| fits(&exception.object, name))
            && container.is_none_or(|glob| {
                self.container
                    .as_deref()
                    .is_some_and(|name| fits(glob, name))
            })
    }

    fn shown(&self) -> String {
        let container = self
            .container
            .iter()
            .map(|name| format!(", container {name}"));
        format!(
            "[{}] {}{}: {}",
            self.rule,
            self.object[0],
            container.collect::<String>(),
            self.text
        )
    }
}

/// The test fails with everything that breaks one of `rules`, in any environment of any platform,
/// and is no exception.
#[track_caller]
pub(super) fn judge(rules: &[Rule]) {
    report(platforms().flat_map(|platform| {
        let exceptions = &platform.data.expectations.exceptions;
        let in_environment = move |rendered: &'static Rendered| {
            let problems = rules.iter().flat_map(move |rule| rule(platform, rendered));
            problems
                .filter(|problem| !exceptions.iter().any(|it| problem.is_excepted_by(it)))
                .map(|problem| problem.shown())
                .map(|line| format!("{} {}: {line}", platform.name, rendered.environment))
                .collect::<Vec<_>>()
        };
        platform.environments.iter().flat_map(in_environment)
    }));
}

/// The test fails where there is a line, with all of them.
#[track_caller]
pub(super) fn report(lines: impl IntoIterator<Item = String>) {
    let lines: Vec<String> = lines.into_iter().collect();
    assert!(
        lines.is_empty(),
        "{} problems:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn every_exception_is_needed_and_has_a_reason() {
    report(platforms().flat_map(|platform| {
        let problems: Vec<Problem> = platform
            .environments
            .iter()
            .flat_map(|rendered| {
                RULES
                    .iter()
                    .copied()
                    .flatten()
                    .map(move |rule| (rule, rendered))
            })
            .flat_map(|(rule, rendered)| rule(platform, rendered))
            .collect();
        let needless = |exception: &&Exception| {
            exception.reason.trim().is_empty()
                || !problems
                    .iter()
                    .any(|problem| problem.is_excepted_by(exception))
        };
        let exceptions = platform.data.expectations.exceptions.iter();
        exceptions
            .filter(needless)
            .map(|exception| format!("{}: nothing needs {exception:?}", platform.name))
            .collect::<BTreeSet<_>>()
    }));
}
