//! `list`.

use serde_json::Value;

use super::{manifests::config_map, project::Project};
use crate::support::{Deployctl, namespace};

#[test]
fn releases_are_listed_with_their_last_run() {
    let project =
        Project::new("listed").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.deploy(&[]);
    let view = Deployctl::in_sandbox()
        .args(["list", "-o", "json"])
        .run()
        .exited(0)
        .json();
    let releases = view["releases"].as_array().unwrap();
    let listed: Vec<&Value> = releases
        .iter()
        .filter(|release| release["release"] == "listed.default")
        .collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            &listed[0]["revision"]["number"],
            &listed[0]["revision"]["outcome"],
            &listed[0]["objects"]
        ),
        (&2.into(), &"succeeded".into(), &2.into())
    );
    let text = Deployctl::in_sandbox()
        .args(["list"])
        .run()
        .exited(0)
        .stdout;
    assert!(
        text.lines()
            .any(|line| line.contains("listed.default") && line.contains("succeeded")),
        "{text}"
    );
}

#[test]
fn no_releases_are_said_in_words() {
    let empty = namespace("no-releases");
    for state in [&empty, "not-even-there"] {
        let outcome = Deployctl::in_sandbox()
            .args(["list", "--state-namespace", state])
            .run()
            .exited(0);
        assert!(
            outcome.stdout.starts_with("no releases"),
            "{}",
            outcome.stdout
        );
    }
}
