//! A revision that would find no room is refused before anything is written.

use serde_json::Value;

use super::{manifests::config_map, project::Project};
use crate::support::{apply, eventually, get, kubectl, namespace};

#[test]
fn a_quota_without_room_for_the_revision_is_named_before_the_first_write() {
    for counted_as in ["secrets", "count/secrets"] {
        let state = namespace("no-room");
        let project = Project::new(&format!("for-{state}"))
            .plan(&format!("stateNamespace: {state}\n"))
            .manifest("apps/settings.yaml", &config_map("settings", "1"));
        apply(
            &state,
            &format!(
                "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: few}}\nspec: {{hard: {{{counted_as}: '3'}}}}\n"
            ),
        );
        eventually("the quota is counted up", || {
            get(&state, "resourcequota/few")["status"]["used"][counted_as]
                .as_str()
                .map(str::to_owned)
        });

        let outcome = project.up(&[]).run().exited(5);
        for text in [
            format!("namespace `{state}`"),
            "quota `few` takes 3 more Secrets".to_owned(),
            "raise the quota".to_owned(),
        ] {
            assert!(
                outcome.stderr.contains(&text),
                "`{text}` is missing:\n{}",
                outcome.stderr
            );
        }
        assert_eq!(kubectl(&["get", "secrets", "-n", &state, "-o", "name"]), "");
        assert_eq!(
            get("default", &format!("namespace/{}", project.name)),
            Value::Null
        );

        kubectl(&[
            "patch",
            "resourcequota",
            "few",
            "-n",
            &state,
            "-p",
            &format!(r#"{{"spec":{{"hard":{{"{counted_as}":"20"}}}}}}"#),
        ]);
        eventually("the quota is raised", || {
            (get(&state, "resourcequota/few")["status"]["hard"][counted_as] == "20").then_some(())
        });
        project.deploy(&[]);
    }
}
