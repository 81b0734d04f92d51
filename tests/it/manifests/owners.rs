//! Objects that belong to owners, which are named by uid.

use crate::support::{
    apply, kubectl,
    manifests::config_map,
    namespace,
    project::{Project, written},
    user::User,
};

/// A ConfigMap that belongs to each of `owners`, ConfigMaps of a name and a uid.
fn owned(owners: &[(&str, &str)]) -> String {
    let owners: Vec<String> = owners
        .iter()
        .map(|(name, uid)| {
            format!("{{apiVersion: v1, kind: ConfigMap, name: {name}, uid: \"{uid}\"}}")
        })
        .collect();
    let metadata = format!("metadata: {{ownerReferences: [{}], ", owners.join(", "));
    config_map("owned", "1").replace("metadata: {", &metadata)
}

const ELSEWHERE: &str = "0c7a0000-0000-4000-8000-000000000009";

fn said(stderr: &str) -> String {
    stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What `kubectl get -o yaml` prints of objects that a controller made.
#[test]
fn an_owner_of_another_cluster_is_refused_before_the_first_write() {
    let project = Project::new("owned-elsewhere")
        .manifest("apps/owned.yaml", &owned(&[("owner", ELSEWHERE)]));
    let run = project.up(&[]).run().exited(5);
    let said = said(&run.stderr);
    for part in [
        "apps/owned.yaml:1",
        "its owner ConfigMap/owned-elsewhere/owner with uid `0c7a0000-0000-4000-8000-000000000009` does not exist",
        "remove `metadata.ownerReferences`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    project.assert_nothing_was_written();
}

#[test]
fn an_owner_that_is_there_is_taken_and_not_asked_for_again() {
    let name = namespace("owned-here");
    apply(&name, &config_map("owner", "1"));
    let project = Project::new(&name);
    let owner = project.get("configmap/owner")["metadata"]["uid"].clone();
    project.rewrite(
        "apps/owned.yaml",
        &owned(&[("owner", owner.as_str().unwrap())]),
    );
    project.deploy(&[]);
    assert_eq!(
        project.get("configmap/owned")["metadata"]["ownerReferences"][0]["uid"],
        owner
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    // One that is another object by now, and one more beside it that is there.
    project.rewrite(
        "apps/owned.yaml",
        &owned(&[("owner", owner.as_str().unwrap()), ("again", ELSEWHERE)]),
    );
    apply(&name, &config_map("again", "1"));
    let run = project.up(&[]).run().exited(5);
    assert!(
        said(&run.stderr).contains("has a successor of another uid"),
        "{}",
        run.stderr
    );

    // One that the manifest does not name any more is taken off.
    project.rewrite("apps/owned.yaml", &config_map("owned", "1"));
    project.deploy(&[]);
    let owners = project.get("configmap/owned")["metadata"]["ownerReferences"].clone();
    assert!(owners.is_null(), "{owners}");
}

#[test]
fn an_owner_that_the_user_may_not_look_at_counts_as_there() {
    let name = namespace("owned-hidden");
    let user = User::without_rights();
    let binding = ["-n", &name, "--clusterrole=admin", "--user", &user.name];
    kubectl(&[&["create", "rolebinding", "deployer"], binding.as_slice()].concat());
    let hidden = owned(&[("hidden", ELSEWHERE)]).replace(
        "{apiVersion: v1, kind: ConfigMap, name",
        "{apiVersion: v1, kind: Node, name",
    );
    let project = Project::new(&name)
        .plan(&format!("stateNamespace: {name}\n"))
        .manifest("apps/owned.yaml", &hidden);
    user.runs(project.up(&[])).run().exited(0);
}
