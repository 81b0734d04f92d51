//! A run that has nothing to do but to say that everything is as wanted.

use crate::support::{
    eventually, kubectl,
    project::Project,
    proxy::{Logged, Proxy},
};

/// What is wanted may be there although the run that brought it has not succeeded. Saying so needs
/// the lock: that run may be alive.
#[test]
fn a_run_that_only_stores_an_outcome_takes_the_lock_and_frees_it() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  nodeSelector: {only-recorded: soon}\n  containers: [{name: main, image: web:v1}]\n";
    let project = Project::new("only-recorded")
        .plan("phases: {apps: {timeout: 3s}}\n")
        .manifest("apps/web.yaml", pod);
    project.up(&["--no-rollback"]).run().exited(3);
    kubectl(&["label", "nodes", "--all", "only-recorded=soon"]);
    eventually("the pod runs", || {
        (project.get("pod/web")["status"]["phase"] == "Running").then_some(())
    });
    let proxy = Proxy::start();
    proxy.run(project.up(&[])).exited(0);
    let leases: Vec<&str> = proxy
        .mutating()
        .iter()
        .filter(|write| write.path.contains("/leases"))
        .map(Logged::verb)
        .collect();
    assert_eq!(
        (leases.first(), leases.last()),
        (Some(&"create"), Some(&"delete")),
        "{leases:?}"
    );
    assert_eq!(project.last_revision()["outcome"], "succeeded");
}
