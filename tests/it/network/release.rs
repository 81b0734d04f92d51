use crate::support::{
    Outcome,
    manifests::{config_map, deployment},
    project::Project,
    proxy::{Logged, Proxy},
};

/// The write of the `ConfigMap` of [`release`]: its dry run is none.
pub(super) const SETTINGS: &str = "/configmaps/settings";
/// The write of its Deployment.
pub(super) const WEB: &str = "/deployments/web";

/// A release of a `ConfigMap` and a Deployment, and a proxy of its own.
pub(super) fn release(name: &str) -> (Project, Proxy) {
    let project = Project::new(name)
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/web.yaml", &deployment("web"));
    (project, Proxy::start())
}

/// The requests among `requests` that contain `part`.
pub(super) fn about(requests: Vec<Logged>, part: &str) -> Vec<Logged> {
    requests
        .into_iter()
        .filter(|request| request.path.contains(part))
        .collect()
}

/// What each of the writes that contain `part` was answered with.
pub(super) fn answers(proxy: &Proxy, part: &str) -> Vec<Option<u16>> {
    about(proxy.mutating(), part)
        .iter()
        .map(|write| write.status)
        .collect()
}

/// The lines about requests that were sent again, which `-v` shows.
pub(super) fn retries(outcome: &Outcome) -> Vec<&str> {
    outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("Retry:"))
        .collect()
}

/// The test fails where the release is not as `up` makes it.
#[track_caller]
pub(super) fn assert_complete(project: &Project) {
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    assert_eq!(project.get("deployment/web")["status"]["readyReplicas"], 1);
    let status = project.status();
    assert_eq!(status["revision"]["outcome"], "succeeded", "{status:#}");
}
