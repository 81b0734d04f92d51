//! A signal while a release is taken down.

use rustix::process::Signal;
use serde_json::Value;

use super::{manifests::config_map, project::Project, running::Running};
use crate::support::get;

#[test]
fn what_is_left_is_taken_down_by_the_next_one_or_brought_back() {
    let held = config_map("held", "1").replace(
        "{name: held}",
        "{name: held, finalizers: [shop.test/nobody]}",
    );
    for (name, next) in [("down-again", "down"), ("down-back", "rollback")] {
        let project = Project::new(name)
            .manifest("databases/settings.yaml", &config_map("settings", "1"))
            .manifest("apps/held.yaml", &held);
        project.deploy(&[]);
        let mut run = Running::start(project.command("down", &["--yes"]));
        run.until(|event| {
            event["event"] == "object-written"
                && event["result"] == "deleted"
                && event["object"]["name"] == "held"
        });
        run.signal(Signal::INT);
        let (status, events, stderr) = run.end();
        assert_eq!(status, Some(3), "{stderr}");
        assert_eq!(events.last().unwrap()["outcome"], "interrupted");
        assert_eq!(project.last_revision()["outcome"], "interrupted");
        let said = project.command("status", &["--exit-code"]).run();
        assert!(
            said.stdout.contains(&format!("`deployctl down {name}")),
            "{}\n{}",
            said.stdout,
            said.stderr
        );

        project.kubectl(&[
            "patch",
            "configmap",
            "held",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ]);
        project.command(next, &["--yes"]).run().exited(0);
        if next == "down" {
            assert_eq!(get("default", &format!("namespace/{name}")), Value::Null);
        } else {
            assert_eq!(project.get("configmap/held")["data"]["value"], "1");
            assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
        }
    }
}
