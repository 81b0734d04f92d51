//! Services and disruption budgets that select no pods.

use serde_json::Value;

use crate::support::{
    eventually,
    manifests::{deployment, documents, service},
    project::{Project, events},
};

/// The names under which things can be reached, and what was noted.
fn told(log: &[Value]) -> (Vec<String>, Vec<String>) {
    let access = log.last().unwrap()["access"].as_array().unwrap();
    let names = access.iter().map(|point| point["name"].as_str().unwrap());
    let notes = events(log, "noted").into_iter();
    let notes = notes.map(|event| event["text"].as_str().unwrap().to_owned());
    (names.map(str::to_owned).collect(), notes.collect())
}

#[test]
fn what_selects_no_pod_is_told_and_no_way_to_reach_anything() {
    let typo = service("typo", ", type: LoadBalancer").replace("app: typo", "app: wbe");
    let budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: budget}\nspec: {minAvailable: 0, selector: {matchLabels: {app: api}}}\n";
    let project = Project::new("selectors")
        .plan("open: {web: {service: web, port: 80}, typo: {service: typo, port: 80}}\n")
        .manifest(
            "apps/web.yaml",
            &documents(&[
                deployment("web"),
                service("web", ", type: LoadBalancer"),
                typo,
                budget.to_owned(),
            ]),
        );
    let validated = project.command("validate", &[]).run().exited(0);
    for warning in [
        "it selects no pod of the plan: app=wbe; the pods of Deployment/selectors/web have app=web",
        "it selects no pod of the plan: app=api; the pods of Deployment/selectors/web have app=web",
        "web.yaml:",
    ] {
        assert!(validated.stderr.contains(warning), "{}", validated.stderr);
    }

    let (names, notes) = told(&project.deploy(&[]));
    assert_eq!(names, ["web", "Service/selectors/web"]);
    let nearest = "the pods of Deployment/selectors/web have app=web";
    assert_eq!(
        notes,
        [
            format!("Service/selectors/typo selects no pods: app=wbe; {nearest}"),
            format!("PodDisruptionBudget/selectors/budget selects no pods: app=api; {nearest}"),
        ]
    );

    // A pod that something else has made is one.
    project.kubectl(&["run", "other", "--image=other:v1", "--labels=app=wbe"]);
    eventually("the pod", || {
        (!project.get("pod/other").is_null()).then_some(())
    });
    let (names, notes) = told(&project.deploy(&[]));
    assert_eq!(
        names,
        [
            "web",
            "typo",
            "Service/selectors/typo",
            "Service/selectors/web"
        ]
    );
    assert_eq!(notes.len(), 1, "{notes:?}");
}
