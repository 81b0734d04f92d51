//! Unit tests of alerts and recording rules, `tests/platforms/rules/PLATFORM.yml`: what fires when, by what
//! Prometheus itself makes of series that are made up. <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>

use std::fs;

use super::{
    files,
    report::{Line, Verdict},
};
use crate::platforms::{Platform, entries};

/// The tests of a platform, where it has any, in its protected environments. They name the rules as `rules-*.yaml`.
pub(super) fn check(platform: &Platform) -> Vec<Line> {
    let name = format!("tests/platforms/rules/{}.yml", platform.name);
    let Ok(tests) = fs::read_to_string(files::root().join(name)) else {
        return Vec::new();
    };
    let protected = platform.environments.iter().filter(|rendered| {
        platform.plan["environments"][&rendered.environment]["protected"] == true
    });
    let line = |rendered| {
        Line::of(
            (platform, rendered),
            "tests of rules",
            "promtool",
            |program| {
                let mut contents = vec![("tests.yml".to_owned(), tests.clone())];
                let of_objects = rendered
                    .kind("PrometheusRule")
                    .map(|object| object["spec"].to_string());
                let keys = rendered
                    .kind("ConfigMap")
                    .flat_map(|map| entries(&map["data"]));
                let of_keys = keys.filter_map(|(_, content)| {
                    let content = content.as_str()?;
                    content
                        .lines()
                        .any(|line| line == "groups:")
                        .then(|| content.to_owned())
                });
                let rules = of_objects.chain(of_keys).enumerate();
                contents.extend(
                    rules.map(|(number, content)| (format!("rules-{number}.yaml"), content)),
                );
                if contents.len() == 1 {
                    return Verdict::Failed("there are no rules".to_owned());
                }
                let command = ["promtool", "test", "rules", "tests.yml"].map(str::to_owned);
                files::run_with(program, &command, &contents)
            },
        )
    };
    protected.map(line).collect()
}
