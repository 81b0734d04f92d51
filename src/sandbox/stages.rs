//! The stages by which kwok plays kubelets and controllers.

/// The stages that play kubelets, volumes, load balancers and ingress controllers.
const CORE: [&str; 5] = [
    include_str!("stages/node.yaml"),
    include_str!("stages/pod.yaml"),
    include_str!("stages/pod-faults.yaml"),
    include_str!("stages/volume.yaml"),
    include_str!("stages/network.yaml"),
];

/// What stands in the stages that start containers, init containers first, and the lists of statuses
/// that it stands for.
const HELD_BACK: [(&str, &str); 2] = [
    ("- {key: held-back-at-init}", "initContainerStatuses"),
    ("- {key: held-back}", "containerStatuses"),
];

/// The configuration of the kwok that plays the kubelets.
pub(super) fn core() -> String {
    let stages = CORE.join("\n---\n");
    HELD_BACK.into_iter().fold(stages, |stages, (mark, list)| {
        stages.replace(mark, &let_go(list))
    })
}

/// The requirement that a pod is not held back (`starting/`): its volumes are mounted, and none of
/// the containers in this list of statuses is one that cannot be created.
fn let_go(list: &str) -> String {
    let starts = r#"[.status.conditions[]? | select(.type == "PodReadyToStartContainers") | .status] | any(. == "False")"#;
    let created = format!(
        r#"[.status.{list}[]?.state.waiting.reason] | any(. == "CreateContainerConfigError" or . == "InvalidImageName")"#
    );
    format!("- {{key: '({starts}) or ({created})', operator: In, values: [\"false\"]}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stage that starts containers asks whether the pod is held back.
    #[test]
    fn whatever_starts_containers_can_be_held_back() {
        let pods = [CORE[1], CORE[2]].join("\n---\n");
        let not_started = [
            "pod-create",
            "pod-complete",
            "pod-delete",
            "pod-image-back-off",
            "pod-mount-fails",
        ];
        for stage in pods.split("\n---\n") {
            let is_exempt = not_started
                .iter()
                .any(|name| stage.contains(&format!("name: {name}}}")));
            assert_eq!(is_exempt, !stage.contains("{key: held-back"), "{stage}");
        }
        assert!(!core().contains("held-back"));
    }
}
